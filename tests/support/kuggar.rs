//! A Kuggar of the sandbox with cards of a test's own, a client for it, and the project of the shipped cards.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};
use tempfile::TempDir;
use tieout::project::Secret;
use tieout::providers::kuggar::{Client, KuggarConfig};
use tieout::sandbox::{Options, Received, Sandbox};
use tieout::sources::store::RawStore;

use super::project::TestProject;
use super::{fast_http, plan, write_samples};

/// The published card with the number of a test range; another client's; one that is deleted; one that never got a
/// number.
pub(crate) const CARD: &str = "1deb214d-f6a6-4546-86fe-55e80593dbb0";
pub(crate) const FOREIGN: &str = "2deb214d-f6a6-4546-86fe-55e80593dbb0";
pub(crate) const DELETED: &str = "3deb214d-f6a6-4546-86fe-55e80593dbb0";
pub(crate) const FAILED: &str = "4deb214d-f6a6-4546-86fe-55e80593dbb0";
pub(crate) const NOBODYS: &str = "5deb214d-f6a6-4546-86fe-55e80593dbb0";

/// Of a test range, with a good check digit.
pub(crate) const NUMBER: &str = "5413330267422872";
pub(crate) const CODE: &str = "470";

/// The published response as text, in the published order.
pub(crate) fn published() -> String {
    format!(
        r#"{{
"kuggarId": "{CARD}",
"provider": "WEX",
"providerId": "RVSKZ1YAEH853FQSFN",
"cardHolderName": null,
"cardNumber": "{NUMBER}",
"cardSecurityCode": "{CODE}",
"cardExpiry": "03/2026",
"validFromDate": "2022-04-19T00:00:00Z",
"validToDate": "2022-05-19T00:00:00Z",
"cardLimit": 123.450,
"currencyCode": "USD",
"fundingCurrencyCode": "USD",
"enhancedDataFields": [{{"name": "EnhancedDataField1", "value": "Value 1"}}],
"state": "Updated",
"failureReason": null
}}"#
    )
}

/// The published response with one line exchanged.
pub(crate) fn with(line: &str, other: &str) -> String {
    let text = published();
    assert!(text.contains(line), "{line}");
    text.replacen(line, other, 1)
}

fn cards() -> String {
    let as_other = |id: &str, state: &str| with(CARD, id).replace("\"Updated\"", &format!("\"{state}\""));
    let foreign = as_other(FOREIGN, "Created").replacen(
        "\"failureReason\": null",
        "\"failureReason\": null, \"foreign\": true",
        1,
    );
    let failed = as_other(FAILED, "Failed")
        .replacen(&format!("\"{NUMBER}\""), "null", 1)
        .replacen(&format!("\"{CODE}\""), "null", 1)
        .replacen("\"failureReason\": null", "\"failureReason\": \"no funds\"", 1);
    format!("{{\"cards\": [{},{foreign},{},{failed}]}}", published(), as_other(DELETED, "Deleted"))
}

/// A sandbox over these cards, and a client for it.
#[derive(Debug)]
pub(crate) struct KuggarRig {
    _folder: TempDir,
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) store: RawStore,
}

impl KuggarRig {
    pub(crate) async fn start(faults: &str) -> Self {
        Self::start_with(faults, |_| {}, |_| {}).await
    }

    pub(crate) async fn start_with(
        faults: &str,
        options: impl FnOnce(&mut Options),
        change: impl FnOnce(&mut KuggarConfig),
    ) -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["kard", "kuggar"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        write_samples(&folder.path().join("kard"), &[]);
        std::fs::write(folder.path().join("kuggar/cards.json"), cards()).unwrap();
        let mut wanted = Options::new(folder.path().join("kard"));
        wanted.faults = plan(faults);
        options(&mut wanted);
        let sandbox = Sandbox::start(wanted).await.unwrap();
        let mut config = config(&sandbox.base_url);
        change(&mut config);
        let client = Client::new(&config).unwrap();
        let store = RawStore::open(folder.path().join("raw")).unwrap();
        Self { _folder: folder, sandbox, client, store }
    }

