//! The end of a month: the files of the earlier months and of the month's days, and what closing the month finds.

use chrono::TimeDelta;

use crate::exit::{ExitCode, Failure};
use crate::frames::{Field, Frame, Side, Warning, WarningKind};
use crate::job::{self, Grain, Input, MonthEnd, Source, Splits};
use crate::matching::Carried;
use crate::month::{self, Closing, DayFile, Inputs, MonthError, MonthFile};
use crate::period::Period;
use crate::sources::store::RawStore;
use crate::sources::{RawFile, provider};

use super::earlier::Earlier;
use super::history::{PeriodFiles, before};
use super::pull::{self, PulledInput};
use super::{Request, aside};

/// How the job closes months; none for a job that only compares.
pub(super) fn month_end(request: &Request) -> Option<&MonthEnd> {
    request.job.reconciliation()?.month_end.as_ref()
}

/// The labels of the days of a month, in order.
pub(super) fn days(month: &Period) -> Vec<String> {
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
    for month in before(&request.period, month_end.earlier) {
        let files = if request.offline {
            stored(&month.label, earlier.month(input.side, &month.label))?
        } else {
            months.files(&month, &mut pulled.warnings).await?
        };
        pulled.months.push(PeriodFiles { period: month.label, files });
    }
    if input.side == Side::File && month_end.dailies.is_some() {
        for day in days(&request.period) {
            let files = if request.offline {
                stored(&day, earlier.day(&day))?
            } else {
                let files = earlier.of_day(&day).to_vec();
                pull::whole(&files)?;
                files
            };
            pulled.days.push(PeriodFiles { period: day, files });
        }
    }
    Ok(())
}

/// What an earlier attempt took of a period, as long as its bytes are still whole.
fn stored(label: &str, found: Option<&[RawFile]>) -> Result<Vec<RawFile>, Failure> {
    let Some(files) = found else {
        let message = format!("no earlier attempt looked for the files of {label}; run without --offline first");
        return Err(Failure::new(ExitCode::TryAgainLater, anyhow::anyhow!(message)));
    };
    pull::whole(files)?;
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
    async fn files(&mut self, month: &Period, warnings: &mut Vec<Warning>) -> Result<Vec<RawFile>, Failure> {
        let side = self.input.side;
        let read = self.earlier.of_month(side, &month.label);
        match &self.input.source {
            Source::Path { pattern } if !pattern.contains("{period}") => Ok(Vec::new()),
            Source::Path { pattern } => {
                let found = pull::local(self.request, pattern, month, self.store).await?;
                if found.is_empty() {
                    pull::whole(read)?;
                    return Ok(read.to_vec());
                }
                Ok(found)
            }
            Source::Provider { .. } if !read.is_empty() && pull::whole(read).is_ok() => Ok(read.to_vec()),
            Source::Provider { provider: name, file_type, name: template } => {
                let client = match self.client.take() {
                    Some(client) => client,
                    None => pull::client(self.request, side, name)?,
                };
                let known = self.earlier.month(side, &month.label).unwrap_or_default();
                let answer = provider::pull(&client, name, *file_type, template, month, self.store, known).await;
                self.client = Some(client);
                let answer = answer.map_err(|error| pull::of_provider(name, error))?;
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
        months.chain(self.days.iter().filter_map(|(day, frame)| Some((frame.as_ref()?, day.as_str()))))
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
/// job closes no month.
///
/// # Errors
/// When a file cannot be used (exit code 65), or the daily job is wrong by now (78).
pub(super) async fn load(request: &Request, pulled: &[PulledInput]) -> Result<Option<MonthFrames>, Failure> {
    let Some(month_end) = month_end(request) else { return Ok(None) };
    let mut frames = MonthFrames::default();
    for period in before(&request.period, month_end.earlier) {
        let [mut file, mut webhooks] = [None, None];
        for (side, frame) in [(Side::File, &mut file), (Side::Webhooks, &mut webhooks)] {
            let taken = pulled.iter().find(|input| input.side == side);
            let files = taken.and_then(|input| input.months.iter().find(|month| month.period == period.label));
            if let (Some(files), Some(input)) = (files, request.job.input(side)) {
                *frame = read(request, input, &files.files).await?;
            }
        }
        frames.months.push(EarlierMonth { period, file, webhooks });
    }
    if let (Some(name), Some(file)) = (&month_end.dailies, pulled.iter().find(|input| input.side == Side::File)) {
        let (input, splits) = daily_input(request, name)?;
        frames.splits = splits;
        for day in &file.days {
            frames.days.push((day.period.clone(), read(request, &input, &day.files).await?));
        }
    }
    Ok(Some(frames))
}

async fn read(request: &Request, input: &Input, files: &[RawFile]) -> Result<Option<Frame>, Failure> {
    if files.is_empty() {
        return Ok(None);
    }
    let (input, files, key) = (input.clone(), files.to_vec(), pull::verify_key(request, input)?);
    let frame = aside(move || crate::frames::load(&input, files, key.as_ref())).await?;
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
        let own = |side: Side| frames.iter().find(|frame| frame.side == side && !frame.files.is_empty());
        let mut months: Vec<MonthFile<'_>> = earlier.months.iter().map(EarlierMonth::as_file).collect();
        months.push(MonthFile { period: &period, frame: own(Side::File), webhooks: own(Side::Webhooks) });
        let days = earlier.days.iter().map(|(day, frame)| DayFile { day, frame: frame.as_ref() }).collect();
        let day_splits = earlier.splits;
        let inputs = Inputs { job: &job, period: &period, spec: &spec, months, days, day_splits, grace };
        let closing = month::close(&inputs);
        closing.map(|closing| (frames, earlier, Some(closing)))
    });
    work.await?.map_err(|error| Failure::new(exit_code(&error), error))
}

impl EarlierMonth {
    const fn as_file(&self) -> MonthFile<'_> {
        MonthFile { period: &self.period, frame: self.file.as_ref(), webhooks: self.webhooks.as_ref() }
    }
}

const fn exit_code(error: &MonthError) -> ExitCode {
    match error {
        MonthError::Untied { .. } => ExitCode::InvariantFailed,
        MonthError::Overflow { .. } | MonthError::TooManyRows => ExitCode::InputData,
    }
}
