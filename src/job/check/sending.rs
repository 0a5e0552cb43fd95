//! `upload`, `incoming` and `historical`: whom they go to, what is read, and how its columns become records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::preset;
use super::super::sending::{Confirm, SendApproval, Sending, Upload, Way};
use super::super::spec_sending::{
    ConfirmSpec, HistoricalSpec, IncomingRecord, IncomingSpec, RecordColumnLong, RecordColumnSpec, RecordPreset,
    SourceSpec, SplitSpec, UploadSpec,
};
use super::super::{ColumnSource, Format, Input, Mapping, OnMissing, Rate, Sign, Source, TimeFormat};
use super::{Context, column, effects, input};
use crate::config::{Checker, quantity};
use crate::frames::{Field, Side};
use crate::records::{self, AmountSign, FieldColumn, RecordType};

/// Calls within a second where the job does not say.
const RATE: Rate = Rate { calls: 5, per: Duration::from_secs(1) };
/// Until a file without a result is a break, where the job does not say.
const WITHIN: &str = "24h";
/// A run holds its period's lease while it waits.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// What all ways to send have in common, as written.
struct Written<'s> {
    /// The key of the job file.
    at: &'static str,
    provider: Option<&'s str>,
    source: &'s SourceSpec,
    record: RecordType,
    preset: Option<RecordPreset>,
    columns: &'s BTreeMap<String, RecordColumnSpec>,
    event_key: &'s [String],
    sign: Option<AmountSign>,
    quarantine: Option<u64>,
    approval: Option<SendApproval>,
    concurrency: u32,
    /// Where the job does not say.
    usual_rate: Option<Rate>,
    rate: Option<&'s str>,
}

pub(super) fn upload(spec: &UploadSpec, context: Context<'_>, checker: &mut Checker<'_>) -> Option<Sending> {
    let max_bytes = max_bytes(spec.split.as_ref(), checker);
    let upload = Upload {
        file_type: spec.file_type,
        // Where it is wrong, the rest is looked at all the same.
        max_bytes: max_bytes.unwrap_or(Upload::MOST_BYTES),
        max_rows: spec.split.as_ref().and_then(|split| split.max_rows),
    };
    let written = Written {
        at: "upload",
        provider: spec.provider.as_deref(),
        source: &spec.source,
        // "Only `coreTransaction` type is supported for bulk file uploads", of either kind of file.
        record: RecordType::CoreTransaction,
        preset: spec.preset,
        columns: &spec.columns,
        event_key: &spec.event_key,
        sign: spec.sign,
        quarantine: spec.quarantine,
        approval: spec.approval,
        concurrency: spec.concurrency.unwrap_or(2),
        usual_rate: None,
        rate: spec.rate.as_deref(),
    };
    let sending = written.sending(Way::Upload(upload), context, checker);
    let confirm = match &spec.confirm {
        Some(written) => confirm(written, context, checker).map(Some),
        None => Some(None),
    };
    max_bytes?;
    Some(Sending { confirm: confirm?, ..sending? })
}

pub(super) fn incoming(spec: &IncomingSpec, context: Context<'_>, checker: &mut Checker<'_>) -> Option<Sending> {
    let record = match spec.record {
        IncomingRecord::Transaction => RecordType::Transaction,
        IncomingRecord::MatchedTransaction => RecordType::MatchedTransaction,
        IncomingRecord::CoreTransaction => RecordType::CoreTransaction,
    };
    let written = Written {
        at: "incoming",
        provider: spec.provider.as_deref(),
        source: &spec.source,
        record,
        preset: spec.preset,
        columns: &spec.columns,
        event_key: &spec.event_key,
        sign: spec.sign,
        quarantine: spec.quarantine,
        approval: spec.approval,
        concurrency: spec.concurrency.unwrap_or(1),
        usual_rate: Some(RATE),
        rate: spec.rate.as_deref(),
    };
    written.sending(Way::Incoming, context, checker)
}

pub(super) fn historical(spec: &HistoricalSpec, context: Context<'_>, checker: &mut Checker<'_>) -> Option<Sending> {
    let written = Written {
        at: "historical",
        provider: spec.provider.as_deref(),
        source: &spec.source,
        record: RecordType::HistoricalTransaction,
        preset: spec.preset,
        columns: &spec.columns,
        event_key: &spec.event_key,
        sign: spec.sign,
        quarantine: spec.quarantine,
        approval: spec.approval,
        concurrency: spec.concurrency.unwrap_or(1),
        usual_rate: Some(RATE),
        rate: spec.rate.as_deref(),
    };
    written.sending(Way::Historical, context, checker)
}

