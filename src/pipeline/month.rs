//! The end of a month: the files of the earlier months and of the month's days, and what closing the month finds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::exit::{ExitCode, Failure};
use crate::frames::{Field, Frame, Side, Spread, Warning, WarningKind};
use crate::job::{self, Grain, Input, MonthEnd, Source, Splits};
use crate::matching::Carried;
use crate::month::facts::Owed;
use crate::month::{self, Closing, DayFile, Inputs, MonthError, MonthFile};
use crate::period::Period;
use crate::sources::store::RawStore;
use crate::sources::{RawFile, provider};

use super::earlier::Earlier;
use super::history::{PeriodFiles, before};
use super::provider::told;
use super::pull::{self, PulledInput};
use super::repeats::Originals;
use super::seals::SealedMonth;
use super::{Request, aside};

/// How the job closes months; none for a job that only compares.
pub(super) fn month_end(request: &Request) -> Option<&MonthEnd> {
    request.job.reconciliation()?.month_end.as_ref()
}

/// The labels of the days of a month, in order.
pub(crate) fn days(month: &Period) -> Vec<String> {
    let end = month.next().first_day;
    let labels = month.first_day.iter_days().take_while(|day| *day < end).map(|day| day.to_string());
    // A zone may have skipped a day.
    labels.filter(|label| Period::parse(label, Grain::Day, month.zone).is_ok()).collect()
}

/// Takes what the close reads of one side besides its own files: of the months before, what they have locally, else
/// what their own last finished run read, else what the provider lists; of each day, what the daily job's last
/// finished run read. A month or a day that has nothing is taken without files. Offline, what an earlier attempt took.
///
/// # Errors
/// When a file cannot be had although it is named, or was not stored before.
pub(super) async fn pull(
    request: &Request,
    input: &Input,
    store: &RawStore,
    earlier: &Earlier,
    pulled: &mut PulledInput,
) -> Result<(), Failure> {
    let Some(month_end) = month_end(request).filter(|_| input.side != Side::Ledger) else { return Ok(()) };
    let mut months = Months { request, input, store, earlier, client: None };
    pulled.months.extend(sealed_long_ago(request, month_end, input.side, earlier.seals.month_before.as_ref()));
    for month in before(&request.period, month_end.earlier) {
        let files = if request.offline {
            stored(request, &month.label, earlier.month(input.side, &month.label)).await?
        } else {
            months.files(&month, &mut pulled.warnings).await?
        };
        pulled.months.push(PeriodFiles { period: month.label, files });
    }
    if input.side == Side::File && month_end.dailies.is_some() {
        for day in days(&request.period) {
            let files = if request.offline {
                stored(request, &day, earlier.day(&day)).await?
            } else {
                let files = earlier.of_day(&day).to_vec();
                pull::whole(request, &files).await?;
                files
            };
            pulled.days.push(PeriodFiles { period: day, files });
        }
    }
    Ok(())
}

/// Months that the sealed month before has looked back to and that are too long ago by now: what they left owed stays
/// owed, as that month was signed off with it.
fn sealed_long_ago(
    request: &Request,
    month_end: &MonthEnd,
    side: Side,
    sealed: Option<&SealedMonth>,
) -> Vec<PeriodFiles> {
    let first = before(&request.period, month_end.earlier).into_iter().next();
    let is_before = |label: &str| first.as_ref().is_some_and(|first| label < first.label.as_str());
    let of_side = sealed.iter().flat_map(|sealed| &sealed.pulled).filter(|input| input.side == side);
    of_side.flat_map(|input| &input.months).filter(|month| is_before(&month.period)).cloned().collect()
}

/// What an earlier attempt took of a period, as long as its bytes are still whole.
async fn stored(request: &Request, label: &str, found: Option<&[RawFile]>) -> Result<Vec<RawFile>, Failure> {
    let Some(files) = found else {
        let message = format!("no earlier attempt looked for the files of {label}; run without --offline first");
        return Err(Failure::new(ExitCode::TryAgainLater, anyhow::anyhow!(message)));
    };
    pull::whole(request, files).await?;
    Ok(files.to_vec())
}

/// Where the files of earlier months come from.
struct Months<'m> {
    request: &'m Request,
    input: &'m Input,
    store: &'m RawStore,
    earlier: &'m Earlier,
    /// Made when the provider is asked for the first time.
    client: Option<crate::providers::kard::Client>,
}

