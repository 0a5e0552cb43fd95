//! One input: its source, format, preset, and how its columns become canonical ones.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::super::preset::{self, Preset};
use super::super::spec::{FormatSpec, InputSpec, LimitsSpec};
use super::super::{Column, ColumnSource, FileType, Format, Grain, Input, Mapping, OnMissing, ReadLimits, Source};
use super::due::{self, DueOf};
use super::{Context, column, dataset, objects, query};
use crate::config::{Checker, did_you_mean, quantity};
use crate::frames::{Field, FieldType, Side};
use crate::providers::ProviderConfig;

/// How bytes are read where the job does not say.
pub(super) const DEFAULT_FORMAT: Format = Format::Csv { delimiter: b',', quote: b'"', header: true };

/// What an input takes from the rest of its job.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfJob {
    pub(super) grain: Grain,
    /// Of the period; none when it is wrong itself.
    pub(super) zone: Option<Tz>,
    /// Of the schedule, where it states one; else of the period.
    pub(super) wait_zone: Option<Tz>,
    /// The field that rows find each other by.
    pub(super) key: Field,
}

pub(super) fn input(
    side: Side,
    spec: &InputSpec,
    of: OfJob,
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<Input> {
    let at = format!("inputs/{side}");
    let source = source(&at, spec, of.grain, context, checker);
    let preset = match &spec.preset {
        Some(name) => Some(preset_of(&at, name, checker)?),
        None => None,
    };
    let format = match &spec.format {
        Some(written) => format_of(&at, written, checker),
        None => Some(preset.as_ref().map_or(DEFAULT_FORMAT, |preset| preset.format.clone())),
    };
    if let Some(format) = &format {
        verify(&at, spec, format, context, checker);
        rejected(&at, spec, format, checker);
    }
    let mapping = mapping(&at, spec, preset.as_ref(), checker);
    let own = [
        (spec.path.is_some(), "a path"),
        (spec.s3.is_some(), "in a bucket"),
        (spec.postgres.is_some(), "in a database"),
        (spec.dataset.is_some(), "asked of a provider"),
    ];
    let own = own.into_iter().find_map(|(is, words)| is.then_some(words));
    let due = match &spec.due {
        Some(written) => {
            let of = DueOf { grain: of.grain, zone: of.zone, own };
            due::due(&format!("{at}/due"), written, of, context, checker).map(Some)
        }
        None => Some(None),
    };
    let wait_until = match &spec.wait_until {
        Some(written) => {
            let of = DueOf { grain: of.grain, zone: of.wait_zone, own };
            due::wait(&format!("{at}/wait_until"), written, of, context, checker).map(Some)
        }
        None => Some(None),
    };
    let known_columns = known_columns(spec, preset.as_ref());
    let limits = limits(&at, format.as_ref(), spec.limits.as_ref(), checker);
    Some(Input {
        side,
        source: source?,
        format: format?,
        mapping: mapping?,
        key: of.key,
        quarantine_limit: spec.quarantine.unwrap_or(0),
        allow_empty: spec.allow_empty.unwrap_or(false),
        on_missing: spec.on_missing.unwrap_or(OnMissing::Wait),
        due: due?,
        wait_until: wait_until?,
        verify: spec.verify.clone(),
        rejected: spec.rejected.clone(),
        known_columns,
        limits: limits?,
    })
}

fn preset_of(at: &str, name: &str, checker: &mut Checker<'_>) -> Option<Preset> {
    let found = preset::by_name(name);
    if found.is_none() {
        let message = format!("unknown preset `{name}`");
        checker.problem_with_help(&format!("{at}/preset"), message, did_you_mean(name, &preset::NAMES));
    }
    found
}

fn source(at: &str, spec: &InputSpec, grain: Grain, context: Context<'_>, checker: &mut Checker<'_>) -> Option<Source> {
    if let Some(database) = &spec.postgres {
        return query::query(at, database, spec, context, checker);
    }
    if spec.query.is_some() {
        checker.problem(&format!("{at}/query"), "`query` belongs to a database, and no `postgres` names one");
        return None;
    }
    let only_path = spec.s3.is_none();
    if only_path && spec.pattern.is_some() {
        checker.problem(&format!("{at}/pattern"), "`pattern` says which objects of `s3`, and this input has none");
    }
    match (&spec.path, &spec.provider) {
        (Some(pattern), None) if only_path => {
            not_of_provider(at, spec, "a path", checker);
            path_pattern(&format!("{at}/path"), pattern, checker)?;
            Some(Source::Path { pattern: pattern.clone() })
        }
        (None, Some(provider)) if only_path && spec.dataset.is_some() => {
            dataset::dataset(at, provider, spec, context, checker)
        }
        (None, Some(provider)) if only_path => {
            let found = provider_of(&format!("{at}/provider"), provider, context, checker);
            if let Some(other) = found.filter(|found| found.as_kard().is_none()) {
                let message = format!("`{provider}` is of type `{}`, which publishes no files", other.kind());
                checker.problem_with_help(&format!("{at}/provider"), message, dataset::known(other));
                return None;
            }
            let Some(file_type) = spec.file_type else {
                let help = "it says which of the provider's files";
                checker.absent(&format!("{at}/provider"), "missing key `file_type`", help);
                return None;
            };
            let name = file_name(at, spec, file_type, grain, checker)?;
            Some(Source::Provider { provider: provider.clone(), file_type, name })
        }
        (None, None) => {
            let Some(places) = &spec.s3 else {
                checker.absent(at, "neither `path`, `s3`, `postgres` nor `provider`", "expected one of them");
                return None;
            };
            not_of_provider(at, spec, "a prefix in a bucket", checker);
            objects::objects(at, places, spec, grain, checker).map(Source::S3)
        }
        (Some(_), Some(_)) if only_path => {
            checker.problem(&format!("{at}/path"), "both `path` and `provider`; expected one of them");
            None
        }
        (path, _) => {
            let other = if path.is_some() { "path" } else { "provider" };
            checker.problem(&format!("{at}/s3"), format!("both `s3` and `{other}`; expected one of them"));
            None
        }
    }
}

fn not_of_provider(at: &str, spec: &InputSpec, is: &str, checker: &mut Checker<'_>) {
    let keys = [("file_type", spec.file_type.is_some()), ("name", spec.name.is_some())];
    let asked = [("dataset", spec.dataset.is_some()), ("ids", spec.ids.is_some())];
    for (key, written) in asked {
        if written {
            let message = format!("`{key}` is asked of a provider, and this input is {is}");
            checker.problem(&format!("{at}/{key}"), message);
        }
    }
    for (key, written) in keys {
        if written {
            let message = format!("`{key}` belongs to a provider's file, and this input is {is}");
            checker.problem(&format!("{at}/{key}"), message);
        }
    }
}

/// A path below the data folder, with no way out of it.
pub(super) fn path_pattern(path: &str, pattern: &str, checker: &mut Checker<'_>) -> Option<()> {
    let absolute = pattern.starts_with(['/', '\\', '~']) || pattern.chars().nth(1) == Some(':');
    if absolute {
        checker.problem(path, format!("`{pattern}` is not below the data folder; expected a relative path"));
        return None;
    }
    if pattern.split(['/', '\\']).any(|part| part == "..") {
        checker.problem(path, format!("`{pattern}` leads out of the data folder; expected a path without `..`"));
        return None;
    }
    if pattern.trim().is_empty() {
        checker.problem(path, "the path is empty");
        return None;
    }
    if let Err(error) = glob::Pattern::new(&pattern.replace("{period}", "2025-01-01")) {
        checker.problem(path, format!("`{pattern}` is no glob: {}", error.msg));
        return None;
    }
    placeholders(path, pattern, &["period"], checker)
}

fn file_name(
    at: &str,
    spec: &InputSpec,
    file_type: FileType,
    grain: Grain,
    checker: &mut Checker<'_>,
) -> Option<String> {
    let Some(name) = &spec.name else {
        let fits = if file_type == FileType::Monthly { Grain::Month } else { Grain::Day };
        if fits != grain {
            let (each, wanted) = if fits == Grain::Month { ("month", "month") } else { ("day", "day") };
            let message = format!("`{}` is made once a {each}; expected period.grain: {wanted}", file_type.name());
            checker.problem(&format!("{at}/file_type"), message);
            return None;
        }
        let default = match grain {
            Grain::Day => "cardlinked-reconciliation-{yymmdd}",
            Grain::Month => "cardlinked-reconciliation-{yymm}",
        };
        return Some(default.to_owned());
    };
    let known = objects::known(grain);
    let path = format!("{at}/name");
    if name.trim().is_empty() {
        checker.problem(&path, "the name is empty, so every file of the provider would be taken");
        return None;
    }
    placeholders(&path, name, known, checker)?;
    Some(name.clone())
}

/// Every `{word}` must be known.
pub(super) fn placeholders(path: &str, pattern: &str, known: &[&str], checker: &mut Checker<'_>) -> Option<()> {
    let mut rest = pattern;
    while let Some(open) = rest.find(['{', '}']) {
        let word = rest[open..].strip_prefix('{').and_then(|after| after.split_once('}'));
        let Some((word, after)) = word else {
            checker.problem(path, format!("a brace without its partner in `{pattern}`"));
            return None;
        };
        if !known.contains(&word) {
            let braced = known.iter().map(|known| format!("{{{known}}}")).collect::<Vec<_>>();
            let braced = braced.iter().map(String::as_str).collect::<Vec<_>>();
            let written = format!("{{{word}}}");
            let help = did_you_mean(&written, &braced);
            checker.problem_with_help(path, format!("unknown placeholder `{written}` in `{pattern}`"), help);
            return None;
        }
        rest = after;
    }
    Some(())
}

/// None only when it is known to be unknown.
pub(super) fn provider_of<'c>(
    path: &str,
    name: &str,
    context: Context<'c>,
    checker: &mut Checker<'_>,
) -> Option<&'c ProviderConfig> {
    let providers = context.providers?;
    let found = providers.get(name);
    if found.is_none() {
        let known = providers.keys().map(String::as_str).collect::<Vec<_>>();
        let help =
            if known.is_empty() { "tieout.yaml has no providers".to_owned() } else { did_you_mean(name, &known) };
        checker.problem_with_help(path, format!("unknown provider `{name}`"), help);
    }
    found
}

