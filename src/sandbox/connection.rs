//! Connections that can be broken in the middle of a reply, at the level of TCP: the announced
//! `Content-Length` stands, and the bytes do not come.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// How the rest of a connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Whole,
    /// Nothing more is sent: reset at once.
    ResetNow,
    /// This many bytes of the next reply's body are sent, then comes a reset.
    ResetAfter(u64),
    /// This many bytes of the next reply's body are sent, then the connection is closed in good order.
    CloseAfter(u64),
}

/// What a request handler holds of its connection.
#[derive(Debug, Clone)]
pub(super) struct Handle(Arc<Mutex<Course>>);

/// A fate, and how far the reply that it falls on has come.
#[derive(Debug, Clone, Copy)]
struct Course {
    fate: Fate,
    /// How many bytes of the blank line that ends the reply's head have gone by.
    head_end: usize,
}

impl Handle {
    /// Decides about the reply that comes next on this connection.
    pub(super) fn set(&self, fate: Fate) {
        self.put(Course { fate, head_end: 0 });
    }

    fn put(&self, course: Course) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = course;
    }

    fn get(&self) -> Course {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected<IncomingStream<'_, Listener>> for Handle {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().handle.clone()
    }
}

/// Accepts connections that can break.
#[derive(Debug)]
pub(super) struct Listener(pub(super) TcpListener);

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
        let handle = Handle(Arc::new(Mutex::new(Course { fate: Fate::Whole, head_end: 0 })));
        (Connection { stream, handle }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A TCP stream that knows its fate.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    handle: Handle,
}

/// What ends the head of an HTTP reply.
const HEAD_END: &[u8] = b"\r\n\r\n";

impl Connection {
    /// Breaks the connection as its fate wants; the error makes the server drop it.
    fn break_off(&self, reset: bool) -> io::Error {
        if reset && let Err(error) = self.stream.set_zero_linger() {
            return error;
        }
        io::Error::new(io::ErrorKind::ConnectionAborted, "broken off by the fault plan")
    }
}

/// How many of these bytes may still be sent, when `body_left` bytes of the body may be.
fn allowance(bytes: &[u8], mut head_end: usize, body_left: u64) -> usize {
    for (at, byte) in bytes.iter().enumerate() {
        if head_end == HEAD_END.len() {
            let body = usize::try_from(body_left).unwrap_or(usize::MAX);
            return bytes.len().min(at.saturating_add(body));
        }
        head_end = follow(head_end, *byte);
    }
    bytes.len()
}

/// After these bytes were sent: where the search for the head's end stands, and how many were of the body.
fn after_sending(bytes: &[u8], mut head_end: usize) -> (usize, u64) {
    let mut body = 0;
    for byte in bytes {
        if head_end == HEAD_END.len() {
            body += 1;
        } else {
            head_end = follow(head_end, *byte);
        }
    }
    (head_end, body)
}

/// One byte further in the search for the end of the head.
fn follow(matched: usize, byte: u8) -> usize {
    match byte {
        byte if byte == HEAD_END[matched] => matched + 1,
        b'\r' => 1,
        _ => 0,
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Course { fate, head_end } = self.handle.get();
        let (left, reset) = match fate {
            Fate::Whole => return Pin::new(&mut self.stream).poll_write(cx, bytes),
            Fate::ResetNow => return Poll::Ready(Err(self.break_off(true))),
            Fate::ResetAfter(left) => (left, true),
            Fate::CloseAfter(left) => (left, false),
        };
        let allowed = allowance(bytes, head_end, left);
        if allowed == 0 {
            return Poll::Ready(Err(self.break_off(reset)));
        }
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[..allowed]))?;
        let (head_end, body) = after_sending(&bytes[..written], head_end);
        let left = left - body;
        let fate = if reset { Fate::ResetAfter(left) } else { Fate::CloseAfter(left) };
        self.handle.put(Course { fate, head_end });
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}
