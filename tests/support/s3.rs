//! An S3-speaking server of a test's own: the program `s3s-fs` (see `.ci/s3`), and before it, or instead of it, a front
//! that sees every request and answers some of them itself.
//!
//! The front lets writes through one after the other. Of two writers at once `s3s-fs` looks for the object before it
//! writes, so it may let both win; S3 does not.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tieout::objects::{Keys, Place, S3, S3Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const ACCESS_KEY: &str = "AKIATIEOUTTEST";
pub(crate) const SECRET_KEY: &str = "a secret of the tests";

/// The server, with one bucket called `bucket`; it ends with this.
pub(crate) struct Server {
    folder: TempDir,
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let program = std::env::var("TIEOUT_S3S_FS").unwrap_or_else(|_| "s3s-fs".to_owned());
        let process = Command::new(&program)
            .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not start ({error}): see .ci/s3"));
        let server = Self { folder, address, process };
        for _ in 0..200 {
            if std::net::TcpStream::connect(address).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{program} does not listen on {address}");
    }

    /// Where an object lies on the disk.
    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join("bucket").join(key)
    }

    /// Lays an object down as if somebody had put it.
    pub(crate) fn lay(&self, key: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The keys of all objects below a prefix that is a folder.
    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let (mut waiting, mut keys) = (vec![self.path(prefix)], Vec::new());
        while let Some(folder) = waiting.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    let key = path.strip_prefix(self.folder.path().join("bucket")).unwrap();
                    keys.push(key.to_str().unwrap().to_owned());
                }
            }
        }
        keys.sort();
        keys
    }

    pub(crate) fn s3(&self) -> S3 {
        s3(self.address)
    }
}

/// The client that talks to this address, with the keys of the tests.
pub(crate) fn s3(address: SocketAddr) -> S3 {
    S3::with_keys(settings(address), keys(ACCESS_KEY))
}

pub(crate) fn settings(address: SocketAddr) -> S3Settings {
    let endpoint = Some(format!("http://{address}"));
    S3Settings { endpoint, region: Some("us-east-1".to_owned()), path_style: true, profile: None }
}

pub(crate) fn keys(access_key: &str) -> Keys {
    Keys { access_key: access_key.to_owned(), secret_key: SECRET_KEY.to_owned().into() }
}

pub(crate) fn place(key: &str) -> Place {
    Place { bucket: "bucket".to_owned(), prefix: key.to_owned() }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// In small letters, a line each.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
    /// From 1.
    pub(crate) number: usize,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers.lines();
        lines.filter_map(|line| line.split_once(':')).find(|(known, _)| *known == name).map(|(_, value)| value.trim())
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// The server behind answers.
    Pass,
    /// The server behind answers, and so many bytes of its body arrive.
    Cut(usize),
    /// An error as S3 words it.
    Refuse(u16, &'static str),
    /// These bytes, as they are.
    Raw(Vec<u8>),
    /// The connection ends.
    Drop,
}

pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Front {
    /// `behind`: the server that requests are passed on to.
    pub(crate) async fn start(behind: Option<SocketAddr>, act: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::<Asked>::new()));
        let (act, writing) = (Arc::new(act), Arc::new(tokio::sync::Mutex::new(())));
        let notes = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let (act, writing, notes) = (Arc::clone(&act), Arc::clone(&writing), Arc::clone(&notes));
                tokio::spawn(async move {
                    let Some((head, mut asked)) = receive(&mut stream).await else { return };
                    let act = {
                        let mut notes = notes.lock().unwrap();
                        asked.number = notes.len() + 1;
                        notes.push(asked.clone());
                        act(&asked)
                    };
                    let write = matches!(asked.method.as_str(), "PUT" | "POST" | "DELETE");
                    let _turn = if write { Some(writing.lock().await) } else { None };
                    let answer = match act {
                        Act::Pass => pass(behind.unwrap(), &head, &asked.body).await,
                        Act::Cut(bytes) => cut(pass(behind.unwrap(), &head, &asked.body).await, bytes),
                        Act::Refuse(status, code) => refusal(&asked.method, status, code),
                        Act::Raw(answer) => answer,
                        Act::Drop => Vec::new(),
                    };
                    let _ = stream.write_all(&answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { address, seen, task }
    }

    pub(crate) fn seen(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }
}

async fn receive(stream: &mut TcpStream) -> Option<(String, Asked)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut body = bytes.split_off(end + 4);
    let (first, headers) = head.split_once("\r\n").unwrap();
    let mut words = first.split(' ');
    let headers = headers.to_ascii_lowercase().replace("\r\n", "\n");
    let mut asked = Asked {
        method: words.next().unwrap().to_owned(),
        target: words.next().unwrap().to_owned(),
        headers,
        body: Vec::new(),
        number: 0,
    };
    if asked.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
    }
    let length: usize = asked.header("content-length").map_or(0, |text| text.parse().unwrap());
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    asked.body = body;
    Some((head, asked))
}

/// One request on a connection of its own: the answer is all that comes.
async fn pass(behind: SocketAddr, head: &str, body: &[u8]) -> Vec<u8> {
    let mut request = String::new();
    for line in head.split("\r\n") {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if !matches!(name.as_str(), "expect" | "connection") {
            write!(request, "{line}\r\n").unwrap();
        }
    }
    request.push_str("Connection: close\r\n\r\n");
    let mut server = TcpStream::connect(behind).await.unwrap();
    server.write_all(&[request.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    let _ = server.read_to_end(&mut answer).await;
    answer
}

fn cut(mut answer: Vec<u8>, bytes: usize) -> Vec<u8> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    answer.truncate(head + bytes);
    answer
}

pub(crate) fn refusal(method: &str, status: u16, code: &str) -> Vec<u8> {
    let words = format!("<Error><Code>{code}</Code><Message>the store's own words</Message></Error>");
    answer(status, "content-type: application/xml\r\n", if method == "HEAD" { b"" } else { words.as_bytes() })
}

/// An answer with its length; each header line ends with CRLF.
pub(crate) fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