fn verify(at: &str, spec: &InputSpec, format: &Format, context: Context<'_>, checker: &mut Checker<'_>) {
    let Some(name) = &spec.verify else { return };
    let path = format!("{at}/verify");
    if *format != Format::WebhookLog {
        let message = "`verify` checks the signatures of notifications";
        checker.absent(&path, message, "expected format: webhook_log");
    }
    webhook_key(&path, name, context, checker);
}

/// What was rejected stands beside a log that is a file here.
fn rejected(at: &str, spec: &InputSpec, format: &Format, checker: &mut Checker<'_>) {
    let Some(pattern) = &spec.rejected else { return };
    let path = format!("{at}/rejected");
    if *format != Format::WebhookLog || spec.path.is_none() {
        let message = "`rejected` is what the receiver of notifications rejected";
        checker.absent(&path, message, "expected format: webhook_log and a path");
    }
    // What is wrong with it is told.
    let _ = path_pattern(&path, pattern, checker);
}

/// The provider must have a key to check signatures with.
pub(super) fn webhook_key(path: &str, name: &str, context: Context<'_>, checker: &mut Checker<'_>) {
    let Some(provider) = provider_of(path, name, context, checker) else { return };
    if provider.as_kard().is_none_or(|kard| kard.webhook_key.is_none()) {
        let message = format!("the provider `{name}` has no `webhook_key` in tieout.yaml to check signatures with");
        checker.problem(path, message);
    }
}

