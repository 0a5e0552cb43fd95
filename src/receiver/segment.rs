//! Files that only grow: a batch of lines is in one whole and on the disk, or it is not there.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::de::IgnoredAny;

/// Notifications that were taken.
pub(super) const TAKEN: &str = "webhooks";
/// Notifications that were rejected, with the reason.
pub(super) const REJECTED: &str = "rejected";

const ENDING: &str = ".jsonl";
/// Only the user of the receiver reads what stands in notifications.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// The end of a file is searched backwards in pieces of this size.
const PIECE_BYTES: u64 = 64 << 10;
/// A rehearsal writes as much as a usual batch begins with: a new block of the file system.
const REHEARSAL: [u8; 4096] = {
    let mut bytes = [b' '; 4096];
    bytes[4095] = b'\n';
    bytes
};

/// One file of a day, open for appending.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    /// All before this is whole lines and on the disk.
    durable: u64,
    /// Something may stand behind it.
    torn: bool,
}

/// `FOLDER/webhooks-2025-03-19.jsonl`
pub(super) fn path(folder: &Path, kind: &str, day: NaiveDate) -> PathBuf {
    folder.join(format!("{kind}-{}{ENDING}", day.format("%Y-%m-%d")))
}

/// The kind's segments of a folder with their days, the earliest first.
pub(super) fn list(folder: &Path, kind: &str) -> io::Result<Vec<(NaiveDate, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let label = name.to_str().and_then(|name| name.strip_prefix(kind)?.strip_prefix('-')?.strip_suffix(ENDING));
        if let Some(day) = label.and_then(|label| NaiveDate::parse_from_str(label, "%Y-%m-%d").ok()) {
            found.push((day, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Makes the folder, for this user alone, where there is none.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)
}

/// Opens the file by which one receiver keeps others out of its folder.
pub(super) fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)
}

impl Segment {
    /// Opens or makes the segment of a day. What a crash left behind its last whole line is removed, and what is there
    /// is on the disk when this returns.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let is_new = !path.try_exists()?;
        let file = OpenOptions::new().read(true).append(true).create(true).mode(FILE_MODE).open(&path)?;
        let mut segment = Self { path, file, durable: 0, torn: false };
        segment.repair()?;
        segment.file.sync_all()?;
        if is_new && let Some(folder) = segment.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        segment.durable = segment.file.metadata()?.len();
        Ok(segment)
    }

    /// Bytes of whole lines.
    pub(super) const fn bytes(&self) -> u64 {
        self.durable
    }

    /// Whether the path still leads to this file, and nobody else has written it.
    pub(super) fn is_in_place(&self) -> bool {
        let (Ok(own), Ok(there)) = (self.file.metadata(), std::fs::metadata(&self.path)) else { return false };
        (own.dev(), own.ino()) == (there.dev(), there.ino()) && (self.torn || own.len() == self.durable)
    }

    /// Adds whole lines. When this returns they are on the disk; after an error nothing of them counts.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.mend()?;
        self.torn = true;
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What cannot be mended now is mended before the next batch.
            let _ = self.mend();
            return Err(error);
        }
        self.torn = false;
        self.durable += lines.len() as u64;
        Ok(())
    }

    /// Finds out whether a batch could be written, and leaves nothing of it.
    pub(super) fn rehearse(&mut self) -> io::Result<()> {
        self.mend()?;
        self.torn = true;
        let written = self.file.write_all(&REHEARSAL).and_then(|()| self.file.sync_data());
        let mended = self.mend();
        written.and(mended)
    }

    /// Takes away what a batch that failed has left.
    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.durable)?;
            self.torn = false;
        }
        Ok(())
    }

    /// Ends a last line that lacks nothing but its end (an editor may have cut that off), and removes one that is torn.
    fn repair(&mut self) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        let whole = self.whole_lines(length)?;
        if whole == length {
            return Ok(());
        }
        let mut rest = Vec::new();
        self.file.seek(SeekFrom::Start(whole))?;
        self.file.read_to_end(&mut rest)?;
        if rest.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(&rest).is_ok() {
            return self.file.write_all(b"\n");
        }
        tracing::warn!(
            file = %self.path.display(), bytes = length - whole,
            "removed the beginning of a line that a crash had left; nobody was told that it was taken"
        );
        self.file.set_len(whole)
    }

    /// Up to where the file is whole lines.
    fn whole_lines(&mut self, length: u64) -> io::Result<u64> {
        let mut end = length;
        while end > 0 {
            let start = end.saturating_sub(PIECE_BYTES);
            let mut piece = vec![0; usize::try_from(end - start).unwrap_or_default()];
            self.file.seek(SeekFrom::Start(start))?;
            self.file.read_exact(&mut piece)?;
            if let Some(last) = piece.iter().rposition(|byte| *byte == b'\n') {
                return Ok(start + last as u64 + 1);
            }
            end = start;
        }
        Ok(0)
    }
}