    /// The requests that were received, as `METHOD path status`; `-` for none.
    pub(crate) fn requests(&self) -> Vec<String> {
        let words = |status: Option<u16>| status.map_or("-".to_owned(), |status| status.to_string());
        let line = |entry: Received| format!("{} {} {}", entry.method, entry.path, words(entry.status));
        self.sandbox.received().into_iter().map(line).collect()
    }
}

/// The configuration of a client for the sandbox at this address.
pub(crate) fn config(address: &str) -> KuggarConfig {
    use tieout::providers::Provider as _;
    let secret = || Secret::Sandbox(String::new());
    let mut config = KuggarConfig {
        base_url: String::new(),
        client_id: secret(),
        client_secret: secret(),
        concurrency: 4,
        token_path: None,
        token_prefix: None,
        http: fast_http(),
    };
    config.move_to_sandbox(address);
    config
}

/// What a server that is no sandbox answers to every view of a card.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// The length that is announced, where it is not that of the body.
    pub(crate) announced: Option<usize>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), announced: None }
    }
}

/// A server that lets everybody in, and answers all else alike; it ends with the test's process.
pub(crate) fn answering(reply: Reply) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let reply = reply.clone();
            std::thread::spawn(move || answer(stream, &reply));
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: std::net::TcpStream, reply: &Reply) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    let head = loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
            _ => return,
        }
    };
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
    while request.len() < head + length {
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
    let login = Reply::new(200, "\"a-token-of-a-test\"");
    let reply = if text.starts_with("post /api/v2/identity/auth ") { &login } else { reply };
    let announced = reply.announced.unwrap_or(reply.body.len());
    let status = reply.status;
    let head = format!(
        "HTTP/1.1 {status} Told\r\nContent-Type: application/json\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n"
    );
    // A client that has gone away is no fault of the server's.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&reply.body));
}

/// The shipped job and its ledger, with Kuggar at this address (none: the sandbox's).
pub(crate) fn project(faults: &str, address: Option<&str>) -> TestProject {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut project = TestProject::empty();
    let base = if let Some(address) = address {
        address.to_owned()
    } else {
        project.serve_as(&shipped.join("samples/kard"), faults, |_| {});
        format!("{}/kuggar", project.provider().base_url)
    };
    for (from, to) in [
        ("jobs/kuggar-cards.yaml", "jobs/kuggar-cards.yaml"),
        ("samples/data/cards-2025-03-19.csv", "data/cards-2025-03-19.csv"),
    ] {
        project.write(to, std::fs::read(shipped.join(from)).unwrap());
    }
    project.write("id", "sandbox-kuggar@tieout.example");
    project.write("secret", "sandbox-kuggar-secret");
    project.write(
        "tieout.yaml",
        format!(
            "state: sqlite:.tieout/state.db\nartifacts: runs/\ndata: data/\nproviders:\n  kuggar:\n    type: kuggar\n    \
             base_url: {base}\n    client_id: {{file: id}}\n    client_secret: {{file: secret}}\n    http: \
             {{connect_timeout: 2s, idle_timeout: 1s, total_timeout: 20s, attempts: 3, first_delay: 1ms, max_delay: \
             5ms}}\n"
        ),
    );
    project
}

/// Number and code of every card of the shipped samples.
pub(crate) fn shipped_card_data() -> Vec<(String, String)> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/kuggar/cards.json");
    let written: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |card: &Value, name: &str| card[name].as_str().unwrap().to_owned();
    let cards = written["cards"].as_array().unwrap();
    cards.iter().map(|card| (text(card, "cardNumber"), text(card, "cardSecurityCode"))).collect()
}

/// A body of a creation that is as published.
pub(crate) fn creation() -> Value {
    json!({
        "validFromDate": "2023-01-01", "validToDate": "2023-01-31", "cardLimit": 123.45, "currencyCode": "AUD",
        "maxAuthorisationCount": 1,
        "enhancedDataFields": [
            {"name": "EnhancedDataField1", "value": "Value 1"}, {"name": "EnhancedDataField2", "value": "Value 2"}
        ]
    })
}