pub(super) fn format_of(at: &str, written: &FormatSpec, checker: &mut Checker<'_>) -> Option<Format> {
    match written {
        FormatSpec::Csv(csv) => {
            let at = format!("{at}/format/csv");
            let delimiter = one_byte(&format!("{at}/delimiter"), csv.delimiter.as_deref(), b',', checker);
            let quote = one_byte(&format!("{at}/quote"), csv.quote.as_deref(), b'"', checker);
            let (delimiter, quote) = (delimiter?, quote?);
            if delimiter == quote {
                checker.problem(&at, "`delimiter` and `quote` are the same character");
                return None;
            }
            Some(Format::Csv { delimiter, quote, header: csv.header.unwrap_or(true) })
        }
        FormatSpec::Json(json) => {
            Some(Format::Json { rows: json.rows.clone().unwrap_or_default(), control: json.control.clone() })
        }
        FormatSpec::Jsonl => Some(Format::Jsonl),
        FormatSpec::WebhookLog => Some(Format::WebhookLog),
        FormatSpec::Parquet => Some(Format::Parquet),
    }
}

fn one_byte(path: &str, written: Option<&str>, default: u8, checker: &mut Checker<'_>) -> Option<u8> {
    let Some(text) = written else { return Some(default) };
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) && !byte.is_ascii_alphanumeric() => Some(*byte),
        _ if text == "\\t" => Some(b'\t'),
        _ => {
            checker
                .problem(path, format!("`{text}` is not one ASCII character; expected one such as \";\" or \"\\t\""));
            None
        }
    }
}