impl Months<'_> {
    /// What is there, or else what the month's own run has read.
    async fn or_as_read(&self, found: Vec<RawFile>, read: &[RawFile]) -> Result<Vec<RawFile>, Failure> {
        if found.is_empty() {
            pull::whole(self.request, read).await?;
            return Ok(read.to_vec());
        }
        Ok(found)
    }

    async fn files(&mut self, month: &Period, warnings: &mut Vec<Warning>) -> Result<Vec<RawFile>, Failure> {
        let side = self.input.side;
        let read = self.earlier.of_month(side, &month.label);
        match &self.input.source {
            Source::Dataset { .. } => Ok(Vec::new()),
            Source::Path { pattern } if !pattern.contains("{period}") => Ok(Vec::new()),
            Source::S3(objects) if !objects.is_of_period() => Ok(Vec::new()),
            Source::Path { pattern } => {
                let found = pull::local(self.request, pattern, month, self.store).await?;
                self.or_as_read(found, read).await
            }
            Source::S3(objects) => {
                let known = self.earlier.month(side, &month.label).unwrap_or_default();
                let found = pull::objects(self.request, (side, objects), month, (self.store, known)).await?;
                warnings.extend(found.1);
                self.or_as_read(found.0, read).await
            }
            Source::Query { database, file } => {
                pull::asked(self.request, self.input, database, file, month, self.store).await
            }
            Source::Provider { provider: name, file_type, name: template } => {
                if !read.is_empty() && pull::whole(self.request, read).await.is_ok() {
                    return Ok(read.to_vec());
                }
                let client = match self.client.take() {
                    Some(client) => client,
                    None => pull::client(self.request, side, name)?,
                };
                let known = self.earlier.month(side, &month.label).unwrap_or_default();
                let answer = provider::pull(&client, name, *file_type, template, month, self.store, known).await;
                self.client = Some(client);
                let answer = answer.map_err(|error| told(name, error))?;
                warnings.extend(answer.warnings.into_iter().map(|warning| Warning { side: Some(side), ..warning }));
                Ok(answer.files)
            }
        }
    }
}

/// What the close reads besides the month's own frames.
#[derive(Debug, Default)]
pub(super) struct MonthFrames {
    months: Vec<EarlierMonth>,
    /// Label and what the daily job read.
    days: Vec<(String, Option<Frame>)>,
    /// How the daily job reads several rows of one transaction.
    splits: Splits,
    /// The month before as it was sealed; none where it is open.
    sealed: Option<SealedFrames>,
}

/// What the sealed run of the month before read.
#[derive(Debug)]
struct SealedFrames {
    run: String,
    closing: BTreeMap<String, (u64, Owed)>,
    months: Vec<SealedFrame>,
}

/// One month as the sealed run read it.
#[derive(Debug)]
struct SealedFrame {
    period: Period,
    /// `2025-02 as sealed`
    label: String,
    file: AsSealed,
    webhooks: AsSealed,
}

#[derive(Debug)]
enum AsSealed {
    /// The same bytes are read now, or nothing was and is there.
    AsNow,
    /// Nothing was there then.
    Nothing,
    Own(Box<Frame>),
}

impl AsSealed {
    fn own(&self) -> Option<&Frame> {
        match self {
            Self::Own(frame) => Some(frame),
            Self::AsNow | Self::Nothing => None,
        }
    }

    fn or<'f>(&'f self, now: Option<&'f Frame>) -> Option<&'f Frame> {
        match self {
            Self::AsNow => now,
            Self::Nothing => None,
            Self::Own(frame) => Some(frame),
        }
    }
}

#[derive(Debug)]
struct EarlierMonth {
    period: Period,
    file: Option<Frame>,
    webhooks: Option<Frame>,
}

impl MonthFrames {
    /// Every frame, with what its files are of.
    pub(super) fn frames(&self) -> impl Iterator<Item = (&Frame, &str)> {
        let months = self.months.iter().flat_map(|month| {
            [&month.file, &month.webhooks].into_iter().flatten().map(|frame| (frame, month.period.label.as_str()))
        });
        let sealed = self.sealed.iter().flat_map(|sealed| &sealed.months).flat_map(|month| {
            let own = [month.file.own(), month.webhooks.own()];
            own.into_iter().flatten().map(|frame| (frame, month.label.as_str()))
        });
        months.chain(sealed).chain(self.days.iter().filter_map(|(day, frame)| Some((frame.as_ref()?, day.as_str()))))
    }

    /// What the month's file has to do with those before it.
    pub(super) fn carried(&self, key: Field, frames: &[Frame]) -> Carried {
        Carried::of(key, frames, self.months.iter().filter_map(|month| month.file.as_ref()))
    }

