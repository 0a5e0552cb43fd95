//! Files that are larger than what a run may hold: they pass, and the system need not keep in its memory what has passed.
//! It would push out what others need, and to get fresh memory for all of it takes longer than to read or write it.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

/// The system forgets so much at a time. What was written and does not lie on the disk yet it only begins to write, so
/// that it is forgotten later.
const STEP_BYTES: u64 = 8 << 20;

/// How far the system was told to forget a file that is read or written from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Passing {
    from_bytes: u64,
    forgotten_bytes: u64,
}

impl Passing {
    /// For a file of which the system may keep everything unless it is longer than this.
    pub(crate) const fn beyond(bytes: u64) -> Self {
        Self { from_bytes: bytes, forgotten_bytes: 0 }
    }

    /// So much was read or written in all.
    pub(crate) fn passed(&mut self, file: &File, bytes: u64) {
        if bytes > self.from_bytes && bytes - self.forgotten_bytes >= STEP_BYTES {
            forget(file, 0..bytes);
            self.forgotten_bytes = bytes;
        }
    }
}

/// A file that is read once.
#[derive(Debug)]
pub(crate) struct Once {
    file: File,
    read_bytes: u64,
    passing: Passing,
}

impl Once {
    /// `held_bytes`: a longer one passes.
    ///
    /// # Errors
    /// When there is none that can be read.
    pub(crate) fn open(path: &Path, held_bytes: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        let passes = file.metadata()?.len() > held_bytes;
        Ok(Self { file, read_bytes: 0, passing: Passing::beyond(if passes { 0 } else { u64::MAX }) })
    }
}

impl Read for Once {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.read_bytes += bytes as u64;
        self.passing.passed(&self.file, self.read_bytes);
        Ok(bytes)
    }
}

/// Tells the system that these bytes of a file are not needed any more. It may do as it likes.
pub(crate) fn forget(file: &File, bytes: Range<u64>) {
    advise(file, bytes, Advice::Forget);
}

/// Tells the system that these bytes of a file are needed soon. It may do as it likes.
pub(crate) fn fetch(file: &File, bytes: Range<u64>) {
    advise(file, bytes, Advice::Fetch);
}

/// Tells the system that a file is read here and there: it need not fetch what comes behind.
pub(crate) fn read_at_random(file: &File) {
    advise(file, 0..i64::MAX.cast_unsigned(), Advice::Random);
}

#[derive(Debug, Clone, Copy)]
enum Advice {
    Forget,
    Fetch,
    Random,
}

#[cfg(target_os = "linux")]
fn advise(file: &File, bytes: Range<u64>, advice: Advice) {
    let advice = match advice {
        Advice::Forget => rustix::fs::Advice::DontNeed,
        Advice::Fetch => rustix::fs::Advice::WillNeed,
        Advice::Random => rustix::fs::Advice::Random,
    };
    let length = std::num::NonZeroU64::new(bytes.end - bytes.start);
    if length.is_some() {
        let _ = rustix::fs::fadvise(file, bytes.start, length, advice);
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_: &File, _: Range<u64>, _: Advice) {}
