//! A receiver of a test's own: the program, started in a project, and spoken to over sockets.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tieout::sandbox::WEBHOOK_KEY;

use super::project::TestProject;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A receiver that runs; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) child: Child,
    pub(crate) address: String,
    log: mpsc::Receiver<String>,
    /// What it said before it was ready, and that it is.
    early: Vec<String>,
}

/// A reply: status and body.
pub(crate) type Reply = (u16, String);

/// `tieout listen` on a free port, once it is ready.
pub(crate) fn listen(project: &TestProject, more: &[&str]) -> Listening {
    let arguments = [&["listen", "--bind", "127.0.0.1:0"], more].concat();
    started(project.command(&arguments))
}

/// The same of a command of the test's own.
pub(crate) fn started(mut command: Command) -> Listening {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let (tell, log) = mpsc::channel();
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    let mut listening = Listening { child, address: String::new(), log, early: Vec::new() };
    while listening.address.is_empty() {
        let line = listening.log.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("not ready: {:?}", listening.early));
        if let Some((_, address)) = line.split_once("listening on http://") {
            address.split('/').next().unwrap().clone_into(&mut listening.address);
        }
        listening.early.push(line);
    }
    listening
}

impl Listening {
    /// Waits for a line of the log with this text.
    pub(crate) fn says(&self, text: &str) -> String {
        let mut before = Vec::new();
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => before.push(line),
                Err(error) => panic!("nothing says {text:?}: {error}; {before:#?}"),
            }
        }
    }

    /// What the log holds that was not looked at yet; the process must have ended.
    pub(crate) fn rest_of_log(&self) -> Vec<String> {
        std::iter::from_fn(|| self.log.recv_timeout(PATIENCE).ok()).collect()
    }

    /// What it said before it was ready.
    pub(crate) fn early(&self) -> &[String] {
        &self.early
    }

    /// How many notifications it knew when it was ready.
    pub(crate) fn known(&self) -> usize {
        let ready = self.early.last().unwrap();
        let (before, _) = ready.split_once(" known;").unwrap();
        before.rsplit(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        exchange(&mut self.connect(), &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"), b"").unwrap()
    }

    /// Posts a body with the right signature.
    pub(crate) fn post(&self, body: &str) -> Reply {
        self.post_signed(body.as_bytes(), Some(&signature(WEBHOOK_KEY, body.as_bytes())))
    }

    pub(crate) fn post_signed(&self, body: &[u8], signature: Option<&str>) -> Reply {
        post(&mut self.connect(), body, signature).unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Asks it to stop; its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal("-TERM");
        self.child.wait().unwrap().code()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// "base64 of HMAC-SHA256 over the body"
pub(crate) fn signature(key: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The head of a POST, with its empty line.
pub(crate) fn head(length: usize, signature: Option<&str>) -> String {
    let signature = signature.map(|text| format!("notify-signature: {text}\r\n")).unwrap_or_default();
    format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{signature}\r\n"
    )
}

/// Posts over a connection that stays open.
pub(crate) fn post(stream: &mut TcpStream, body: &[u8], signature: Option<&str>) -> std::io::Result<Reply> {
    exchange(stream, &head(body.len(), signature), body)
}

fn exchange(stream: &mut TcpStream, head: &str, body: &[u8]) -> std::io::Result<Reply> {
    stream.write_all(&[head.as_bytes(), body].concat())?;
    reply(stream)
}

/// One reply, which says its length.
pub(crate) fn reply(stream: &mut TcpStream) -> std::io::Result<Reply> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        read_more(stream, &mut bytes)?;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |l| l.parse().unwrap());
    while bytes.len() < end + length {
        read_more(stream, &mut bytes)?;
    }
    Ok((status, String::from_utf8_lossy(&bytes[end..end + length]).trim_end().to_owned()))
}

fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let mut piece = [0; 4096];
    match stream.read(&mut piece)? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        length => {
            bytes.extend_from_slice(&piece[..length]);
            Ok(())
        }
    }
}

/// A settled reward for a transaction, as the provider tells it.
pub(crate) fn notification(id: &str, transaction: &str) -> String {
    serde_json::json!({
        "data": {
            "type": "earnedRewardSettled", "id": id,
            "attributes": {
                "message": "You earned \"$1\" at A\\B.", "name": "Café", "attributionUrl": "https://x.example/",
                "commissionEarned": {"type": "cents", "value": 100},
            },
            "relationships": {
                "user": {"data": {"type": "user", "id": "u-1"}},
                "transaction": {"data": {"type": "transaction", "id": transaction}},
            },
        },
    })
    .to_string()
}

/// Every line of the kind's segments in `data/`, each a whole JSON object.
pub(crate) fn lines(project: &TestProject, kind: &str) -> Vec<Value> {
    let names = project.listing("data").into_iter();
    let segments = names.filter(|name| name.starts_with(&format!("data/{kind}-")));
    let mut found = Vec::new();
    for name in segments {
        let text = String::from_utf8(project.read(&name)).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "{name} ends in the middle of a line");
        found.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}"))));
    }
    found
}

/// How often each id stands in the log.
pub(crate) fn ids(project: &TestProject) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lines(project, "webhooks") {
        let body: Value = serde_json::from_str(line["body"].as_str().unwrap()).unwrap();
        *counts.entry(body["data"]["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}
