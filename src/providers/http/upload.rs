//! One file put to one address: piece by piece, with its exact length announced, once, and without any credentials.
//!
//! The library's own time-outs cannot serve here. Its read time-out runs from the request to the head of the reply, so
//! that it would cut a long upload that goes well; what counts is that something moves.

use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Request, Url};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::{Answer, Failure, Http, HttpError, Redactor, is_html, patient_builder, told, wait_asked_for};

/// So much is read from the file at once.
const PIECE: usize = 256 << 10;
/// Of a storage's reply no more than this is kept: S3's errors have one to two KiB.
const VERDICT_BYTES: usize = 64 << 10;

/// What hyper and the kernel may hold of a file after its last piece was handed over, at most.
const HELD_BYTES: u64 = 8 << 20;
/// Whatever is slower than this is taken for a storage that says nothing.
const SLOWEST_BYTES_PER_S: u64 = 64 << 10;

/// Why nothing was put. Whatever this is, the storage has not got the whole file.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    File(#[from] FileError),
}

/// Why a file is not the one that was to be sent.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("it cannot be opened")]
    Open { source: io::Error },
    #[error("it cannot be read")]
    Read { source: io::Error },
    #[error("it has {found} bytes, and {expected} were sealed; the file was changed")]
    Short { found: u64, expected: u64 },
    #[error("it has more than the {expected} bytes that were sealed; the file was changed")]
    Long { expected: u64 },
    #[error("it has {bytes} bytes, and a file may have at most {most}")]
    TooLarge { bytes: u64, most: u64 },
}

impl Http {
    /// Puts a file to `url` once, over a connection of its own: no credentials, no redirects, no chunks. It may take as
    /// long as it takes; only where nothing moves for the idle time-out it ends. What is handed over and not yet sent
    /// is given time as well: two minutes at most, a file of a few KiB none. `watch` is told the bytes handed over so
    /// far. The body of a reply is kept as far as 64 KiB, redacted.
    ///
    /// With `direct` no proxy of the environment is used. When the future returns or is dropped, the upload has ended.
    ///
    /// # Errors
    /// When the file cannot be read or has not exactly `bytes` bytes, or no client can be made. A file that changes on
    /// the way is never completed: its last piece stays here. All else is an [`Answer`].
    pub async fn put_file(
        &self,
        url: Url,
        file: &Path,
        bytes: u64,
        direct: bool,
        redactor: &Redactor,
        watch: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<Answer, PutError> {
        let set_up = |source: reqwest::Error| HttpError::SetUp { source: source.without_url() };
        let file = open(file, bytes).await?;
        let client = patient_builder(&self.config, direct).pool_max_idle_per_host(0).build().map_err(set_up)?;
        let course = Arc::new(Course::new(self.config.connect_timeout));
        let _over = Over(&course);
        let body = SealedFile {
            file,
            bytes,
            left: bytes,
            held: Duration::from_millis(bytes.min(HELD_BYTES) * 1_000 / SLOWEST_BYTES_PER_S),
            buffer: BytesMut::new(),
            last: None,
            course: Arc::clone(&course),
            watch: Box::new(watch),
        };
        let request = client.put(url).header(CONTENT_LENGTH, bytes).body(reqwest::Body::wrap(body)).build();
        let request = request.map_err(set_up)?;
        let idle = self.config.idle_timeout;
        let outcome = tokio::select! {
            biased;
            outcome = verdict(&client, request, &course, redactor) => outcome,
            () = course.stands_still(idle) => Err(Failure::idle(idle)),
        };
        match course.take_fault() {
            Some(fault) => Err(fault.into()),
            None => Ok(outcome.unwrap_or_else(|failure| Answer::without_reply(&failure, redactor))),
        }
    }
}

/// The file, if it is the one that was sealed.
async fn open(path: &Path, bytes: u64) -> Result<File, FileError> {
    let file = File::open(path).await.map_err(|source| FileError::Open { source })?;
    let found = file.metadata().await.map_err(|source| FileError::Open { source })?.len();
    match found {
        _ if found < bytes => Err(FileError::Short { found, expected: bytes }),
        _ if found > bytes => Err(FileError::Long { expected: bytes }),
        _ => Ok(file),
    }
}

/// What the storage says. Its status stands in the head: a refusal is not lost where its body breaks off because the
/// storage hangs up on the rest of the file.
async fn verdict(
    client: &reqwest::Client,
    request: Request,
    course: &Course,
    redactor: &Redactor,
) -> Result<Answer, Failure> {
    let mut response = told(client, request).await?;
    course.moved();
    let status = response.status();
    let retry_after = wait_asked_for(response.headers());
    let declared_html = is_html(response.headers());
    let mut body = Vec::new();
    while body.len() < VERDICT_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(VERDICT_BYTES - body.len())]),
            Err(error) if status.is_success() => return Err(Failure::transport(error)),
            Ok(None) | Err(_) => break,
        }
        course.moved();
    }
    let body = redactor.redact(&String::from_utf8_lossy(&body));
    let web_page = declared_html || starts_as_web_page(&body);
    Ok(Answer::Reply { status: status.as_u16(), retry_after, body: body.into_bytes(), web_page })
}

