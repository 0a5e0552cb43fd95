//! Packs members into one file: piece by piece, in their order, with times that are the run's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Timelike, Utc};
use sha2::{Digest, Sha256};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::members::{Content, Member};
use super::{EvidenceError, SUMS};
use crate::digest::hex;
use crate::report::sums;

/// What is read at once.
const PIECE: usize = 256 << 10;

/// What is packed already is not packed again.
const PACKED: [&str; 4] = [".xlsx", ".parquet", ".gz", ".zip"];

/// Packs the members and, as the last one, their digests. Gives these by name; the file is on disk when this returns.
///
/// # Errors
/// When a member cannot be read or the file cannot be written.
pub(super) fn pack(
    members: &[Member],
    at: DateTime<Utc>,
    out: &File,
    path: &Path,
) -> Result<BTreeMap<String, String>, EvidenceError> {
    let mut packer = Packer {
        zip: ZipWriter::new(BufWriter::with_capacity(PIECE, out)),
        at: time_of(at),
        path: path.to_owned(),
        piece: vec![0; PIECE],
        digests: BTreeMap::new(),
    };
    for member in members {
        match &member.content {
            Content::Text(text) => packer.add(&member.name, text.len() as u64, text.as_slice(), path)?,
            Content::File(from) => {
                let told = |source| EvidenceError::Read { path: from.clone(), source };
                let file = File::open(from).map_err(told)?;
                let bytes = file.metadata().map_err(told)?.len();
                packer.add(&member.name, bytes, file, from)?;
            }
        }
    }
    let text = sums(&packer.digests);
    packer.add(SUMS, text.len() as u64, text.as_bytes(), path)?;
    packer.finish()
}

struct Packer<W: Write + Seek> {
    zip: ZipWriter<W>,
    at: zip::DateTime,
    path: PathBuf,
    piece: Vec<u8>,
    digests: BTreeMap<String, String>,
}

impl<'f> Packer<BufWriter<&'f File>> {
    fn add(&mut self, name: &str, bytes: u64, mut from: impl Read, read: &Path) -> Result<(), EvidenceError> {
        let is_packed = PACKED.iter().any(|end| name.ends_with(end));
        let method = if is_packed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(self.at)
            .unix_permissions(0o644)
            // Packing can make it a little longer.
            .large_file(bytes > u64::from(u32::MAX) - (64 << 20));
        self.zip.start_file(name, options).map_err(|source| told(&self.path, source))?;
        let mut hasher = Sha256::new();
        loop {
            let read =
                from.read(&mut self.piece).map_err(|source| EvidenceError::Read { path: read.to_owned(), source })?;
            if read == 0 {
                break;
            }
            hasher.update(&self.piece[..read]);
            let write = self.zip.write_all(&self.piece[..read]);
            write.map_err(|source| EvidenceError::Write { path: self.path.clone(), source })?;
        }
        self.digests.insert(name.to_owned(), hex(&hasher.finalize()));
        Ok(())
    }

    fn finish(self) -> Result<BTreeMap<String, String>, EvidenceError> {
        let Self { zip, path, digests, .. } = self;
        let out = zip.finish().map_err(|source| told(&path, source))?;
        let file: Result<&'f File, _> = out.into_inner().map_err(std::io::IntoInnerError::into_error);
        let synced = file.and_then(File::sync_all);
        synced.map_err(|source| EvidenceError::Write { path, source })?;
        Ok(digests)
    }
}

/// To two seconds, as such files keep it; what is out of their reach is 1980.
fn time_of(at: DateTime<Utc>) -> zip::DateTime {
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    let year = u16::try_from(at.year()).unwrap_or_default();
    let (month, day) = (small(at.month()), small(at.day()));
    zip::DateTime::from_date_and_time(year, month, day, small(at.hour()), small(at.minute()), small(at.second()))
        .unwrap_or_default()
}

fn told(path: &Path, source: ZipError) -> EvidenceError {
    match source {
        ZipError::Io(source) => EvidenceError::Write { path: path.to_owned(), source },
        source => EvidenceError::Zip { path: path.to_owned(), source },
    }
}
