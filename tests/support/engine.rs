//! Comparisons held against a cluster. With `TIEOUT_TEST_ENGINE=sc://…` every comparison that a test makes is made once
//! more: its rows are written as files, these are compared here and sifted there, and both must be the same. What is told
//! is appended to the file that `TIEOUT_TEST_ENGINE_LOG` names, a line a comparison.

use tieout::breaks::compare::{CompareError, Comparison};
use tieout::frames::Frame;
use tieout::matching::Rules;

/// [`tieout::breaks::compare::compare`], here and, where one is named, on the cluster.
pub fn compare(rules: &Rules, frames: &[Frame]) -> Result<Comparison, CompareError> {
    #[cfg(feature = "spark")]
    held::rows(rules, frames);
    tieout::breaks::compare::compare(rules, frames)
}

/// How many cases a property has: so many, or as `PROPTEST_CASES` says, which fewer suffice for where each one is compared
/// on a cluster, too.
pub fn case_count(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[cfg(feature = "spark")]
pub use held::{address, both, twice};

#[cfg(feature = "spark")]
mod held {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write as _;
    use std::io::Write as _;
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use chrono::DateTime;
    use tieout::breaks::carry::Others;
    use tieout::breaks::compare::{Keeps, compare_among, compare_sifted};
    use tieout::engine::spark::Session;
    use tieout::engine::{At, Plan, Sieve, SieveError};
    use tieout::frames::rows::PackedRow;
    use tieout::frames::{Field, FieldType, Frame, Side, Spread, load, load_sifted};
    use tieout::job::{
        Column, ColumnSource, Format, Input, Mapping, OnMissing, ReadLimits, Sign, Source, TimeFormat, Unit,
    };
    use tieout::matching::side::Columns;
    use tieout::matching::{Rules, match_frames};
    use tieout::sources::RawFile;

    use crate::reading_support::Shelf;
    use crate::support::frames::rules;

    /// Longer than all tests together may take.
    const LIMIT: Duration = Duration::from_hours(6);

    /// One for all tests: its views are made anew for each comparison.
    static SESSION: Mutex<Option<Session>> = Mutex::new(None);

    pub fn address() -> Option<String> {
        std::env::var("TIEOUT_TEST_ENGINE").ok().filter(|address| !address.is_empty())
    }

    fn log(line: &str) {
        let Ok(path) = std::env::var("TIEOUT_TEST_ENGINE_LOG") else { return };
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        writeln!(file.expect("the log of comparisons"), "{line}").expect("the log of comparisons");
    }

    /// An input of canonical text in CSV.
    fn input(frame: &Frame) -> Input {
        let column = |field: &Field| Column {
            from: ColumnSource::Columns(vec![field.name().to_owned()]),
            unit: Unit::Minor,
            time: TimeFormat::Iso { zone: None },
        };
        Input {
            side: frame.side,
            source: Source::Path { pattern: "unused".to_owned() },
            format: Format::Csv { delimiter: b',', quote: b'"', header: true },
            mapping: Mapping {
                fields: frame.mapped.iter().map(|field| (*field, column(field))).collect(),
                sign: Sign::Signed,
                statuses: BTreeMap::new(),
                only: BTreeMap::new(),
                revisions: None,
            },
            key: Field::TransactionId,
            quarantine_limit: u64::MAX,
            allow_empty: true,
            on_missing: OnMissing::Break,
            due: None,
            wait_until: None,
            verify: None,
            rejected: None,
            known_columns: None,
            limits: ReadLimits::default(),
        }
    }

    /// The rows of a frame as CSV, a file each; none where they cannot be written so.
    fn written(frame: &Frame) -> Option<Vec<String>> {
        let columns = Columns::of(frame);
        let excluded = columns.counted().count() < columns.height;
        if excluded || !frame.quarantine.is_empty() || !frame.repeats.is_empty() {
            return None;
        }
        let header: Vec<&str> = frame.mapped.iter().map(|field| field.name()).collect();
        let mut files = vec![header.join(",") + "\n"; frame.files.len().max(1)];
        for (_, row) in columns.numbered() {
            let mut line = String::new();
            for (place, field) in frame.mapped.iter().enumerate() {
                let cell = cell(row, *field)?;
                let _ = write!(line, "{}{cell}", if place > 0 { "," } else { "" });
            }
            files[row.place().0 as usize] += &(line + "\n");
        }
        Some(files)
    }

    fn cell(row: PackedRow<'_>, field: Field) -> Option<String> {
        Some(match field.kind() {
            FieldType::Text | FieldType::Date => {
                let text = row.text(field);
                let plain = |text: &str| {
                    !text.is_empty() && text.trim() == text && !text.contains([',', '\n', '\r', '"', '\0'])
                };
                if text.is_some_and(|text| !plain(text)) {
                    return None;
                }
                text.unwrap_or_default().to_owned()
            }
            FieldType::Minor => row.number(field).map_or_else(String::new, |minor| minor.to_string()),
            FieldType::Micros => row.number(field).map_or_else(String::new, |micros| {
                let time = DateTime::from_timestamp_micros(micros).expect("an instant");
                time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
            }),
        })
    }

    /// Rows by hand, as files.
    pub(super) fn rows(rules: &Rules, frames: &[Frame]) {
        if address().is_none() {
            return;
        }
        let Some(texts) = frames.iter().map(written).collect::<Option<Vec<_>>>() else {
            log("not written: rows that no plain file holds");
            return;
        };
        let shelf = Shelf::new();
        let mut inputs = Vec::new();
        for (frame, texts) in frames.iter().zip(texts) {
            let files = texts.iter().enumerate();
            let files: Vec<RawFile> = files
                .map(|(place, text)| shelf.file(&format!("{}-{place}.csv", frame.side), text.as_bytes()))
                .collect();
            inputs.push((Input { key: rules.matching.key, ..input(frame) }, files));
        }
        both(rules, &inputs);
    }

    /// Compares these files here, and sifted by the cluster: the same must come of it.
    pub fn both(rules: &Rules, inputs: &[(Input, Vec<RawFile>)]) {
        let Some(address) = address() else { return };
        let all: Vec<Vec<bool>> = inputs.iter().map(|(_, files)| distinct(files)).collect();
        let sides: Vec<_> =
            inputs.iter().zip(&all).map(|((input, files), all)| (input, files.as_slice(), all.as_slice())).collect();
        let watched: BTreeSet<String> = rules.watched.iter().cloned().collect();
        let plan = match Plan::of(&rules.matching, &rules.period, watched, &sides, &At::Disk) {
            Ok(plan) => plan,
            Err(unfit) => return log(&format!("not sifted: {unfit}")),
        };
        let asked = {
            let mut session = SESSION.lock().unwrap_or_else(PoisonError::into_inner);
            let open = || Session::open(&address, LIMIT).expect("the cluster of TIEOUT_TEST_ENGINE");
            let session = session.get_or_insert_with(open);
            Sieve::of(&plan, |statement| session.ask(statement))
        };
        let sieve = match asked {
            Ok(sieve) => sieve,
            Err(SieveError::Unfit(unfit)) => return log(&format!("not sifted: {unfit}")),
            // Sail reads no such file; a run goes on without it, and so would this one.
            Err(SieveError::Cluster(why)) if why.contains("invalid UTF-8") => {
                return log("refused by the cluster: a file that is not UTF-8");
            }
            Err(error) => panic!("{error}"),
        };
        let load_here =
            || inputs.iter().map(|(input, files)| load(input, files.clone(), &[])).collect::<Result<Vec<_>, _>>();
        let Ok(frames) = load_here() else { return log("not sifted: the files cannot be read") };
        let sifted = inputs.iter().map(|(input, files)| {
            load_sifted(input, files.clone(), Vec::new(), sieve.files(input.side, files.len()), Spread::held(0))
        });
        let sifted: Vec<Frame> = sifted.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}"));
        if !plan.serves(rules, &sifted) {
            return log("not sifted: the rules look at more");
        }
        same(rules, &frames, &sifted, &sieve);
    }

    /// Holds an input against itself: what is read of it there must be what is read of it here.
    pub fn twice(input: &Input, files: &[RawFile]) {
        if address().is_none() || !matches!(input.format, Format::Csv { .. } | Format::Jsonl) || input.verify.is_some()
        {
            return;
        }
        let mut rules = rules();
        rules.sides = vec![Side::File, Side::Ledger];
        rules.matching.key = input.key;
        let of = |side| Input { side, quarantine_limit: u64::MAX, ..input.clone() };
        let inputs = rules.sides.iter().map(|side| (of(*side), files.to_vec())).collect::<Vec<_>>();
        both(&rules, &inputs);
    }

    fn distinct(files: &[RawFile]) -> Vec<bool> {
        let mut seen = BTreeSet::new();
        files.iter().map(|file| seen.insert(&file.sha256)).collect()
    }

    fn same(rules: &Rules, frames: &[Frame], sifted: &[Frame], sieve: &Sieve) {
        for (here, there) in frames.iter().zip(sifted) {
            assert_eq!(here.quarantine, there.quarantine);
            assert_eq!(here.rows_read, there.rows_read);
            assert_eq!(here.warnings, there.warnings);
        }
        if let (Ok(here), Ok(mut there)) = (match_frames(rules, frames), match_frames(rules, sifted)) {
            there.tally.merge(sieve.tally.clone());
            assert_eq!(here.tally, there.tally);
            assert_eq!(here.suspects, there.suspects);
            assert_eq!(here.strays, there.strays);
        }
        let others = Others::default();
        match (
            compare_among(rules, frames, &others),
            compare_sifted(rules, sifted, Some(&sieve.tally), (&others, Keeps::Keys)),
        ) {
            (Ok(here), Ok(there)) => {
                assert_eq!(here.breaks(), there.breaks());
                assert_eq!(format!("{:?}", here.statement), format!("{:?}", there.statement));
                let (sure, left) = sieve.counts();
                log(&format!("same: {sure} rows sure, {left} left, {} breaks", here.breaks().len()));
            }
            (Err(here), Err(there)) => {
                assert_eq!(here.to_string(), there.to_string());
                log("same: refused by both");
            }
            (here, there) => panic!("here {:?}, there {:?}", here.map(|_| ()), there.map(|_| ())),
        }
    }
}
