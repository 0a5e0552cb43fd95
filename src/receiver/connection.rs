//! Connections that are bounded in number and in time: whoever opens many, sends slowly or reads slowly holds a place
//! for seconds, not for ever.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// A reply is some hundred bytes: whoever does not take them in this time takes nothing.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take for what is not a body.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the head of a request that has begun, and of the first one in any case.
    pub head: Duration,
    /// For the first byte of a later request.
    pub idle: Duration,
}

/// What the reader of a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The rest of a head.
    Head,
    /// The first byte of a request.
    Idle,
    /// Whatever the handler of the present request wants; it minds the time itself.
    Handler,
}

/// Where a connection stands, with a number that tells one waiting from the next.
#[derive(Debug, Clone, Default)]
struct Course(Arc<AtomicU64>);

impl Course {
    fn get(&self) -> (Waiting, u64) {
        let value = self.0.load(Ordering::Acquire);
        let waiting = match value & 3 {
            0 => Waiting::Head,
            1 => Waiting::Idle,
            _ => Waiting::Handler,
        };
        (waiting, value)
    }

    fn set(&self, waiting: Waiting) {
        let code = match waiting {
            Waiting::Head => 0,
            Waiting::Idle => 1,
            Waiting::Handler => 2,
        };
        let next = |value: u64| Some(((value >> 2) + 1) << 2 | code);
        // The closure always has a next value.
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
    }
}

/// What a request handler holds of its connection.
#[derive(Debug, Clone)]
pub struct Handle(Course);

impl Handle {
    /// From here until the guard is dropped the handler minds the time.
    pub fn handling(&self) -> Handling {
        self.0.set(Waiting::Handler);
        Handling(self.0.clone())
    }
}

/// See [`Handle::handling`].
#[derive(Debug)]
pub struct Handling(Course);

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.set(Waiting::Idle);
    }
}

impl Connected<IncomingStream<'_, Listener>> for Handle {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        Self(stream.io().course.clone())
    }
}

/// Accepts connections while there is a place; the others wait in the kernel's queue.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    places: Arc<Semaphore>,
    patience: Patience,
}

impl Listener {
    pub fn new(socket: TcpListener, connections: usize, patience: Patience) -> Self {
        Self { socket, places: Arc::new(Semaphore::new(connections)), patience }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await.expect("nobody closes the semaphore");
        let (stream, address) = axum::serve::Listener::accept(&mut self.socket).await;
        // Replies are single small writes: there is nothing to collect. Without it they are only slower.
        let _ = stream.set_nodelay(true);
        let connection = Connection {
            stream,
            course: Course::default(),
            patience: self.patience,
            reading: Timer::default(),
            writing: Timer::default(),
            _place: place,
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// A TCP stream with its place among the bounded many.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    course: Course,
    patience: Patience,
    reading: Timer,
    writing: Timer,
    _place: OwnedSemaphorePermit,
}

/// A time limit that is set once for each thing that is waited for.
#[derive(Debug, Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// What it was set for.
    set_for: Option<u64>,
}

impl Timer {
    /// Pending until `limit` after it was first asked for `thing`; then the error that ends the connection.
    fn poll(&mut self, cx: &mut Context<'_>, thing: u64, limit: Duration) -> Poll<io::Error> {
        let deadline = || Instant::now() + limit;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline())));
        if self.set_for != Some(thing) {
            sleep.as_mut().reset(deadline());
            self.set_for = Some(thing);
        }
        sleep.as_mut().poll(cx).map(|()| io::ErrorKind::TimedOut.into())
    }

    fn clear(&mut self) {
        self.set_for = None;
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let (waiting, thing) = self.course.get();
        let Self { reading, patience, course, .. } = &mut *self;
        if read.is_ready() {
            if waiting == Waiting::Idle && buffer.filled().len() > filled {
                course.set(Waiting::Head);
            }
            return read;
        }
        let limit = match waiting {
            Waiting::Head => patience.head,
            Waiting::Idle => patience.idle,
            Waiting::Handler => return Poll::Pending,
        };
        reading.poll(cx, thing, limit).map(Err)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if written.is_ready() {
            self.writing.clear();
            return written;
        }
        self.writing.poll(cx, 0, WRITE_TIMEOUT).map(Err)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
