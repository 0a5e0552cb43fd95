//! Pieces become parcels, in their order: bulk files of packed blocks, or the lines of single calls.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::build::{BuildSpec, Layout};
use super::error::BuildError;
use super::gzip::{Block, Member};
use super::manifest::{Parcel, SourcePlace};
use super::places::{self, PlacesWriter, Run};
use super::sealed::{self, Counted};
use super::spool::{Draft, PARTS, PLACES};
use super::work::{Body, Piece};
use crate::digest;
use crate::sources::store::Keeping;

/// Digits of the digest that end a name.
const NAME_DIGITS: usize = 8;
/// Most bytes of lines that are held to bring together those of each user. A user's history is
/// thousands of lines, an enrolment's hundreds of thousands.
const MOST_HELD_BYTES: u64 = 512 << 20;

/// Writes the parcels of one build.
#[derive(Debug)]
pub(super) struct Parcels {
    stack: Stack,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Bulk { max_bytes: u64, max_rows: u64, open: Option<OpenFile> },
    Parts { calls: Calls },
    PartsByUser { calls: Calls, users: Users },
}

impl Parcels {
    /// # Errors
    /// When the disk refuses.
    pub(super) fn create<L>(draft: &Draft, spec: &BuildSpec<'_, L>) -> Result<Self, BuildError> {
        let folder = &draft.folder;
        let stack = Stack::create(draft, spec.job, spec.period)?;
        let kind = match spec.layout {
            Layout::BulkFiles { max_bytes, max_rows } => {
                Kind::Bulk { max_bytes, max_rows: max_rows.unwrap_or(u64::MAX), open: None }
            }
            Layout::Parts { rows } => Kind::Parts { calls: Calls::create(folder, rows)? },
            Layout::PartsByUser { rows } => {
                Kind::PartsByUser { calls: Calls::create(folder, rows)?, users: Users::default() }
            }
        };
        Ok(Self { stack, kind })
    }

    /// Bytes that lie on disk so far.
    pub(super) fn bytes(&self) -> u64 {
        let open = if let Kind::Bulk { open: Some(open), .. } = &self.kind { open.bytes } else { 0 };
        self.stack.bytes + open
    }

    /// # Errors
    /// When the disk refuses, or a bound is passed.
    pub(super) fn add(&mut self, piece: Piece) -> Result<(), BuildError> {
        match (&mut self.kind, piece.body) {
            (Kind::Bulk { max_bytes, max_rows, open }, Body::Packed { block, counted }) => {
                let full = |file: &OpenFile| {
                    file.bytes_with(&block) > *max_bytes || file.counted.rows + counted.rows > *max_rows
                };
                if open.as_ref().is_some_and(full)
                    && let Some(file) = open.take()
                {
                    file.seal(&mut self.stack)?;
                }
                if open.is_none() {
                    *open = Some(OpenFile::create(&self.stack, piece.runs[0].first)?);
                }
                let file = open.as_mut().expect("opened above");
                if file.bytes_with(&block) > *max_bytes {
                    let (found, max_bytes) = (file.bytes_with(&block), *max_bytes);
                    return Err(BuildError::PieceTooLarge { at: piece.runs[0].first, found, max_bytes });
                }
                file.append(&block, &counted, &piece.runs, &mut self.stack)
            }
            (Kind::Parts { calls }, Body::Plain(text)) => {
                let mut places = piece.runs.iter().flat_map(|run| (0..run.rows).map(|index| run.place(index)));
                for line in sealed::lines(&text) {
                    calls.push(line, places.next().expect("a place for each line"), None, &mut self.stack)?;
                }
                Ok(())
            }
            (Kind::PartsByUser { users, .. }, Body::Plain(text)) => users.add(&text, &piece.runs),
            _ => Err(BuildError::Untied { what: "a piece of another layout".to_owned() }),
        }
    }

    /// Seals what is open. All of it is durable unless the spool is a scratch one. Gives the parcels with the bytes of their text.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn finish(mut self) -> Result<(Vec<Parcel>, u64), BuildError> {
        match self.kind {
            Kind::Bulk { open, .. } => open.map_or(Ok(()), |file| file.seal(&mut self.stack))?,
            Kind::Parts { calls } => calls.finish(&mut self.stack)?,
            Kind::PartsByUser { mut calls, users } => {
                for user in users.all {
                    let name = user.name()?;
                    let mut places = user.runs.iter().flat_map(|run| (0..run.rows).map(|index| run.place(index)));
                    for line in sealed::lines(&user.text) {
                        let place = places.next().expect("a place for each line");
                        calls.push(line, place, Some(&name), &mut self.stack)?;
                    }
                    calls.seal(Some(&name), &mut self.stack)?;
                }
                calls.finish(&mut self.stack)?;
            }
        }
        let path = self.stack.folder.join(PLACES);
        self.stack.places.finish(self.stack.keeping).map_err(|source| BuildError::Write { path, source })?;
        Ok((self.stack.parcels, self.stack.text_bytes))
    }
}

