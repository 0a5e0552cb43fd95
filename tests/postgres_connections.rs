//! Connecting to `PostgreSQL`: addresses, and what its errors mean. With a real server; see `.ci/postgres`.

use std::path::Path;
use std::time::Duration;

use tieout::exit::ExitCode;
use tieout::postgres::{Address, AddressError};

use crate::support::postgres::shared;

fn parsed(url: &str) -> Result<Address, AddressError> {
    Address::parse(url, Path::new("/project"))
}

#[test]
fn an_address_is_shown_without_its_password_and_options() {
    let table = [
        ("postgres://tieout@db:5433/books?sslmode=verify-full&sslrootcert=ca.pem", "postgres://tieout@db:5433/books"),
        ("postgresql://tieout:hunter2@db/books", "postgres://tieout@db/books"),
        ("postgres://db/books?schema=tie_out", "postgres://db/books"),
        ("postgres:///books?host=/run/postgresql", "postgres:///run/postgresql/books"),
    ];
    for (url, shown) in table {
        let address = parsed(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(address.shown(), shown, "{url}");
        assert!(!format!("{address:?}").contains("hunter2"), "{url}");
        assert_eq!(address.has_password(), url.contains("hunter2"), "{url}");
    }
    assert!(parsed("postgres://db/books?password=hunter2").unwrap_or_else(|error| panic!("{error}")).has_password());
    assert_eq!(parsed("postgres://db/books?schema=tie_out").unwrap().schema(), Some("tie_out"));
}

#[test]
fn an_address_that_cannot_be_used_is_refused_without_being_repeated() {
    let table = [
        (
            "db/books",
            "the address of the database is no URL; expected one such as \
          postgres://tieout@db.internal:5432/tieout?sslmode=verify-full",
        ),
        ("mysql://me:hunter2@db/books", "the address of the database begins with `mysql:`; expected postgres://"),
        (
            "postgres://me:hunter2@db",
            "the address names no database; expected its name behind the host, as in \
          postgres://USER@HOST/tieout",
        ),
        (
            "postgres:///books",
            "the address names no host; expected postgres://USER@HOST/DATABASE, or \
          ?host=/folder/of/the/socket",
        ),
        (
            "postgres://db/books?sslmode=full",
            "`sslmode` of the address is `full`; expected disable, prefer, require, \
          verify-ca or verify-full, the only one that proves who answers",
        ),
        (
            "postgres://db/books?schema=a;b",
            "`schema` of the address is `a;b`; expected small letters, digits and \
          underscores, at most 63",
        ),
        (
            "postgres://db/books?sslmod=require",
            "the address has an option `sslmod`, which is not known; known are \
          sslmode, sslrootcert, sslcert, sslkey, schema, host, application_name, options, statement-cache-capacity",
        ),
    ];
    for (url, expected) in table {
        let refused = parsed(url).expect_err(url).to_string();
        assert_eq!(refused, expected, "{url}");
        assert!(!refused.contains("hunter2"), "{url}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn what_a_real_server_refuses_is_told_with_what_to_do() {
    let server = shared();
    let name = server.database().await;
    let port = server.port;
    let table = [
        (
            format!("postgres://postgres:wrong@127.0.0.1:{port}/{name}"),
            ExitCode::CredentialsRefused,
            format!(
                "postgres://postgres@127.0.0.1:{port}/{name} refuses this user or password (password authentication \
                  failed for user \"postgres\"); check the user of the address and where its password comes from: the \
                  address itself, PGPASSWORD or PGPASSFILE"
            ),
        ),
        (
            server.address("nowhere"),
            ExitCode::Configuration,
            format!(
                "postgres://postgres@127.0.0.1:{port}/nowhere: database \"nowhere\" does not exist; create the \
                  database, or name another in the address"
            ),
        ),
        (
            server.address(&name).replace(&format!(":{port}"), ":1"),
            ExitCode::ProviderUnavailable,
            format!(
                "no connection to postgres://postgres@127.0.0.1:1/{name}; check host and port, the network and \
                  whether the server runs"
            ),
        ),
        (
            format!("{}?sslmode=require", server.address(&name)),
            ExitCode::ProviderUnavailable,
            format!(
                "no trusted connection to postgres://postgres@127.0.0.1:{port}/{name} (server does not support TLS); \
                  check the server's certificate, its name and its date, and `sslmode` and `sslrootcert` of the \
                  address"
            ),
        ),
    ];
    for (url, code, expected) in table {
        let address = parsed(&url).unwrap();
        let refused = address.connect("tieout", Duration::from_secs(10)).await.expect_err(&expected);
        assert_eq!((refused.to_string(), refused.exit_code()), (expected, code));
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn errors_of_statements_are_told_apart_by_what_is_to_be_done() {
    let server = shared();
    let name = server.database().await;
    server.sql(&name, "CREATE TABLE books (a INT); CREATE ROLE reader_of_books LOGIN PASSWORD 'r'").await;
    let address = parsed(&server.address(&name)).unwrap();
    let reader = address_of(&format!("postgres://reader_of_books:r@127.0.0.1:{}/{name}", server.port));
    let table: [(&Address, &str, ExitCode, &str); 6] = [
        (&address, "SELECT * FROM nothing", ExitCode::Configuration, "relation \"nothing\" does not exist"),
        (&address, "SET statement_timeout = 10; SELECT pg_sleep(5)", ExitCode::TryAgainLater, "stopped a statement"),
        (
            &address,
            "SET transaction_read_only = on; INSERT INTO books VALUES (1)",
            ExitCode::Configuration,
            "is read-only (cannot execute INSERT in a read-only transaction)",
        ),
        (&reader, "INSERT INTO books VALUES (1)", ExitCode::CredentialsRefused, "does not let this user do that"),
        (&address, "SELECT 1 / 0", ExitCode::Unexpected, "division by zero"),
        (&address, "SELECT pg_terminate_backend(pg_backend_pid())", ExitCode::ProviderUnavailable, "no connection now"),
    ];
    for (address, sql, code, words) in table {
        let mut connection = address.connect("tieout", Duration::from_secs(10)).await.unwrap();
        let failed = sqlx::raw_sql(sql).execute(&mut connection).await.expect_err(sql);
        let told = address.error(failed);
        assert!(told.to_string().contains(words), "{sql}: {told}");
        assert_eq!(told.exit_code(), code, "{sql}: {told}");
    }
}

fn address_of(url: &str) -> Address {
    parsed(url).unwrap()
}
