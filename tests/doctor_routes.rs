//! `tieout doctor` tells apart what stands between this machine and a provider: over real TLS on loopback.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use tempfile::TempDir;
use tieout::providers::http::{NoConnection, no_connection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// An authority of the tests' own.
fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// How a provider answers, and with which certificate.
struct Provider {
    name: &'static str,
    /// The years in which its certificate is good.
    years: (i32, i32),
    /// How far its clock is ahead of ours.
    ahead: TimeDelta,
    /// What it says to a request for a token.
    token_status: u16,
}

const GOOD: Provider = Provider { name: "127.0.0.1", years: (2000, 4000), ahead: TimeDelta::zero(), token_status: 200 };

/// A machine with a project, and what its user trusts.
struct Machine {
    folder: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
    runtime: Runtime,
}

impl Machine {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let machine = Self { folder: TempDir::new().unwrap(), authority: authority("of a test"), runtime };
        let certificate: &rcgen::Certificate = machine.authority.as_ref();
        std::fs::write(machine.trusted(), certificate.pem()).unwrap();
        machine
    }

    /// The file of the authorities that it trusts.
    fn trusted(&self) -> PathBuf {
        self.folder.path().join("authorities.pem")
    }

    /// Serves a provider; says where.
    fn serve(&self, provider: &Provider) -> String {
        let mut params = CertificateParams::new(vec![provider.name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(provider.years.0, 1, 1);
        params.not_after = date_time_ymd(provider.years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (ahead, token_status) = (provider.ahead, provider.token_status);
        self.runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let asked = request(&mut stream).await;
                    let answer = answer(&asked, token_status, Utc::now() + ahead);
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        format!("https://{address}")
    }

    /// The row of the provider at an address, and the exit code.
    fn doctor(&self, address: &str) -> (Value, i32) {
        let project = format!(
            "providers:\n  kard:\n    type: kard\n    base_url: {address}\n    token_url: {address}/token\n    \
             organization: org-1\n    client_id: {{env: TEST_ID}}\n    client_secret: {{env: TEST_SECRET}}\n    \
             http: {{connect_timeout: 1s, idle_timeout: 2s, total_timeout: 3s, attempts: 1}}\n"
        );
        std::fs::write(self.folder.path().join("tieout.yaml"), project).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tieout"));
        command.args(["doctor", "--format", "json"]).current_dir(self.folder.path());
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(proxy).env_remove(proxy.to_lowercase());
        }
        command.env("SSL_CERT_FILE", self.trusted()).env_remove("SSL_CERT_DIR");
        let output = command.env("TEST_ID", "id").env("TEST_SECRET", "canary-secret").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("canary"), "{text}");
        let rows: Value = serde_json::from_str(&text).unwrap();
        let row = rows.as_array().unwrap().iter().find(|row| row["check"] == "provider kard").unwrap();
        (row.clone(), output.status.code().unwrap())
    }
}

/// The head of a request, once its body has come as well.
async fn request(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return head.to_owned();
            }
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return text,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

fn answer(asked: &str, token_status: u16, date: DateTime<Utc>) -> String {
    let (status, body) = if asked.contains(" /token ") {
        let token = r#"{"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600}"#;
        (token_status, if token_status == 200 { token } else { r#"{"error": "invalid_client"}"# })
    } else {
        (200, r#"{"data": [], "links": {"next": null}, "meta": {"hasNextPage": false}}"#)
    };
    format!(
        "HTTP/1.1 {status} -\r\nDate: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        date.format("%a, %d %b %Y %H:%M:%S GMT"),
        body.len()
    )
}

/// Found and to be done, of a row that fails with this code.
#[track_caller]
fn failed((row, code): (Value, i32), expected: i32) -> (String, String) {
    assert_eq!((row["verdict"].as_str(), code), (Some("fail"), expected), "{row}");
    (row["found"].as_str().unwrap().to_owned(), row["to_do"].as_str().unwrap().to_owned())
}

#[test]
fn a_provider_that_is_well_is_well() {
    let machine = Machine::new();
    let (row, code) = machine.doctor(&machine.serve(&GOOD));
    assert_eq!((row["verdict"].as_str(), code), (Some("ok"), 0), "{row}");
}

#[test]
fn a_wrong_secret_is_77() {
    let machine = Machine::new();
    let address = machine.serve(&Provider { token_status: 401, ..GOOD });
    let (found, to_do) = failed(machine.doctor(&address), 77);
    assert!(found.contains("401"), "{found}");
    assert_eq!(to_do, "check what tieout.yaml says of it (addresses, ids, secrets) with the provider");
}

#[test]
fn a_clock_that_is_off_is_told_by_the_providers_date() {
    let machine = Machine::new();
    let address = machine.serve(&Provider { ahead: TimeDelta::minutes(10), ..GOOD });
    let (row, code) = machine.doctor(&address);
    assert_eq!((row["verdict"].as_str(), code), (Some("warn"), 0), "{row}");
    let found = row["found"].as_str().unwrap();
    let seconds: i64 =
        found.strip_prefix("answers; clocks differ by ").unwrap().trim_end_matches(" s").parse().unwrap();
    assert!((590..=600).contains(&seconds), "{found}");
    assert_eq!(row["to_do"], "set this machine's clock by NTP");
}

#[test]
fn a_certificate_whose_time_is_over_is_told_with_its_end_and_our_clock() {
    let machine = Machine::new();
    let address = machine.serve(&Provider { years: (2000, 2020), ..GOOD });
    let (found, to_do) = failed(machine.doctor(&address), 69);
    let year = Utc::now().format("%Y");
    let told =
        format!("the certificate has expired (it ended 2020-01-01T00:00:00Z, and this machine's clock says {year}-");
    assert!(found.starts_with(&told), "{found}");
    assert!(to_do.starts_with("look at this machine's clock first and set it by NTP if it is wrong"), "{to_do}");
}

#[test]
fn a_certificate_whose_time_has_not_begun_points_at_our_clock() {
    let machine = Machine::new();
    let address = machine.serve(&Provider { years: (3000, 4000), ..GOOD });
    let (found, to_do) = failed(machine.doctor(&address), 69);
    assert!(found.starts_with("the certificate is not valid yet (it begins 3000-01-01T00:00:00Z, and"), "{found}");
    assert_eq!(to_do, "this machine's clock is most likely behind: set it by NTP");
}

#[test]
fn a_certificate_of_another_host_names_whose_it_is() {
    let machine = Machine::new();
    let address = machine.serve(&Provider { name: "elsewhere.example", ..GOOD });
    let (found, to_do) = failed(machine.doctor(&address), 69);
    assert!(found.starts_with("the certificate is another host's, ") && found.contains("elsewhere.example"), "{found}");
    assert!(to_do.contains("DNS or a proxy leads elsewhere"), "{to_do}");
}

#[test]
fn an_authority_that_nobody_knows_is_told() {
    let machine = Machine::new();
    let address = machine.serve(&GOOD);
    // The second has the name of the one that signed, and another key.
    for name in ["of others", "of a test"] {
        let other = authority(name);
        let certificate: &rcgen::Certificate = other.as_ref();
        std::fs::write(machine.trusted(), certificate.pem()).unwrap();
        let (found, to_do) = failed(machine.doctor(&address), 69);
        assert!(found.starts_with("the certificate is signed by nobody whom this machine trusts: "), "{found}");
        assert!(to_do.contains("SSL_CERT_FILE"), "{to_do}");
    }
}

#[test]
fn nobody_at_the_port_is_a_refused_connection() {
    let machine = Machine::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (found, to_do) = failed(machine.doctor(&format!("https://{free}")), 69);
    assert!(found.starts_with("the connection is refused: "), "{found}");
    assert!(to_do.contains("check the ports in base_url and token_url"), "{to_do}");
}

/// A resolver that knows no name: what the library makes of its answer is what doctor sees.
struct KnowsNobody;

impl reqwest::dns::Resolve for KnowsNobody {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async { Err("Name or service not known".into()) })
    }
}

#[tokio::test]
async fn a_name_that_the_resolver_does_not_know_has_no_address() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(KnowsNobody)).build().unwrap();
    let error = client.get("http://nowhere.example/").send().await.unwrap_err();
    assert_eq!(no_connection(&error), Some(NoConnection::NoAddress));
    let unknown = std::io::Error::other("something else");
    assert_eq!(no_connection(&unknown), None);
}

/// A label of a name has at most 63 characters: no resolver is asked for a longer one.
#[test]
fn a_name_without_an_address_is_told() {
    let machine = Machine::new();
    let (found, to_do) = failed(machine.doctor(&format!("https://{}.example", "a".repeat(64))), 69);
    assert!(found.starts_with("the host's name has no address: "), "{found}");
    assert!(to_do.contains("this machine's DNS"), "{to_do}");
}

#[test]
fn a_host_that_says_nothing_is_a_time_out() {
    let machine = Machine::new();
    // The kernel takes the connection; nobody takes it from the kernel.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", silent.local_addr().unwrap());
    let (found, to_do) = failed(machine.doctor(&address), 69);
    assert!(found.starts_with("nothing comes back in time: "), "{found}");
    assert!(to_do.contains("HTTPS_PROXY"), "{to_do}");
}
