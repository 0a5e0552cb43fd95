//! TLS to the database: certificates that are good, of another name, of nobody known, and of yesterday.

use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tieout::exit::ExitCode;
use tieout::postgres::{Address, Error};

use crate::support::postgres::Server;

/// A certification authority, and what it signs.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Certificate and key of a server of that name.
    fn server(&self, name: &str, until_year: i32) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// What it is about; who signs, the name, the year of the end; `sslmode`; the reason of the refusal, if any.
type Case<'a> = (&'a str, &'a Authority, &'a str, i32, &'a str, Option<&'a str>);

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn a_server_is_trusted_by_its_certificate_or_the_reason_is_told() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Server::start(&[]);
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("ca.pem"), ours.0.pem()).unwrap();
    let database = server.database().await;
    let year_after_all = 2999;
    let table: [Case; 9] = [
        ("good", &ours, "127.0.0.1", year_after_all, "verify-full", None),
        ("good", &ours, "127.0.0.1", year_after_all, "verify-ca", None),
        ("wrong name", &ours, "db.example", year_after_all, "verify-full", Some("not valid for name")),
        ("wrong name, not asked", &ours, "db.example", year_after_all, "verify-ca", None),
        ("unknown authority", &theirs, "127.0.0.1", year_after_all, "verify-full", Some("UnknownIssuer")),
        ("unknown authority", &theirs, "127.0.0.1", year_after_all, "verify-ca", Some("UnknownIssuer")),
        ("unknown authority, not asked", &theirs, "127.0.0.1", year_after_all, "require", None),
        ("expired", &ours, "127.0.0.1", 2001, "verify-full", Some("expired")),
        ("expired", &ours, "127.0.0.1", 2001, "verify-ca", Some("expired")),
    ];
    server.put("postgresql.auto.conf", "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n");
    for (what, authority, name, until_year, mode, refused) in table {
        let (certificate, key) = authority.server(name, until_year);
        server.put("server.pem", &certificate);
        server.put("server.key", &key);
        server.control(&["restart", "-m", "fast"]);
        // The paths of certificates are relative to the project's folder.
        let url = format!("{}?sslmode={mode}&sslrootcert=ca.pem", server.address(&database));
        let address = Address::parse(&url, folder.path()).unwrap();
        match (address.connect("tieout", Duration::from_secs(10)).await, refused) {
            (Ok(mut connection), None) => {
                let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                let encrypted: bool = sqlx::query_scalar(encrypted).fetch_one(&mut connection).await.unwrap();
                assert!(encrypted, "{what} {mode}");
            }
            (Err(error), Some(reason)) => {
                assert!(matches!(error, Error::Tls { .. }), "{what} {mode}: {error:?}");
                assert_eq!(error.exit_code(), ExitCode::ProviderUnavailable);
                let told = error.to_string();
                assert!(told.contains(reason), "{what} {mode}: {told}");
                let to_do = "check the server's certificate, its name and its date, and `sslmode` and `sslrootcert` of \
                             the address";
                assert!(told.ends_with(to_do), "{what} {mode}: {told}");
            }
            (outcome, _) => panic!("{what} {mode}: {outcome:?}; expected {refused:?}"),
        }
    }
    let nowhere = format!("{}?sslmode=verify-full&sslrootcert=missing.pem", server.address(&database));
    let address = Address::parse(&nowhere, Path::new("/nowhere")).unwrap();
    let refused = address.connect("tieout", Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(refused.exit_code(), ExitCode::Configuration);
    let told = std::error::Error::source(&refused).unwrap().to_string();
    assert_eq!(
        told,
        "`sslrootcert` of the address names /nowhere/missing.pem, which cannot be read; it is relative to the folder of \
         tieout.yaml"
    );
}