    /// Rows that the close does not know, since they cannot be read.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let unread = self.frames().filter(|(frame, _)| !frame.quarantine.is_empty());
        let told = unread.map(|(frame, label)| {
            let (rows, side) = (frame.quarantine.len(), frame.side);
            let words = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
            let message =
                format!("{words} of the {side} input of {label} cannot be read: the close of the month misses them");
            Warning { side: Some(side), kind: WarningKind::Unread, file: None, message }
        });
        told.collect()
    }
}

/// Reads the earlier months as their side itself is read, and the days as the daily job reads them; none where the
/// job closes no month. Where the month before is sealed, what its run read and nobody reads now is read besides.
///
/// # Errors
/// When a file cannot be used (exit code 65), or the daily job is wrong by now (78).
pub(super) async fn load(
    request: &Request,
    pulled: &[PulledInput],
    sealed: Option<&SealedMonth>,
) -> Result<Option<MonthFrames>, Failure> {
    let Some(month_end) = month_end(request) else { return Ok(None) };
    let mut frames = MonthFrames::default();
    let originals = |side: Side| {
        let of_side = pulled.iter().filter(move |input| input.side == side);
        Originals::default().with(side, of_side.flat_map(|input| &input.months))
    };
    for period in months_of(request, pulled) {
        let [mut file, mut webhooks] = [None, None];
        for (side, frame) in [(Side::File, &mut file), (Side::Webhooks, &mut webhooks)] {
            if let (Some(files), Some(input)) = (taken(pulled, side, &period.label), request.job.input(side)) {
                *frame = read(request, input, files, &originals(side)).await?;
            }
        }
        frames.months.push(EarlierMonth { period, file, webhooks });
    }
    if let Some(sealed) = sealed {
        frames.sealed = Some(load_sealed(request, pulled, sealed).await?);
    }
    if let (Some(name), Some(file)) = (&month_end.dailies, pulled.iter().find(|input| input.side == Side::File)) {
        let (input, splits) = daily_input(request, name)?;
        frames.splits = splits;
        let originals = Originals::default().with(Side::File, &file.days);
        for day in &file.days {
            frames.days.push((day.period.clone(), read(request, &input, day, &originals).await?));
        }
    }
    Ok(Some(frames))
}

/// The months before of which files were looked for, the earliest first.
fn months_of(request: &Request, pulled: &[PulledInput]) -> Vec<Period> {
    let labels: BTreeSet<&str> = pulled.iter().flat_map(|input| &input.months).map(|one| one.period.as_str()).collect();
    let period = |label: &str| Period::parse(label, request.period.grain, request.period.zone).ok();
    labels.into_iter().filter_map(period).collect()
}

/// What was taken of a month for a side; none where nobody looked for it.
fn taken<'p>(pulled: &'p [PulledInput], side: Side, month: &str) -> Option<&'p PeriodFiles> {
    pulled.iter().find(|input| input.side == side)?.months.iter().find(|files| files.period == month)
}

/// The months of a sealed run, its own among them.
async fn load_sealed(request: &Request, pulled: &[PulledInput], sealed: &SealedMonth) -> Result<SealedFrames, Failure> {
    let labels = sealed.pulled.iter().flat_map(|input| &input.months).map(|month| month.period.as_str());
    let labels: BTreeSet<&str> = labels.chain([sealed.period.label.as_str()]).collect();
    let mut months = Vec::new();
    for label in labels {
        let Ok(period) = Period::parse(label, request.period.grain, request.period.zone) else { continue };
        let [mut file, mut webhooks] = [AsSealed::Nothing, AsSealed::Nothing];
        for (side, frame) in [(Side::File, &mut file), (Side::Webhooks, &mut webhooks)] {
            let now = taken(pulled, side, label).map_or(&[][..], |now| &now.files);
            let then = PeriodFiles { period: label.to_owned(), files: sealed.files(side, label).to_vec() };
            if is_same(&then.files, now) {
                *frame = AsSealed::AsNow;
            } else if let Some(input) = request.job.input(side) {
                pull::whole(request, &then.files).await?;
                let of_side = sealed.pulled.iter().filter(|input| input.side == side);
                let originals = Originals::default().with(side, of_side.flat_map(|input| &input.months));
                let read = read(request, input, &then, &originals).await?;
                *frame = read.map_or(AsSealed::Nothing, |frame| AsSealed::Own(Box::new(frame)));
            }
        }
        months.push(SealedFrame { period, label: format!("{label} as sealed"), file, webhooks });
    }
    Ok(SealedFrames { run: sealed.run.clone(), closing: sealed.closing.clone(), months })
}

