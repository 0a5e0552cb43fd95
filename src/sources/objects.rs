//! The objects of a bucket that belong to one period.
//!
//! Kard delivers "the newest under `/upload`, older ones moved to `/backup`": of several prefixes the first that has a
//! name has its newest bytes. When an object was modified says nothing of that, since moving one makes it new.

use std::collections::BTreeMap;

use super::provider::file_stem;
use super::store::RawStore;
use super::{Origin, RawFile};
use crate::exit::ExitCode;
use crate::frames::{Warning, WarningKind};
use crate::job::Objects;
use crate::objects::{Found, ObjectError, Place, S3};
use crate::period::Period;
use crate::text::{cut, visible};

/// Names of others are shown up to this many characters.
const SHOWN: usize = 200;
/// So often the buckets are listed again when an object was moved between listing and reading.
const LOOKS: u32 = 3;

/// Why the objects of an input cannot be taken. That there is none is no error.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("cannot store a copy of {place}")]
    Store { place: Place, source: std::io::Error },
    #[error("`{pattern}` is no glob")]
    Pattern { pattern: String, source: glob::PatternError },
}

impl ObjectsError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            // It was listed: whoever moves it is about to be done.
            Self::Object(ObjectError::NotThere { .. }) => ExitCode::TryAgainLater,
            Self::Object(error) => error.exit_code(),
            Self::Store { .. } => ExitCode::Unexpected,
            Self::Pattern { .. } => ExitCode::Configuration,
        }
    }
}

/// What was pulled for one input.
#[derive(Debug, Default)]
pub struct Pulled {
    /// In order of their names, which are those after the prefix.
    pub files: Vec<RawFile>,
    /// Objects that count no more; `side` is left to the caller.
    pub warnings: Vec<Warning>,
    /// Objects whose bytes were in the store already, under the same key and `ETag`.
    pub reused: usize,
}

/// Pulls the objects of a period. `known` are the raw files of the last attempt: what did not change since is not read
/// again. Of one name under several prefixes the first one's bytes count, with a warning where the others differ.
///
/// # Errors
/// When a bucket cannot be listed, an object cannot be read, or the store cannot be written.
pub async fn pull(
    s3: &S3,
    objects: &Objects,
    period: &Period,
    store: &RawStore,
    known: &[RawFile],
) -> Result<Pulled, ObjectsError> {
    let mut look = 1;
    loop {
        match Box::pin(pull_once(s3, objects, period, store, known)).await {
            Err(ObjectsError::Object(error)) if error.is_not_there() && look < LOOKS => {
                tracing::debug!("{error}; looking again, it may have been moved");
                look += 1;
            }
            pulled => return pulled,
        }
    }
}

async fn pull_once(
    s3: &S3,
    objects: &Objects,
    period: &Period,
    store: &RawStore,
    known: &[RawFile],
) -> Result<Pulled, ObjectsError> {
    let mut names = BTreeMap::<String, Vec<Found>>::new();
    for place in &objects.places {
        for (name, found) in list(s3, place, &objects.pattern, period).await? {
            names.entry(name).or_default().push(found);
        }
    }
    let mut pulled = Pulled::default();
    for (name, found) in names {
        let Some((first, others)) = found.split_first() else { continue };
        let shown = cut(&visible(&name), SHOWN).into_owned();
        let file = match known.iter().find_map(|file| reuse(file, first, store)) {
            Some(file) => {
                pulled.reused += 1;
                RawFile { name: shown, ..file }
            }
            None => read(s3, first, shown, store).await?,
        };
        for other in others {
            pulled.warnings.extend(differs(s3, &file, first, other).await?);
        }
        pulled.files.push(file);
    }
    Ok(pulled)
}