/// Where sealed parcels are put down, and what is known of them.
#[derive(Debug)]
struct Stack {
    folder: PathBuf,
    keeping: Keeping,
    /// What every name begins with.
    stem: String,
    parcels: Vec<Parcel>,
    places: PlacesWriter,
    places_at: u64,
    bytes: u64,
    text_bytes: u64,
}

/// A parcel whose bytes are complete.
struct Complete {
    name: String,
    sha256: String,
    bytes: u64,
    text_bytes: u64,
    counted: Counted,
    user: Option<String>,
    stored: String,
    offset: u64,
    first: SourcePlace,
    last: SourcePlace,
}

impl Stack {
    fn create(draft: &Draft, job: &str, period: &str) -> Result<Self, BuildError> {
        let path = draft.folder.join(PLACES);
        let places = PlacesWriter::create(&path).map_err(|source| BuildError::Write { path, source })?;
        Ok(Self {
            folder: draft.folder.clone(),
            keeping: draft.keeping,
            stem: format!("{job}-{period}"),
            parcels: Vec::new(),
            places,
            places_at: 0,
            bytes: 0,
            text_bytes: 0,
        })
    }

    /// The number of the next parcel, from 1.
    fn next_number(&self) -> usize {
        self.parcels.len() + 1
    }

    fn place(&mut self, run: Run) -> Result<(), BuildError> {
        self.places.push(run).map_err(|source| BuildError::Write { path: self.folder.join(PLACES), source })
    }

    fn put(&mut self, parcel: Complete) -> Result<(), BuildError> {
        let places_at = self.places_at;
        let ended = self.places.end_parcel();
        self.places_at = ended.map_err(|source| BuildError::Write { path: self.folder.join(PLACES), source })?;
        self.bytes += parcel.bytes;
        self.text_bytes += parcel.text_bytes;
        let Complete { name, sha256, bytes, counted, user, stored, offset, first, last, .. } = parcel;
        self.parcels.push(Parcel {
            name,
            sha256,
            bytes,
            rows: counted.rows,
            totals: counted.totals,
            user,
            first,
            last,
            stored,
            offset,
            places_at,
            places_bytes: self.places_at - places_at,
        });
        Ok(())
    }
}

/// A bulk file that grows.
#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    member: Member,
    bytes: u64,
    text_bytes: u64,
    counted: Counted,
    first: SourcePlace,
    last: SourcePlace,
}

impl OpenFile {
    fn create(stack: &Stack, first: SourcePlace) -> Result<Self, BuildError> {
        let path = stack.folder.join(format!("open-{:03}", stack.next_number()));
        let file = File::create(&path).map_err(|source| BuildError::Write { path: path.clone(), source })?;
        let (hasher, member, counted) = (Sha256::new(), Member::default(), Counted::default());
        let mut open = Self { path, file, hasher, member, bytes: 0, text_bytes: 0, counted, first, last: first };
        open.write(&Member::HEADER)?;
        Ok(open)
    }

    /// The file's size if it ended after this block.
    const fn bytes_with(&self, block: &Block) -> u64 {
        self.bytes + (block.bytes.len() + Member::TRAILER_BYTES) as u64
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BuildError> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|source| BuildError::Write { path: self.path.clone(), source })
    }

    fn append(&mut self, block: &Block, counted: &Counted, runs: &[Run], stack: &mut Stack) -> Result<(), BuildError> {
        self.member.append(block);
        self.text_bytes += block.text_bytes;
        self.counted.add(counted);
        for run in runs {
            self.last = run.last();
            stack.place(*run)?;
        }
        self.write(&block.bytes)
    }

    fn seal(mut self, stack: &mut Stack) -> Result<(), BuildError> {
        let trailer = self.member.finish();
        self.write(&trailer)?;
        let Self { path, file, hasher, bytes, text_bytes, counted, first, last, .. } = self;
        let sha256 = digest::hex(&hasher.finalize());
        let name = format!("{}-{:03}-{}.jsonl.gz", stack.stem, stack.next_number(), &sha256[..NAME_DIGITS]);
        let sealed = stack.keeping.sync(&file).and_then(|()| std::fs::rename(&path, stack.folder.join(&name)));
        sealed.map_err(|source| BuildError::Write { path, source })?;
        let stored = name.clone();
        stack.put(Complete { name, sha256, bytes, text_bytes, counted, user: None, stored, offset: 0, first, last })
    }
}

