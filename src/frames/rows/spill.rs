//! Rows that are more than may be held: chunks in a file that has no name and goes with the process.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use super::chunk::Chunk;
use crate::sources::passing::{self, Passing};

const BUFFER_BYTES: usize = 1 << 20;

/// Where a chunk lies.
#[derive(Debug, Clone, Copy)]
struct Piece {
    offset: u64,
    /// Bytes of heads, and of texts behind them.
    heads: usize,
    texts: usize,
}

impl Piece {
    const fn end(self) -> u64 {
        self.offset + (self.heads + self.texts) as u64
    }
}

/// What was laid aside together lies together.
fn runs(pieces: &[Piece]) -> impl Iterator<Item = (Range<u64>, &[Piece])> {
    let runs = pieces.chunk_by(|left, right| left.end() == right.offset);
    runs.map(|run| (run[0].offset..run[run.len() - 1].end(), run))
}

/// Chunks that were laid aside, part by part.
#[derive(Debug)]
pub(super) struct Spill {
    /// None once it is given up.
    file: Option<File>,
    parts: Vec<Vec<Piece>>,
}

impl Spill {
    /// Bytes of heads and of texts of a part.
    pub(super) fn bytes(&self, part: usize) -> (usize, usize) {
        self.parts[part].iter().fold((0, 0), |(heads, texts), piece| (heads + piece.heads, texts + piece.texts))
    }

    /// Hands on heads and texts of the chunks of a part, in the order in which they were laid aside.
    ///
    /// # Errors
    /// When the disk does not give back what was written.
    pub(super) fn each(&self, part: usize, mut take: impl FnMut(&[u8], &str)) -> io::Result<()> {
        let damaged = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let size = |bytes: u64| usize::try_from(bytes).expect("it was in memory");
        let mut buffer = Vec::new();
        for (bytes, run) in runs(&self.parts[part]) {
            buffer.resize(size(bytes.end - bytes.start), 0);
            self.file().read_exact_at(&mut buffer, bytes.start)?;
            passing::forget(self.file(), bytes.clone());
            for piece in run {
                let (heads, rest) = buffer[size(piece.offset - bytes.start)..].split_at(piece.heads);
                take(heads, std::str::from_utf8(&rest[..piece.texts]).map_err(damaged)?);
            }
        }
        Ok(())
    }

    /// Says that a part is wanted soon, if there is such a part: the system may fetch it meanwhile.
    pub(super) fn announce(&self, part: usize) {
        for (bytes, _) in self.parts.get(part).into_iter().flat_map(|pieces| runs(pieces)) {
            passing::fetch(self.file(), bytes);
        }
    }

    fn file(&self) -> &File {
        self.file.as_ref().expect("it is there until the end")
    }
}

impl Drop for Spill {
    /// With its last handle the system gives up the file's blocks, which takes seconds where there are many.
    fn drop(&mut self) {
        let file = self.file.take();
        // Where there is no thread to be had, the file goes with the closure.
        let _ = std::thread::Builder::new().spawn(move || drop(file));
    }
}

/// The file while it grows.
#[derive(Debug)]
pub(super) struct Spilling {
    file: BufWriter<File>,
    offset: u64,
    parts: Vec<Vec<Piece>>,
    passing: Passing,
}

impl Spilling {
    /// # Errors
    /// When the folder for temporary files takes none.
    pub(super) fn begin(parts: usize) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, tempfile::tempfile()?);
        Ok(Self { file, offset: 0, parts: vec![Vec::new(); parts], passing: Passing::beyond(0) })
    }

    /// # Errors
    /// When the disk refuses.
    pub(super) fn lay_aside(&mut self, part: usize, chunk: &Chunk) -> io::Result<()> {
        let (heads, texts) = chunk.raw();
        self.file.write_all(heads)?;
        self.file.write_all(texts.as_bytes())?;
        let piece = Piece { offset: self.offset, heads: heads.len(), texts: texts.len() };
        self.parts[part].push(piece);
        self.offset = piece.end();
        self.passing.passed(self.file.get_ref(), self.offset);
        Ok(())
    }

    /// # Errors
    /// When the disk refuses what was still on its way.
    pub(super) fn finish(self) -> io::Result<Spill> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        passing::read_at_random(&file);
        Ok(Spill { file: Some(file), parts: self.parts })
    }
}
