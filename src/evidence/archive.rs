//! Opens a file of evidence as one that somebody hostile may have made: only what we write ourselves is read at all, and
//! nothing is ever unpacked to a disk.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zip::CompressionMethod;
use zip::read::{ZipArchive, ZipFile};
use zip::result::ZipError;

use super::{ANCHOR, EFFECTS, INPUTS, JOB, JOURNAL, PLAN, RAW, README, REPORT, RUN, SIGN_OFF, SUMS};
use crate::sign_off::life::is_digest;
use crate::text::{cut, is_hidden, visible};

const AROUND: &str = "there is something before or behind its members";

/// More members than any report has.
const MOST_MEMBERS: usize = 100_000;
/// Unpacked, it may be so many times as long as it is packed; lists of a period's entries are about 20 times.
const MOST_TIMES: u64 = 200;
/// What is short may be longer than that.
const ALWAYS: u64 = 64 << 20;

/// Members that are there once.
const PLAIN: [&str; 10] = [README, RUN, JOB, INPUTS, PLAN, EFFECTS, SIGN_OFF, ANCHOR, JOURNAL, SUMS];
/// Those without which it is no evidence.
const NEEDED: [&str; 9] = [README, RUN, INPUTS, PLAN, EFFECTS, SIGN_OFF, ANCHOR, JOURNAL, SUMS];

/// No file of evidence, or one that is not safe to read. Exit code 65.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} is no file of evidence: it cannot be read as a zip file")]
    NoZip { path: PathBuf, source: ZipError },
    #[error("{path} is not read: {why}")]
    Unsafe { path: PathBuf, why: String },
}

/// A file of evidence, of a shape that is safe to read.
#[derive(Debug)]
pub struct Archive {
    zip: ZipArchive<BufReader<File>>,
    names: Vec<String>,
}

impl Archive {
    /// Opens it, and looks at all that can be said without unpacking.
    ///
    /// # Errors
    /// [`ArchiveError`]
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let told = |source| ArchiveError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(told)?;
        let bytes = file.metadata().map_err(told)?.len();
        let ends_well = ends_with_its_end(&mut file, bytes).map_err(told)?;
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| match error {
            ZipError::Io(source) => told(source),
            source => ArchiveError::NoZip { path: path.to_owned(), source },
        })?;
        let looked = if ends_well { look(&mut zip, bytes) } else { Err(AROUND.to_owned()) };
        let looked = looked.map_err(|why| ArchiveError::Unsafe { path: path.to_owned(), why })?;
        Ok(Self { zip, names: looked })
    }

    /// The names of its members, in their order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// A member, to be read from its beginning: no more than it states.
    pub(super) fn member(&mut self, name: &str) -> Result<impl Read + '_, String> {
        let at = self.names.iter().position(|known| known == name).ok_or_else(|| format!("{name} is not in it"))?;
        let file = self.zip.by_index(at).map_err(|error| format!("{name} cannot be read: {error}"))?;
        // Once more than it states shows that it states too little.
        let most = file.size() + 1;
        Ok(file.take(most))
    }

    /// A short member as a whole.
    pub(super) fn whole(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let read = self.member(name)?.take(ALWAYS + 1).read_to_end(&mut bytes);
        read.map_err(|error| format!("{name} cannot be read: {error}"))?;
        if bytes.len() as u64 > ALWAYS {
            return Err(format!("{name} is longer than {ALWAYS} bytes, and would be read as a whole"));
        }
        Ok(bytes)
    }
}

/// Whether the last bytes are the end of a zip file without a comment (APPNOTE 4.3.16): nothing is behind it.
fn ends_with_its_end(file: &mut File, bytes: u64) -> std::io::Result<bool> {
    let mut end = [0; 22];
    if bytes < end.len() as u64 {
        // It is no zip file at all, and is told so.
        return Ok(true);
    }
    file.seek(SeekFrom::End(-22))?;
    file.read_exact(&mut end)?;
    file.rewind()?;
    Ok(end.starts_with(b"PK\x05\x06") && end.ends_with(&[0, 0]))
}

/// The names of all members; else why it is not read.
fn look(zip: &mut ZipArchive<BufReader<File>>, bytes: u64) -> Result<Vec<String>, String> {
    if zip.len() > MOST_MEMBERS {
        return Err(format!("it has {} members; at most {MOST_MEMBERS} are read", zip.len()));
    }
    if zip.has_duplicate_names() {
        return Err("two of its members have the same name".to_owned());
    }
    if !zip.comment().is_empty() || zip.offset() != 0 {
        return Err(AROUND.to_owned());
    }
    let central = zip.central_directory_start();
    let mut places = Vec::with_capacity(zip.len());
    let (mut names, mut unpacked) = (Vec::with_capacity(zip.len()), 0_u64);
    for at in 0..zip.len() {
        let member = zip.by_index_raw(at).map_err(|error| format!("its member {at} cannot be read: {error}"))?;
        let name = name_of(&member)?;
        let start = member.data_start().ok_or_else(|| format!("{name} begins nowhere"))?;
        places.push((member.header_start(), start.saturating_add(member.compressed_size())));
        unpacked = unpacked.saturating_add(member.size());
        names.push(name);
    }
    // One behind the other, without a gap: nothing is hidden, nothing is read twice.
    places.sort_unstable();
    let ends = std::iter::once(0).chain(places.iter().map(|(_, end)| *end));
    let starts = places.iter().map(|(start, _)| *start).chain(std::iter::once(central));
    if !ends.eq(starts) {
        return Err("its members overlap, or something lies between them".to_owned());
    }
    if unpacked > ALWAYS.max(bytes.saturating_mul(MOST_TIMES)) {
        return Err(format!("it would be {unpacked} bytes unpacked, out of {bytes}: more than any evidence"));
    }
    match NEEDED.iter().find(|needed| !names.iter().any(|name| name == *needed)) {
        Some(missing) => Err(format!("it is no evidence of a run: {missing} is not in it")),
        None => Ok(names),
    }
}

/// The name of a member that is a file as we write them.
fn name_of(member: &ZipFile<'_, BufReader<File>>) -> Result<String, String> {
    let raw = member.name_raw();
    let shown = String::from_utf8_lossy(raw);
    let shown = visible(&cut(&shown, 80)).into_owned();
    let name = std::str::from_utf8(raw).ok().filter(|name| is_expected(name));
    let Some(name) = name else {
        return Err(format!("`{shown}` is no member of evidence"));
    };
    let mode = member.unix_mode().unwrap_or(0o100_644);
    if member.is_dir() || member.is_symlink() || mode & 0o170_000 != 0o100_000 {
        return Err(format!("`{shown}` is no plain file"));
    }
    if member.encrypted() || !matches!(member.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        return Err(format!("`{shown}` is encrypted, or packed as evidence never is"));
    }
    Ok(name.to_owned())
}

fn is_expected(name: &str) -> bool {
    if PLAIN.contains(&name) || name.strip_prefix(RAW).is_some_and(is_digest) {
        return true;
    }
    let Some(file) = name.strip_prefix(REPORT) else { return false };
    // Somebody may have laid a file of their own beside the report: it is part of what is signed.
    let is_plain = |char: char| !matches!(char, '/' | '\\' | ':') && !is_hidden(char);
    !file.is_empty() && !file.starts_with(['.', '-', '~']) && file.len() <= 255 && file.chars().all(is_plain)
}