/// The lines of calls, one call after the other in one file: thousands of small files would be
/// thousands of waits for the disk.
#[derive(Debug)]
struct Calls {
    path: PathBuf,
    out: BufWriter<File>,
    at: u64,
    rows: u64,
    text: Vec<u8>,
    runs: Vec<Run>,
    held: u64,
}

impl Calls {
    fn create(folder: &Path, rows: u64) -> Result<Self, BuildError> {
        let path = folder.join(PARTS);
        let file = File::create(&path).map_err(|source| BuildError::Write { path: path.clone(), source })?;
        Ok(Self { path, out: BufWriter::new(file), at: 0, rows, text: Vec::new(), runs: Vec::new(), held: 0 })
    }

    fn push(
        &mut self,
        line: &[u8],
        place: SourcePlace,
        user: Option<&str>,
        stack: &mut Stack,
    ) -> Result<(), BuildError> {
        self.text.extend_from_slice(line);
        places::push(&mut self.runs, Run::of(place));
        self.held += 1;
        if self.held >= self.rows { self.seal(user, stack) } else { Ok(()) }
    }

    /// Ends the call that is being filled, if it has lines.
    fn seal(&mut self, user: Option<&str>, stack: &mut Stack) -> Result<(), BuildError> {
        let (Some(first), Some(last)) = (self.runs.first(), self.runs.last()) else { return Ok(()) };
        let (first, last) = (first.first, last.last());
        let untied = || BuildError::Untied { what: "a line of a call has no amount".to_owned() };
        let counted = sealed::count(&self.text).ok_or_else(untied)?;
        let sha256 = digest::sha256(&self.text);
        self.out.write_all(&self.text).map_err(|source| BuildError::Write { path: self.path.clone(), source })?;
        for run in self.runs.drain(..) {
            stack.place(run)?;
        }
        let bytes = self.text.len() as u64;
        let name = format!("{}-{:05}-{}.jsonl", stack.stem, stack.next_number(), &sha256[..NAME_DIGITS]);
        let (stored, offset, user) = (PARTS.to_owned(), self.at, user.map(str::to_owned));
        self.at += bytes;
        self.text.clear();
        self.held = 0;
        stack.put(Complete { name, sha256, bytes, text_bytes: bytes, counted, user, stored, offset, first, last })
    }

    fn finish(mut self, stack: &mut Stack) -> Result<(), BuildError> {
        self.seal(None, stack)?;
        let written = self.out.flush().and_then(|()| stack.keeping.sync(self.out.get_ref()));
        written.map_err(|source| BuildError::Write { path: self.path, source })
    }
}

/// The lines of each user, in order of first appearance.
#[derive(Debug, Default)]
struct Users {
    /// Index by the user's name as the lines write it.
    index: HashMap<Vec<u8>, usize>,
    all: Vec<UserLines>,
    held_bytes: u64,
}

#[derive(Debug)]
struct UserLines {
    /// As the lines write it.
    written: Vec<u8>,
    text: Vec<u8>,
    runs: Vec<Run>,
}

impl Users {
    fn add(&mut self, text: &[u8], runs: &[Run]) -> Result<(), BuildError> {
        let mut places = runs.iter().flat_map(|run| (0..run.rows).map(|index| run.place(index)));
        for line in sealed::lines(text) {
            let nameless = || BuildError::Untied { what: "a line names no user".to_owned() };
            let user = sealed::text_field(line, "userId").ok_or_else(nameless)?;
            let index = *self.index.entry(user.to_vec()).or_insert(self.all.len());
            if index == self.all.len() {
                self.all.push(UserLines { written: user.to_vec(), text: Vec::new(), runs: Vec::new() });
            }
            let lines = &mut self.all[index];
            lines.text.extend_from_slice(line);
            places::push(&mut lines.runs, Run::of(places.next().expect("a place for each line")));
        }
        self.held_bytes += text.len() as u64;
        if self.held_bytes > MOST_HELD_BYTES {
            return Err(BuildError::TooManyUsers { most_bytes: MOST_HELD_BYTES });
        }
        Ok(())
    }
}

impl UserLines {
    /// The name without JSON's escapes.
    fn name(&self) -> Result<String, BuildError> {
        let name = sealed::unescaped(&self.written).map(Cow::into_owned);
        name.ok_or_else(|| BuildError::Untied { what: "a line's user cannot be read back".to_owned() })
    }
}
