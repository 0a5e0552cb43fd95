//! An HTTP server on loopback that keeps what it receives and answers as it is told: a webhook's other side, a gateway, a
//! collector.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One request as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Post {
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or_else(|| panic!("no {name} in {:?}", self.headers), |(_, value)| value)
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the server does with a request that it has read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reaction {
    Answer(u16),
    /// Says nothing for so long, then hangs up.
    Silence(Duration),
}

/// The server; it ends with the test's process.
#[derive(Debug)]
pub(crate) struct HttpListener {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Post>>>,
    /// The reactions to the next requests; after them 200.
    next: Arc<Mutex<VecDeque<Reaction>>>,
}

impl HttpListener {
    pub(crate) fn start(reactions: &[Reaction]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let next = Arc::new(Mutex::new(reactions.iter().copied().collect::<VecDeque<_>>()));
        let (keep, react) = (received.clone(), next.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (keep, react) = (keep.clone(), react.clone());
                std::thread::spawn(move || answer(stream, &keep, &react));
            }
        });
        Self { address, received, next }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Post> {
        self.received.lock().unwrap().clone()
    }

    /// How it reacts from here on, one after the other; after them 200.
    pub(crate) fn react(&self, reactions: &[Reaction]) {
        *self.next.lock().unwrap() = reactions.iter().copied().collect();
    }

    /// What was received since this was asked last.
    pub(crate) fn take(&self) -> Vec<Post> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }
}

fn answer(mut stream: TcpStream, keep: &Mutex<Vec<Post>>, react: &Mutex<VecDeque<Reaction>>) {
    let Some(post) = read(&mut stream) else { return };
    keep.lock().unwrap().push(post);
    let reaction = react.lock().unwrap().pop_front().unwrap_or(Reaction::Answer(200));
    match reaction {
        Reaction::Answer(status) => {
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
            let _ = stream.write_all(answer.as_bytes());
        }
        Reaction::Silence(time) => std::thread::sleep(time),
    }
}

fn read(stream: &mut TcpStream) -> Option<Post> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        body.extend_from_slice(&chunk[..read]);
    }
    Some(Post { method, path, headers, body })
}
