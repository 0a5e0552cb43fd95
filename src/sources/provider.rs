//! The files of a provider's list that belong to one period.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::store::RawStore;
use super::{Origin, RawFile};
use crate::frames::{Warning, WarningKind};
use crate::job::{FileType, Grain};
use crate::period::Period;
use crate::providers::http::displayable;
use crate::providers::kard::{Client, FileMetadata, FilesQuery, KardError};

/// Ids of others are shown up to this many characters.
const SHOWN_ID: usize = 120;

/// What was pulled for one input.
#[derive(Debug)]
pub struct Pulled {
    /// Oldest first. Empty when the provider has none yet.
    pub files: Vec<RawFile>,
    /// Files that count no more; `side` is left to the caller.
    pub warnings: Vec<Warning>,
    /// Files whose bytes were in the store already, under the same id and `lastModified`.
    pub reused: usize,
    /// How far the provider's clock is ahead of ours; none when it does not say.
    pub clock_skew: Option<TimeDelta>,
}

/// Pulls the files of `file_type` whose name begins with `name_template` filled in for the period.
///
/// `known` are the raw files of the last attempt: what did not change since is not downloaded again.
/// Of several files of one name and different bytes the one modified last counts, with a warning.
///
/// # Errors
/// When the provider fails or a file cannot be stored. That no file is there is no error.
pub async fn pull(
    client: &Client,
    provider_name: &str,
    file_type: FileType,
    name_template: &str,
    period: &Period,
    store: &RawStore,
    known: &[RawFile],
) -> Result<Pulled, KardError> {
    let query = FilesQuery {
        date_from: Some(period.start),
        date_to: Some(period.end + published_within(period.grain)),
        file_type: Some(file_type),
        ..FilesQuery::default()
    };
    let listing = client.files(&query).await?;
    let stem = file_stem(name_template, period);
    let mut pulled = Vec::new();
    let mut reused = 0;
    for listed in listing.files {
        if listed.file_type != file_type.name() || !belongs(&listed.file_name, &stem) {
            continue;
        }
        if let Some(file) = known.iter().find_map(|file| reuse(file, &listed, provider_name, store)) {
            tracing::debug!(file_id = listed.id, "the bytes are here already");
            reused += 1;
            pulled.push((listed, file));
            continue;
        }
        let (listed, writer) = client.download(&listed, store).await?;
        let file = writer
            .finish(listed.shown_name(), origin(provider_name, &listed))
            .map_err(|source| KardError::Store { id: listed.shown_id(), name: listed.shown_name(), source })?;
        tracing::debug!(file_id = listed.id, bytes = file.bytes, sha256 = file.sha256, "downloaded");
        pulled.push((listed, file));
    }
    let (files, warnings) = latest_of_each_name(pulled);
    Ok(Pulled { files, warnings, reused, clock_skew: listing.clock_skew })
}

/// How long after a period its file may still be sent or sent again.
fn published_within(grain: Grain) -> TimeDelta {
    match grain {
        Grain::Day => TimeDelta::days(45),
        // The 15th of the next month, or later where that is a holiday; then corrections.
        Grain::Month => TimeDelta::days(75),
    }
}

/// Fills in `{yymmdd}`, `{yymm}` and `{period}`.
pub fn file_stem(name_template: &str, period: &Period) -> String {
    name_template
        .replace("{yymmdd}", &period.first_day.format("%y%m%d").to_string())
        .replace("{yymm}", &period.first_day.format("%y%m").to_string())
        .replace("{period}", &period.label)
}

/// Whether a file of this name is the period's: after the stem comes nothing, or what is no digit.
/// (`…-2503` must not take in `…-250319`.)
pub fn belongs(file_name: &str, stem: &str) -> bool {
    file_name.strip_prefix(stem).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn origin(provider: &str, listed: &FileMetadata) -> Origin {
    Origin::Provider {
        provider: provider.to_owned(),
        file_id: listed.id.clone(),
        file_type: listed.file_type.clone(),
        sent_at: listed.sent_at,
        last_modified: listed.last_modified,
    }
}

/// The known file, where it is this one and its bytes still lie in the store.
fn reuse(known: &RawFile, listed: &FileMetadata, provider: &str, store: &RawStore) -> Option<RawFile> {
    let Origin::Provider { provider: from, file_id, last_modified, .. } = &known.origin else { return None };
    if from != provider || *file_id != listed.id || *last_modified != listed.last_modified {
        return None;
    }
    let stored = store.find(&known.sha256)?;
    let whole = stored.metadata().is_ok_and(|found| found.len() == known.bytes);
    whole.then(|| RawFile { name: listed.shown_name(), origin: origin(provider, listed), stored, ..known.clone() })
}

/// Keeps, of every name, the file modified last and those with the same bytes (these are told
/// apart later, as repeats); the others count no more.
fn latest_of_each_name(pulled: Vec<(FileMetadata, RawFile)>) -> (Vec<RawFile>, Vec<Warning>) {
    let mut latest = HashMap::<String, (DateTime<Utc>, DateTime<Utc>, String, String)>::new();
    for (listed, file) in &pulled {
        let candidate = (listed.last_modified, listed.sent_at, listed.id.clone(), file.sha256.clone());
        let best = latest.entry(listed.file_name.clone()).or_insert_with(|| candidate.clone());
        if *best < candidate {
            *best = candidate;
        }
    }
    let mut files = Vec::new();
    let mut warnings = BTreeMap::new();
    for (listed, file) in pulled {
        let (modified, _, id, sha256) = &latest[&listed.file_name];
        let id = displayable(id, SHOWN_ID);
        if file.sha256 == *sha256 {
            files.push(file);
            continue;
        }
        let message = format!(
            "{name} was sent more than once with different bytes: file {id} (last modified {modified}) counts, \
             file {other} (last modified {before}) does not",
            name = file.name,
            modified = modified.to_rfc3339(),
            other = listed.shown_id(),
            before = listed.last_modified.to_rfc3339(),
        );
        let warning = Warning { side: None, kind: WarningKind::Metadata, file: Some(file.name.clone()), message };
        warnings.insert((file.name, listed.id), warning);
    }
    (files, warnings.into_values().collect())
}