/// Names after the prefix, of those that the pattern means.
async fn list(s3: &S3, place: &Place, pattern: &str, period: &Period) -> Result<Vec<(String, Found)>, ObjectsError> {
    let place = Place { bucket: place.bucket.clone(), prefix: file_stem(&place.prefix, period) };
    let pattern = file_stem(pattern, period);
    let options =
        glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let means =
        glob::Pattern::new(&pattern).map_err(|source| ObjectsError::Pattern { pattern: pattern.clone(), source })?;
    // What comes before the first sign of a glob need not be listed.
    let literal = pattern.find(['*', '?', '[']).map_or(pattern.as_str(), |at| &pattern[..at]);
    let found = s3.list(&place.join(literal)).await?;
    let named = found.into_iter().filter_map(|found| {
        let name = found.place.key().strip_prefix(&place.prefix)?.to_owned();
        // An object that is really called `a[1].csv` is meant as it is written.
        (name == pattern || means.matches_with(&name, options)).then_some((name, found))
    });
    Ok(named.collect())
}

async fn read(s3: &S3, listed: &Found, name: String, store: &RawStore) -> Result<RawFile, ObjectsError> {
    let told = |source| ObjectsError::Store { place: listed.place.clone(), source };
    let mut writer = store.begin().map_err(told)?;
    let found = s3.get(&listed.place, std::path::Path::new("the raw store"), &mut |chunk| writer.write(chunk)).await?;
    let stated = found.sha256.clone();
    let file = writer.finish(name, origin(&found)).map_err(told)?;
    if let Some(expected) = stated.filter(|stated| *stated != file.sha256) {
        let (place, found) = (listed.place.clone(), format!("its bytes have sha256 {}", file.sha256));
        return Err(ObjectError::Damaged { doing: "reading", place, found, expected }.into());
    }
    tracing::debug!(bytes = file.bytes, sha256 = file.sha256, "read {}", listed.place);
    Ok(file)
}

fn origin(found: &Found) -> Origin {
    Origin::S3 {
        bucket: found.place.bucket.clone(),
        key: found.place.key().to_owned(),
        etag: found.etag.clone(),
        version_id: found.version.clone(),
        last_modified: found.last_modified,
    }
}

/// The known file, where it is this object and its bytes still lie in the store.
fn reuse(known: &RawFile, listed: &Found, store: &RawStore) -> Option<RawFile> {
    let Origin::S3 { bucket, key, etag, last_modified, .. } = &known.origin else { return None };
    let same = *bucket == listed.place.bucket
        && key == listed.place.key()
        && *etag == listed.etag
        && !etag.is_empty()
        && *last_modified == listed.last_modified;
    if !same || known.bytes != listed.bytes {
        return None;
    }
    let stored = store.find(&known.sha256)?;
    let whole = stored.metadata().is_ok_and(|found| found.len() == known.bytes);
    whole.then(|| RawFile { stored, ..known.clone() })
}

/// A warning where the other object of this name has other bytes.
async fn differs(s3: &S3, file: &RawFile, first: &Found, other: &Found) -> Result<Option<Warning>, ObjectsError> {
    if first.bytes == other.bytes && first.etag == other.etag && !first.etag.is_empty() {
        return Ok(None);
    }
    if first.bytes == other.bytes {
        // The same bytes written in other parts have another ETag.
        let mut hasher = <sha2::Sha256 as sha2::Digest>::new();
        let mut add = |chunk: &[u8]| {
            sha2::Digest::update(&mut hasher, chunk);
            Ok(())
        };
        s3.get(&other.place, std::path::Path::new(""), &mut add).await?;
        if crate::digest::hex(&sha2::Digest::finalize(hasher)) == file.sha256 {
            return Ok(None);
        }
    }
    let message = format!(
        "{} stands under two prefixes with different bytes: {} ({} bytes) counts, {} ({} bytes) does not",
        file.name, first.place, first.bytes, other.place, other.bytes
    );
    Ok(Some(Warning { side: None, kind: WarningKind::Metadata, file: Some(file.name.clone()), message }))
}