/// Whether two lists of files have the same names and bytes.
fn is_same(left: &[RawFile], right: &[RawFile]) -> bool {
    let named = |file: &RawFile| (file.name.clone(), file.sha256.clone());
    left.iter().map(named).eq(right.iter().map(named))
}

/// Reads what a period has; none where it has no file.
async fn read(
    request: &Request,
    input: &Input,
    of: &PeriodFiles,
    originals: &Originals,
) -> Result<Option<Frame>, Failure> {
    if of.files.is_empty() {
        return Ok(None);
    }
    let repeats = originals.repeats(&of.period, input.side, &of.files);
    let (input, files, key) = (input.clone(), of.files.clone(), pull::verify_key(request, input)?);
    let spread = Spread::of_files(&input.format, &files);
    let frame = aside(move || crate::frames::load_among(&input, files, repeats, key.as_ref(), spread)).await?;
    frame.map(Some).map_err(|error| Failure::new(ExitCode::InputData, error))
}

/// How the daily job reads the provider's file.
fn daily_input(request: &Request, name: &str) -> Result<(Input, Splits), Failure> {
    let daily = job::load(&request.project, name)?;
    let splits = daily.reconciliation().map_or_else(Splits::default, |compared| compared.matching.splits);
    daily.input(Side::File).cloned().map(|input| (input, splits)).ok_or_else(|| {
        let message = format!("month_end.dailies: the job `{name}` has no input `file` to hold against the month's");
        Failure::new(ExitCode::Configuration, anyhow::anyhow!(message))
    })
}

/// Closes the month; the frames come back.
///
/// # Errors
/// As [`month::close`]: 65 for data that cannot be counted, 70 for a bug.
pub(super) async fn close(
    request: &Request,
    frames: Vec<Frame>,
    earlier: Option<MonthFrames>,
) -> Result<(Vec<Frame>, MonthFrames, Option<Closing>), Failure> {
    let (Some(spec), Some(earlier)) = (month_end(request).cloned(), earlier) else {
        return Ok((frames, MonthFrames::default(), None));
    };
    let (job, period) = (request.job.name.clone(), request.period.clone());
    let grace = request.job.reconciliation().map_or_else(TimeDelta::zero, |compared| compared.grace);
    let work = aside(move || {
        let own = |side: Side| frames.iter().find(|frame| frame.side == side && frame.is_there());
        let mut months: Vec<MonthFile<'_>> = earlier.months.iter().map(EarlierMonth::as_file).collect();
        months.push(MonthFile { period: &period, frame: own(Side::File), webhooks: own(Side::Webhooks) });
        let days = earlier.days.iter().map(|(day, frame)| DayFile { day, frame: frame.as_ref() }).collect();
        let sealed = earlier.sealed.as_ref().map(|sealed| sealed.as_books(&earlier.months));
        let day_splits = earlier.splits;
        let inputs = Inputs { job: &job, period: &period, spec: &spec, months, days, day_splits, grace, sealed };
        let closing = month::close(&inputs);
        closing.map(|closing| (frames, earlier, Some(closing)))
    });
    work.await?.map_err(|error| Failure::new(exit_code(&error), error))
}

impl SealedFrames {
    /// `now` are the months as they are read now.
    fn as_books<'f>(&'f self, now: &'f [EarlierMonth]) -> month::Sealed<'f> {
        let one = |month: &'f SealedFrame| {
            let now = now.iter().find(|other| other.period == month.period);
            MonthFile {
                period: &month.period,
                frame: own(month.file.or(now.and_then(|now| now.file.as_ref()))),
                webhooks: own(month.webhooks.or(now.and_then(|now| now.webhooks.as_ref()))),
            }
        };
        month::Sealed { run: &self.run, months: self.months.iter().map(one).collect(), closing: self.closing.clone() }
    }
}

impl EarlierMonth {
    /// A file that repeats an earlier month's is as good as none.
    fn as_file(&self) -> MonthFile<'_> {
        MonthFile { period: &self.period, frame: own(self.file.as_ref()), webhooks: own(self.webhooks.as_ref()) }
    }
}

/// What a month has of its own.
fn own(frame: Option<&Frame>) -> Option<&Frame> {
    frame.filter(|frame| frame.is_there())
}

const fn exit_code(error: &MonthError) -> ExitCode {
    match error {
        MonthError::Untied { .. } => ExitCode::InvariantFailed,
        MonthError::NotAsSealed { .. } | MonthError::Overflow { .. } | MonthError::TooManyRows => ExitCode::InputData,
    }
}
