//! A storage on loopback that does what a script says, and remembers every byte that it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// The query of every address that [`Storage::url`] gives: no part of it may ever be seen.
pub(crate) const QUERY: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=CANARYCANARYKEY1%2F20250319%2Fus-east-1\
                                %2Fs3%2Faws4_request&X-Amz-Date=20250319T000000Z&X-Amz-Expires=900\
                                &X-Amz-SignedHeaders=host&X-Amz-Signature=canarycanarycanarycanarycanarycanary0123456789";

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// All of it is read, then this is written.
    Answer(Vec<u8>),
    /// This is written when the head has come; the rest is read all the same.
    AnswerEarly(Vec<u8>),
    /// So much is read at a time, with so long a pause after it; then 200.
    Slowly(usize, Duration),
    /// After so many bytes of the body the connection is reset.
    ResetAfter(usize),
    /// After so many bytes of the body nothing is read any more, and nothing is written.
    StallAfter(usize),
    /// All is read, and nothing is written.
    Silence,
}

/// One connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// As received, the empty line left out.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The client has closed or reset it.
    pub(crate) closed: bool,
}

#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Storage {
    pub(crate) fn start(script: Script) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // What the kernel takes in by itself moves for the client, though nobody reads it.
        socket.set_recv_buffer_size(64 << 10).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(16).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut notes_now = notes.lock().unwrap();
                notes_now.push(Seen::default());
                let at = notes_now.len() - 1;
                tokio::spawn(serve(stream, script.clone(), Arc::clone(&notes), at));
            }
        });
        Self { address, seen }
    }

    /// A presigned address here, by its looks.
    pub(crate) fn url(&self) -> SecretString {
        format!("http://{}/bucket/a%20file.jsonl.gz?{QUERY}", self.address).into()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until so many bytes of the last connection's body have come.
    pub(crate) async fn received(&self, bytes: usize) {
        while self.seen.lock().unwrap().last().is_none_or(|seen| seen.body.len() < bytes) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the client has closed its last connection.
    pub(crate) async fn closed(&self) -> Vec<Seen> {
        for _ in 0..500 {
            if self.seen.lock().unwrap().iter().all(|seen| seen.closed) {
                return self.seen();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a connection is still open: {:?}", self.seen().iter().map(|seen| seen.body.len()).collect::<Vec<_>>());
    }
}

async fn serve(mut stream: TcpStream, script: Script, notes: Arc<Mutex<Vec<Seen>>>, at: usize) {
    let note = |change: &dyn Fn(&mut Seen)| change(&mut notes.lock().unwrap()[at]);
    let mut came = Vec::new();
    let head = loop {
        if stream.read_buf(&mut came).await.unwrap_or(0) == 0 {
            return note(&|seen| seen.closed = true);
        }
        if let Some(end) = came.windows(4).position(|window| window == b"\r\n\r\n") {
            break String::from_utf8(came.drain(..end + 4).collect()).unwrap();
        }
    };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let length: usize = length.unwrap_or(usize::MAX);
    note(&|seen| head.trim_end().clone_into(&mut seen.head));
    note(&|seen| seen.body.clone_from(&came));
    if let Script::AnswerEarly(answer) = &script {
        stream.write_all(answer).await.unwrap();
    }
    let (piece, pause) = match script {
        Script::Slowly(piece, pause) => (piece, pause),
        _ => (256 << 10, Duration::ZERO),
    };
    let most = match script {
        Script::ResetAfter(most) | Script::StallAfter(most) => most,
        _ => length,
    };
    let mut total = came.len();
    let mut buffer = vec![0; piece];
    while total < most {
        let Ok(count @ 1..) = stream.read(&mut buffer).await else {
            return note(&|seen| seen.closed = true);
        };
        total += count;
        note(&|seen| seen.body.extend_from_slice(&buffer[..count]));
        tokio::time::sleep(pause).await;
    }
    match &script {
        Script::Answer(answer) => stream.write_all(answer).await.unwrap(),
        Script::Slowly(..) => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap(),
        Script::ResetAfter(_) => {
            stream.set_zero_linger().unwrap();
            return note(&|seen| seen.closed = true);
        }
        // Whether the client has gone shows only in what is read.
        Script::StallAfter(_) => tokio::time::sleep(Duration::from_secs(1)).await,
        Script::AnswerEarly(_) | Script::Silence => {}
    }
    if matches!(script, Script::Answer(_)) {
        // A reply that says nothing of its length ends with the connection.
        stream.shutdown().await.unwrap();
    }
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        note(&|seen| seen.body.extend_from_slice(&buffer[..count]));
    }
    note(&|seen| seen.closed = true);
}