impl Written<'_> {
    fn sending(&self, way: Way, context: Context<'_>, checker: &mut Checker<'_>) -> Option<Sending> {
        let provider = effects::provider(self.at, self.provider, effects::Who::Kard, context, checker);
        let source = self.source(checker);
        let mapping = self.mapping(checker);
        let rate = match self.rate {
            Some(text) => checker.keep(&format!("{}/rate", self.at), effects::rate(text)).map(Some),
            None => Some(self.usual_rate),
        };
        Some(Sending {
            way,
            provider: provider?,
            source: source?,
            mapping: mapping?,
            approval: self.approval.unwrap_or_default(),
            concurrency: self.concurrency,
            rate: rate?,
            confirm: None,
        })
    }

    fn source(&self, checker: &mut Checker<'_>) -> Option<Input> {
        let (spec, at) = (self.source, format!("{}/source", self.at));
        let pattern = input::path_pattern(&format!("{at}/path"), &spec.path, checker);
        let format = match (&spec.format, self.preset) {
            (Some(written), _) => {
                input::format_of(&at, written, checker).filter(|format| sendable(&at, format, checker))
            }
            // Marqeta's events are JSON, and a log of them has one a line.
            (None, Some(RecordPreset::Marqeta)) => Some(Format::Jsonl),
            (None, None) => Some(input::DEFAULT_FORMAT),
        };
        let limits = input::limits(&at, format.as_ref(), spec.limits.as_ref(), checker);
        pattern?;
        Some(Input {
            side: Side::Ledger,
            source: Source::Path { pattern: spec.path.clone() },
            format: format?,
            mapping: Mapping {
                fields: BTreeMap::new(),
                sign: Sign::default(),
                statuses: BTreeMap::new(),
                only: BTreeMap::new(),
                revisions: None,
            },
            key: Field::TransactionId,
            quarantine_limit: self.quarantine.unwrap_or(0),
            allow_empty: spec.allow_empty.unwrap_or(false),
            on_missing: spec.on_missing.unwrap_or_default(),
            due: None,
            wait_until: None,
            verify: None,
            rejected: None,
            known_columns: spec.known_columns.clone(),
            limits: limits?,
        })
    }

    fn mapping(&self, checker: &mut Checker<'_>) -> Option<records::Mapping> {
        let mut columns = match self.preset {
            Some(RecordPreset::Marqeta) => records::marqeta(self.record),
            None => BTreeMap::new(),
        };
        let mut wrong = BTreeSet::new();
        for (field, written) in self.columns {
            let path = format!("{}/columns/{field}", self.at);
            match field_column(&path, written, checker) {
                Some(column) => {
                    columns.insert(field.clone(), column);
                }
                None => {
                    wrong.insert(field.as_str());
                }
            }
        }
        let mapping = records::Mapping {
            record: self.record,
            columns,
            sign: self.sign.unwrap_or_default(),
            event_key: self.event_key.to_vec(),
        };
        let findings = records::check(&mapping);
        let complete = wrong.is_empty() && findings.is_empty();
        for (field, what) in findings {
            // What is told already is not told as missing too, nor is what may follow from it.
            if !(wrong.contains(field.as_str()) || field.is_empty() && !wrong.is_empty()) {
                self.tell(&mapping, &field, &what, checker);
            }
        }
        complete.then_some(mapping)
    }

    /// A finding of the mapping, at the line that it is about.
    fn tell(&self, mapping: &records::Mapping, field: &str, what: &str, checker: &mut Checker<'_>) {
        let at = if field.is_empty() && !self.event_key.is_empty() && what.contains("`event_key`") {
            format!("{}/event_key", self.at)
        } else if self.columns.is_empty() {
            self.at.to_owned()
        } else {
            format!("{}/columns/{field}", self.at)
        };
        let (what, help) = what.split_once("; ").map_or((what, None), |(what, help)| (what, Some(help)));
        let message = match field {
            "" => what.to_owned(),
            field if what.starts_with('`') || what.starts_with("the ") => format!("`{field}`: {what}"),
            field => format!("`{field}` {what}"),
        };
        let missing = !field.is_empty() && !mapping.columns.contains_key(field);
        match help {
            Some(help) if missing => checker.absent(&at, message, help),
            None if missing => checker.absent(&at, message, "expected a column or a constant"),
            Some(help) => checker.problem_with_help(&at, message, help),
            None => checker.problem(&at, message),
        }
    }
}