fn mapping(at: &str, spec: &InputSpec, preset: Option<&Preset>, checker: &mut Checker<'_>) -> Option<Mapping> {
    let mut fields = preset.map(|preset| preset.fields.clone()).unwrap_or_default();
    let mut complete = true;
    for (field, written) in &spec.columns {
        match column::column(at, *field, written, checker) {
            Some(column) => {
                fields.insert(*field, column);
            }
            None => complete = false,
        }
    }
    complete &= columns_are_there(at, spec, &fields, checker);
    for (field, values) in &spec.only {
        let path = format!("{at}/only/{field}", field = field.name());
        if !fields.contains_key(field) && !spec.columns.contains_key(field) {
            checker.absent(&path, format!("`{}` is not mapped", field.name()), "expected it under columns");
            complete = false;
        }
        if field.kind() != FieldType::Text {
            checker.problem(&path, format!("`{}` is no text; `only` selects by exact text", field.name()));
            complete = false;
        }
        if values.is_empty() {
            checker.problem(&path, "no value is listed, so no row would be compared");
            complete = false;
        }
    }
    let mut statuses = preset.map(|preset| preset.statuses.clone()).unwrap_or_default();
    // Canonical words are upper case, however the job writes them.
    statuses.extend(spec.statuses.iter().map(|(theirs, ours)| (theirs.clone(), ours.trim().to_uppercase())));
    complete.then(|| Mapping { fields, sign: spec.sign.unwrap_or_default(), statuses, only: spec.only.clone() })
}

/// What every side must map.
fn columns_are_there(at: &str, spec: &InputSpec, fields: &BTreeMap<Field, Column>, checker: &mut Checker<'_>) -> bool {
    let has = |field: Field| fields.contains_key(&field) || spec.columns.contains_key(&field);
    let path = if spec.columns.is_empty() { at.to_owned() } else { format!("{at}/columns") };
    let mut complete = true;
    for (field, why) in [
        (Field::TransactionId, "every row needs one"),
        (Field::Currency, "write the column, or {constant: USD} where the data state none"),
    ] {
        if !has(field) {
            checker.absent(&path, format!("`{}` is not mapped", field.name()), why);
            complete = false;
        }
    }
    let other_time = [Field::SettledAt, Field::AuthorizedAt].into_iter().find(|field| has(*field));
    if let Some(other) = other_time
        && !has(Field::OccurredAt)
    {
        let message = format!("`{}` is mapped, but `occurred_at` is not", other.name());
        checker.absent(&path, message, "map it too: it puts a row into its period");
        complete = false;
    }
    complete
}

/// The columns that are fine to see and not mapped: the preset's, the ones that the job maps
/// otherwise, and the job's own list.
fn known_columns(spec: &InputSpec, preset: Option<&Preset>) -> Option<Vec<String>> {
    let from_preset = preset.and_then(|preset| {
        let mut known = preset.known_columns.clone()?;
        for field in spec.columns.keys() {
            if let Some(Column {
                from: ColumnSource::Columns(paths) | ColumnSource::Joined { parts: paths, .. }, ..
            }) = preset.fields.get(field)
            {
                known.extend(paths.iter().cloned());
            }
        }
        Some(known)
    });
    let mut known = match (from_preset, &spec.known_columns) {
        (None, None) => return None,
        (Some(known), None) => known,
        (known, Some(own)) => known.into_iter().flatten().chain(own.iter().cloned()).collect(),
    };
    known.sort_unstable();
    known.dedup();
    Some(known)
}

pub(super) fn limits(
    at: &str,
    format: Option<&Format>,
    written: Option<&LimitsSpec>,
    checker: &mut Checker<'_>,
) -> Option<ReadLimits> {
    let mut limits = format.map_or_else(ReadLimits::default, ReadLimits::of);
    let Some(written) = written else { return Some(limits) };
    if let Some(text) = &written.max_bytes {
        limits.max_bytes = size(&format!("{at}/limits/max_bytes"), text, checker)?;
    }
    if let Some(ratio) = written.max_ratio {
        limits.max_ratio = ratio;
    }
    if let Some(text) = &written.max_row_bytes {
        let bytes = size(&format!("{at}/limits/max_row_bytes"), text, checker)?;
        limits.max_row_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    Some(limits)
}

fn size(path: &str, text: &str, checker: &mut Checker<'_>) -> Option<u64> {
    let bytes = checker.keep(path, quantity::bytes(text))?;
    if bytes == 0 {
        checker.problem(path, "the limit is zero, so nothing could be read");
        return None;
    }
    Some(bytes)
}
