//! Rows that are more than may be held: chunks in a file that has no name and goes with the process.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;

use super::chunk::Chunk;

const BUFFER_BYTES: usize = 1 << 20;

/// Where a chunk lies.
#[derive(Debug, Clone, Copy)]
struct Piece {
    offset: u64,
    bytes: usize,
    texts: usize,
}

/// Chunks that were laid aside, part by part.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    parts: Vec<Vec<Piece>>,
}

impl Spill {
    /// The chunks of a part, in the order in which they were laid aside.
    ///
    /// # Errors
    /// When the disk does not give back what was written.
    pub(super) fn read(&self, part: usize) -> io::Result<Vec<Chunk>> {
        let read = |piece: &Piece| {
            let mut bytes = vec![0; piece.bytes];
            self.file.read_exact_at(&mut bytes, piece.offset)?;
            let mut texts = vec![0; piece.texts];
            self.file.read_exact_at(&mut texts, piece.offset + piece.bytes as u64)?;
            let texts = String::from_utf8(texts).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            Ok(Chunk::from_raw(bytes, texts))
        };
        self.parts[part].iter().map(read).collect()
    }
}

/// The file while it grows.
#[derive(Debug)]
pub(super) struct Spilling {
    file: BufWriter<File>,
    offset: u64,
    parts: Vec<Vec<Piece>>,
}

impl Spilling {
    /// # Errors
    /// When the folder for temporary files takes none.
    pub(super) fn begin(parts: usize) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, tempfile::tempfile()?);
        Ok(Self { file, offset: 0, parts: vec![Vec::new(); parts] })
    }

    /// # Errors
    /// When the disk refuses.
    pub(super) fn lay_aside(&mut self, part: usize, chunk: &Chunk) -> io::Result<()> {
        let (bytes, texts) = chunk.raw();
        self.file.write_all(bytes)?;
        self.file.write_all(texts)?;
        self.parts[part].push(Piece { offset: self.offset, bytes: bytes.len(), texts: texts.len() });
        self.offset += (bytes.len() + texts.len()) as u64;
        Ok(())
    }

    /// # Errors
    /// When the disk refuses what was still on its way.
    pub(super) fn finish(self) -> io::Result<Spill> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Spill { file, parts: self.parts })
    }
}