/// A storage speaks XML: unlike elsewhere, markup alone is no sign of a proxy.
fn starts_as_web_page(text: &str) -> bool {
    let start: String = text.trim_start_matches('\u{feff}').trim_start().chars().take(14).collect();
    let start = start.to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// How an upload goes: seen by the body that is read from the file, and by who waits for the reply.
struct Course {
    began: Instant,
    /// When something last moved, in milliseconds since `began`.
    moved_ms: AtomicU64,
    /// Nobody waits for the upload any more.
    over: AtomicBool,
    /// What was wrong with the file.
    fault: Mutex<Option<FileError>>,
}

/// A reply may come while most of the file is still here: the library would go on sending it for nobody.
struct Over<'a>(&'a Course);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

impl Course {
    /// Until the first byte goes out the time to connect counts as well.
    fn new(connect: Duration) -> Self {
        let moved_ms = AtomicU64::new(millis(connect));
        Self { began: Instant::now(), moved_ms, over: AtomicBool::new(false), fault: Mutex::default() }
    }

    fn moved(&self) {
        self.moves_until(Duration::ZERO);
    }

    /// Something moves now, and may go on moving unseen for so long.
    fn moves_until(&self, unseen: Duration) {
        self.moved_ms.store(millis(self.began.elapsed() + unseen), Ordering::Relaxed);
    }

    /// Returns once nothing has moved for `limit`.
    async fn stands_still(&self, limit: Duration) {
        loop {
            let moved = Duration::from_millis(self.moved_ms.load(Ordering::Relaxed));
            let now = Instant::now();
            let until = self.began + moved + limit;
            if now >= until {
                return;
            }
            // The first movement may lie before the time that was granted for it.
            tokio::time::sleep_until(until.min(now + limit).into()).await;
        }
    }

    fn take_fault(&self) -> Option<FileError> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A request's body: the pieces of a file whose length is known. The last piece is handed over only when the file has
/// ended where it should; without it the request stays incomplete.
struct SealedFile {
    file: File,
    bytes: u64,
    /// Bytes not yet handed over.
    left: u64,
    /// How long the storage may still be receiving after the last piece was handed over.
    held: Duration,
    buffer: BytesMut,
    last: Option<Bytes>,
    course: Arc<Course>,
    watch: Box<dyn Fn(u64) + Send + Sync>,
}

impl SealedFile {
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.buffer.reserve(PIECE);
        let mut room = (&mut self.buffer).limit(PIECE);
        // Dropped while it waits it has taken nothing: the file keeps what it is reading.
        pin!(self.file.read_buf(&mut room)).poll(cx)
    }

    fn hand_over(&mut self, piece: Bytes) -> Frame<Bytes> {
        self.left -= piece.len() as u64;
        self.course.moves_until(if self.left == 0 { self.held } else { Duration::ZERO });
        (self.watch)(self.bytes - self.left);
        Frame::data(piece)
    }

    fn fail(&mut self, fault: FileError) -> io::Error {
        *self.course.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
        io::Error::other("the file is not the one that was sealed")
    }
}

impl http_body::Body for SealedFile {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if this.left == 0 {
            return Poll::Ready(None);
        }
        if this.course.over.load(Ordering::Relaxed) {
            return Poll::Ready(Some(Err(io::Error::other("the upload is over"))));
        }
        let expected = this.bytes;
        loop {
            let fault = match ready!(this.poll_read(cx)) {
                Err(source) => FileError::Read { source },
                Ok(0) => match this.last.take() {
                    Some(piece) => return Poll::Ready(Some(Ok(this.hand_over(piece)))),
                    None => FileError::Short { found: expected - this.left, expected },
                },
                Ok(_) if this.last.is_some() => FileError::Long { expected },
                Ok(_) => {
                    let piece = this.buffer.split().freeze();
                    match piece.len() as u64 {
                        length if length > this.left => FileError::Long { expected },
                        length if length < this.left => return Poll::Ready(Some(Ok(this.hand_over(piece)))),
                        _ => {
                            this.last = Some(piece);
                            continue;
                        }
                    }
                }
            };
            return Poll::Ready(Some(Err(this.fail(fault))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