/// Whether rows of this format can be sent.
fn sendable(at: &str, format: &Format, checker: &mut Checker<'_>) -> bool {
    match format {
        Format::WebhookLog => {
            let message = "a webhook log holds the provider's own notifications";
            checker.problem_with_help(&format!("{at}/format"), message, "expected `csv`, `json`, `jsonl` or `parquet`");
            false
        }
        Format::Json { control: Some(_), .. } => {
            let message = "`control` is held against its rows by a job that compares, and this one sends";
            checker.problem_with_help(&format!("{at}/format/json/control"), message, "take it out here");
            false
        }
        Format::Csv { .. } | Format::Json { .. } | Format::Jsonl | Format::Parquet => true,
    }
}

/// What a field is, `records::check` knows; here only what is wrong in itself.
fn field_column(path: &str, written: &RecordColumnSpec, checker: &mut Checker<'_>) -> Option<FieldColumn> {
    let long = match written {
        RecordColumnSpec::Short(names) => {
            return Some(FieldColumn {
                from: column::names_of(path, names, checker)?,
                unit: super::super::Unit::default(),
                time: TimeFormat::Iso { zone: None },
                words: BTreeMap::new(),
                fips: false,
            });
        }
        RecordColumnSpec::Long(long) => long,
    };
    let from = column_source(path, long, checker);
    let time = column::time(path, long.format.as_deref(), long.timezone.as_deref(), checker);
    Some(FieldColumn {
        from: from?,
        unit: long.unit.unwrap_or_default(),
        time: time?,
        words: long.words.clone(),
        fips: long.fips.unwrap_or(false),
    })
}

fn column_source(path: &str, long: &RecordColumnLong, checker: &mut Checker<'_>) -> Option<ColumnSource> {
    let constant = |text: &String, _: &mut Checker<'_>| Some(ColumnSource::Constant(text.clone()));
    column::source(path, (long.column.as_deref(), long.constant.as_ref()), constant, checker)
}

fn max_bytes(split: Option<&SplitSpec>, checker: &mut Checker<'_>) -> Option<u64> {
    let Some(text) = split.and_then(|split| split.max_bytes.as_ref()) else { return Some(Upload::MOST_BYTES) };
    let path = "upload/split/max_bytes";
    let bytes = checker.keep(path, quantity::bytes(text))?;
    if bytes == 0 || bytes > Upload::MOST_BYTES {
        let message = format!("`{text}` is no size of a file; expected at most 5GB, which is what the provider takes");
        checker.problem(path, message);
        return None;
    }
    Some(bytes)
}

fn confirm(spec: &ConfirmSpec, context: Context<'_>, checker: &mut Checker<'_>) -> Option<Confirm> {
    let at = "upload/confirm";
    let pattern = input::path_pattern(&format!("{at}/path"), &spec.path, checker);
    if let Some(name) = &spec.verify {
        input::webhook_key(&format!("{at}/verify"), name, context, checker);
    }
    let within = super::delta(&format!("{at}/within"), spec.within.as_deref().unwrap_or(WITHIN), checker);
    let wait = wait(&format!("{at}/wait"), spec.wait.as_deref(), checker);
    let preset = preset::kard_notifications();
    let limits = input::limits(at, Some(&preset.format), spec.limits.as_ref(), checker);
    pattern?;
    let log = Input {
        side: Side::Webhooks,
        source: Source::Path { pattern: spec.path.clone() },
        format: preset.format.clone(),
        mapping: Mapping {
            fields: preset.fields.clone(),
            sign: Sign::default(),
            statuses: preset.statuses.clone(),
            only: BTreeMap::new(),
            revisions: None,
        },
        key: Field::TransactionId,
        quarantine_limit: spec.quarantine.unwrap_or(0),
        allow_empty: true,
        // Without a log there is no result yet, and `within` says when that is too late.
        on_missing: OnMissing::Break,
        due: None,
        wait_until: None,
        verify: spec.verify.clone(),
        rejected: None,
        known_columns: preset.known_columns.clone(),
        limits: limits?,
    };
    Some(Confirm { log, within: within?, wait: wait? })
}

fn wait(path: &str, written: Option<&str>, checker: &mut Checker<'_>) -> Option<Duration> {
    let Some(text) = written else { return Some(Duration::ZERO) };
    let wait = checker.duration(path, text)?;
    if wait > LONGEST_WAIT {
        checker.problem(path, format!("`{text}` is too long for a run to wait; expected at most 1h"));
        return None;
    }
    Some(wait)
}
