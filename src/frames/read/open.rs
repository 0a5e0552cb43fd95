//! From a stored file to a bounded stream of text: gzip is told from the bytes, every member is
//! read, and damage, trailing bytes and bombs are errors, never a short file.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;

use super::Reading;
use crate::frames::error::{InputError, StreamFault};
use crate::frames::pace::Runner;
use crate::job::ReadLimits;
use crate::sources::RawFile;
use crate::sources::passing::Once;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BUFFER_BYTES: usize = 256 << 10;

/// A readable, bounded stream of a stored file. Faults come as [`io::Error`]s that carry a
/// [`StreamFault`]; [`input_error`] takes it out again.
pub(crate) type Stream = BufReader<Bounded>;

/// Opens a stored file, past a byte-order mark. `None`: it holds no bytes at all.
///
/// # Errors
/// When the stored copy cannot be read, its first bytes are damaged, or it is UTF-16.
pub(crate) fn open(reading: Reading<'_>) -> Result<Option<Stream>, InputError> {
    let raw = reading.raw;
    let mut stream = open_bytes(reading)?;
    let start = peek_start(&mut stream).map_err(|error| input_error(raw, error))?;
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return Err(InputError::Utf16 { file: raw.name.clone() });
    }
    let (empty, marked) = (start.is_empty(), start.starts_with(&[0xef, 0xbb, 0xbf]));
    if marked {
        stream.consume(3);
    }
    Ok((!empty).then_some(stream))
}

/// Opens a stored file without looking at what it holds.
///
/// # Errors
/// When the stored copy cannot be read.
pub(crate) fn open_bytes(reading: Reading<'_>) -> Result<Stream, InputError> {
    let Reading { raw, runner, held_bytes, .. } = reading;
    let limits = reading.input.limits;
    let stored = |source| InputError::Stored { file: raw.name.clone(), path: raw.stored.clone(), source };
    let file = Once::open(&raw.stored, held_bytes).map_err(stored)?;
    let taken = Rc::new(Cell::new(0));
    let mut bytes = BufReader::with_capacity(BUFFER_BYTES, Counted { inner: file, taken: Rc::clone(&taken) });
    let gzip = peek_start(&mut bytes).map_err(stored)?.starts_with(&GZIP_MAGIC);
    let inner = if gzip {
        Source::Gzip(Box::new(Members { decoder: Some(GzDecoder::new(bytes)), taken }))
    } else {
        Source::Plain(bytes)
    };
    Ok(BufReader::with_capacity(BUFFER_BYTES, Bounded { inner, limits, unfolded_bytes: 0, runner: runner.cloned() }))
}

/// The first bytes, as many as one read gives.
fn peek_start(stream: &mut impl BufRead) -> io::Result<&[u8]> {
    stream.fill_buf()
}

/// An IO error of a stream as what it means for the input.
pub(crate) fn input_error(raw: &RawFile, error: io::Error) -> InputError {
    match error.downcast::<StreamFault>() {
        Ok(fault) => InputError::Stream { file: raw.name.clone(), fault },
        Err(source) => InputError::Stored { file: raw.name.clone(), path: raw.stored.clone(), source },
    }
}

/// Bytes of one file after decompression, refused past the limits.
#[derive(Debug)]
pub(crate) struct Bounded {
    inner: Source,
    limits: ReadLimits,
    unfolded_bytes: u64,
    runner: Option<Runner>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (length, compressed) = match &mut self.inner {
            Source::Plain(file) => (file.read(buffer)?, None),
            Source::Gzip(members) => (members.read(buffer)?, Some(members.taken.get())),
        };
        self.unfolded_bytes += length as u64;
        if let Some(runner) = &self.runner {
            runner.passed(length as u64);
        }
        match StreamFault::beyond(self.limits, self.unfolded_bytes, compressed) {
            Some(fault) => Err(io::Error::other(fault)),
            None => Ok(length),
        }
    }
}

#[derive(Debug)]
enum Source {
    Plain(BufReader<Counted>),
    Gzip(Box<Members>),
}

/// Gzip members one after the other. Unlike a plain decoder this tells what follows the last one.
#[derive(Debug)]
struct Members {
    /// None once everything is read.
    decoder: Option<GzDecoder<BufReader<Counted>>>,
    taken: Rc<Cell<u64>>,
}

impl Read for Members {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(mut decoder) = self.decoder.take() {
            let length = match decoder.read(buffer) {
                Ok(length) => length,
                Err(error) => return Err(self.fault(error)),
            };
            if length > 0 || buffer.is_empty() {
                self.decoder = Some(decoder);
                return Ok(length);
            }
            let mut rest = decoder.into_inner();
            let next = rest.fill_buf()?;
            if next.is_empty() {
                return Ok(0);
            }
            if next[0] != GZIP_MAGIC[0] || next.get(1).is_some_and(|byte| *byte != GZIP_MAGIC[1]) {
                let offset = self.taken.get() - next.len() as u64;
                return Err(io::Error::other(StreamFault::Trailing { offset }));
            }
            self.decoder = Some(GzDecoder::new(rest));
        }
        Ok(0)
    }
}

impl Members {
    /// What an error of the decoder means; errors of the disk stay what they are.
    fn fault(&self, error: io::Error) -> io::Error {
        let fault = match error.kind() {
            io::ErrorKind::UnexpectedEof => StreamFault::Truncated { compressed_bytes: self.taken.get() },
            // The decoder has no error type of its own: its words are all there is to tell them apart.
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                let detail = error.to_string();
                if detail.contains("checksum") { StreamFault::Checksum } else { StreamFault::Corrupt { detail } }
            }
            _ => return error,
        };
        io::Error::other(fault)
    }
}

/// Counts the compressed bytes taken from the file.
#[derive(Debug)]
struct Counted {
    inner: Once,
    taken: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.taken.set(self.taken.get() + length as u64);
        Ok(length)
    }
}
