//! Inputs to raw files: from the provider, from this machine, or from an earlier attempt.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use secrecy::SecretString;

use super::Request;
use super::datasets;
use super::earlier::Earlier;
use super::history::{self, PeriodFiles};
use super::month;
use super::provider::{provider as named, told};
use super::wait::{self, Looks};
use crate::breaks::files;
use crate::exit::{ExitCode, Failure};
use crate::frames::{Frame, Repeat, Side, Warning};
use crate::job::{Due, Input, Objects, OnMissing, Source, Work};
use crate::period::Period;
use crate::providers::kard::Client;
use crate::sources::removed::why_gone;
use crate::sources::store::RawStore;
use crate::sources::{self, RawFile, file, provider, query};

/// The raw files of one side.
#[derive(Debug)]
pub(super) struct PulledInput {
    pub side: Side,
    pub files: Vec<RawFile>,
    /// Which of them hold what files of earlier periods hold already.
    pub repeats: Vec<Repeat>,
    pub warnings: Vec<Warning>,
    /// What was looked for, in words.
    pub wanted: String,
    /// The files of the periods before that the job's rules read too, the oldest first.
    pub history: Vec<PeriodFiles>,
    /// The side's files of the months before, the oldest first, where the job closes months.
    pub months: Vec<PeriodFiles>,
    /// What the daily job read of each day of the month, where the job closes months.
    pub days: Vec<PeriodFiles>,
}

impl PulledInput {
    const fn none(side: Side, wanted: String) -> Self {
        Self {
            side,
            files: Vec::new(),
            repeats: Vec::new(),
            warnings: Vec::new(),
            wanted,
            history: Vec::new(),
            months: Vec::new(),
            days: Vec::new(),
        }
    }

    /// Nothing was there (and the job goes on without it).
    pub(super) const fn missing(&self) -> bool {
        self.files.is_empty()
    }
}

/// Pulls every input of the job, those of this machine first: while one of them is not there yet, the provider is
/// not asked for its file again and again. A run that is `waiting` looks again for what is not there, as the job says.
pub(super) async fn inputs(
    request: &Request,
    inputs: &[&Input],
    store: &RawStore,
    earlier: &Earlier,
    waiting: bool,
) -> Result<Vec<PulledInput>, Failure> {
    let mut pulled = Vec::new();
    let mut inputs = inputs.to_vec();
    inputs.sort_by_key(|input| match input.source {
        Source::Path { .. } => 0,
        Source::Query { .. } | Source::S3(_) => 1,
        // It may be asked about ids of the others.
        Source::Provider { .. } | Source::Dataset { .. } => 2,
    });
    let mut of_this_machine = of_this_machine(request, &inputs, store).await;
    for input in inputs {
        let wanted = wanted(request, input);
        let mut one = PulledInput::none(input.side, wanted);
        if request.offline {
            one.files = stored(request, earlier, input.side, &one.wanted).await?;
        } else {
            let sides = Sides { pulled: &pulled, earlier };
            match of_this_machine.remove(&input.side) {
                Some(files) => one.files = files?,
                None => from_source(request, input, store, &sides, &mut one).await?,
            }
            let mut looks = Looks::of(request, input, waiting);
            while one.missing() && looks.another(&one.wanted).await {
                from_source(request, input, store, &sides, &mut one).await?;
            }
        }
        if one.missing() && waits(request, input) {
            return Err(not_there(request, input, &one.wanted, None));
        }
        if let Some(pattern) = input.rejected.as_ref().filter(|_| !request.offline && !one.missing()) {
            // Stored with the log: what it says of losses is the same in every rerun. A log may name them itself.
            let rejected = local(request, pattern, &request.period, store).await?;
            let rejected = rejected.into_iter().filter(|file| one.files.iter().all(|known| known.name != file.name));
            let rejected: Vec<RawFile> = rejected.collect();
            one.files.extend(rejected);
        }
        history::pull(request, input, store, earlier, &mut one).await?;
        month::pull(request, input, store, earlier, &mut one).await?;
        let originals = earlier.originals.clone().with(one.side, &one.months);
        // How things stand may well be the same on two days, and so may what is answered.
        let asked = matches!(input.source, Source::Dataset { .. });
        if !asked && !request.job.reconciliation().is_some_and(|work| work.matching.may_repeat()) {
            one.repeats = originals.repeats(&request.period.label, one.side, &one.files);
        }
        pulled.push(one);
    }
    pulled.sort_by_key(|input| input.side);
    Ok(pulled)
}

/// The files of this machine, of all inputs side by side: one is written to the disk while the next is copied. A failure is
/// told when it is the input's turn.
async fn of_this_machine(
    request: &Request,
    inputs: &[&Input],
    store: &RawStore,
) -> HashMap<Side, Result<Vec<RawFile>, Failure>> {
    if request.offline {
        return HashMap::new();
    }
    let copying = inputs.iter().filter_map(|input| match &input.source {
        Source::Path { pattern } => Some(async { (input.side, local(request, pattern, &request.period, store).await) }),
        _ => None,
    });
    futures_util::future::join_all(copying).await.into_iter().collect()
}

/// What is left of an input whose files all repeat those of earlier periods is nothing: it goes on as if they were not
/// there.
///
/// # Errors
/// When the job waits for such an input (75).
pub(super) fn check_there(request: &Request, pulled: &[PulledInput], frames: &[Frame]) -> Result<(), Failure> {
    for frame in frames.iter().filter(|frame| !frame.repeats.is_empty() && !frame.is_there()) {
        let wanted = pulled.iter().find(|one| one.side == frame.side).map_or("", |one| &one.wanted);
        let input = request.job.input(frame.side).filter(|input| waits(request, input));
        if let Some(input) = input {
            return Err(not_there(request, input, wanted, files::instead(frame).as_deref()));
        }
    }
    Ok(())
}

/// Whether the job waits for an input that is not there: for ever, or until the day on which it is due, or until the time
/// that `wait_until` says.
fn waits(request: &Request, input: &Input) -> bool {
    let over = match &input.due {
        Some(due @ Due::On(_)) => due.of(&request.period) < request.run_time,
        Some(Due::After(_)) | None => false,
    };
    input.on_missing == OnMissing::Wait && !over && !wait::is_over(request, input)
}

fn not_there(request: &Request, input: &Input, wanted: &str, instead: Option<&str>) -> Failure {
    let (period, at) = (&request.period, place(request, input.side));
    let what = match &request.job.work {
        Work::Reconcile(_) => format!("{} input", input.side),
        Work::Send(_) => "source".to_owned(),
    };
    let until = match &input.due {
        Some(due @ Due::On(_)) => format!("it is not due before {}; try again then", due.words(period)),
        Some(Due::After(_)) | None => "try again when it is there".to_owned(),
    };
    let instead = instead.map_or_else(String::new, |instead| format!("; {instead}"));
    let message = format!("no {what} for {period} yet: {wanted}{instead}; {until}, or set {at}.on_missing to break");
    Failure::new(ExitCode::TryAgainLater, anyhow::anyhow!(message))
}

/// Where an input stands in the job file.
pub(super) fn place(request: &Request, side: Side) -> String {
    match (&request.job.work, side) {
        (Work::Send(sending), Side::Webhooks) => format!("{}.confirm", sending.way.name()),
        (Work::Send(sending), _) => format!("{}.source", sending.way.name()),
        (Work::Reconcile(_), side) => format!("inputs.{side}"),
    }
}

/// Copies the files of this machine that a pattern names for a period into the raw store.
pub(super) async fn local(
    request: &Request,
    pattern: &str,
    period: &Period,
    store: &RawStore,
) -> Result<Vec<RawFile>, Failure> {
    local_below(&request.project.data, pattern, period, store).await
}

/// The same for the files below another folder.
pub(super) async fn local_below(
    root: &std::path::Path,
    pattern: &str,
    period: &Period,
    store: &RawStore,
) -> Result<Vec<RawFile>, Failure> {
    let (root, pattern) = (root.to_owned(), pattern.to_owned());
    let (period, store) = (period.clone(), store.clone());
    let copied = super::aside(move || file::pull(&root, &pattern, &period, &store)).await?;
    copied.map_err(|error| Failure::new(error.exit_code(), error))
}

/// Reads the objects of a period into the raw store. `known`: what an earlier attempt has stored of them.
pub(super) async fn objects(
    request: &Request,
    (side, wanted): (Side, &Objects),
    period: &Period,
    (store, known): (&RawStore, &[RawFile]),
) -> Result<(Vec<RawFile>, Vec<Warning>), Failure> {
    let pulled = sources::objects::pull(&request.project.s3, wanted, period, store, known).await;
    let pulled = pulled.map_err(|error| Failure::new(error.exit_code(), error))?;
    tracing::debug!(files = pulled.files.len(), reused = pulled.reused, "pulled from {wanted}");
    let warnings = pulled.warnings.into_iter().map(|warning| Warning { side: Some(side), ..warning });
    Ok((pulled.files, warnings.collect()))
}

/// What is known when an input is pulled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides<'a> {
    /// The inputs before this one.
    pub(super) pulled: &'a [PulledInput],
    pub(super) earlier: &'a Earlier,
}

async fn from_source(
    request: &Request,
    input: &Input,
    store: &RawStore,
    sides: &Sides<'_>,
    pulled: &mut PulledInput,
) -> Result<(), Failure> {
    let earlier = sides.earlier;
    match &input.source {
        Source::Dataset { provider: name, dataset, ids } => {
            let ids = ids.as_ref();
            pulled.files =
                datasets::pull(request, input, (name, dataset, ids), store, sides, &mut pulled.warnings).await?;
        }
        Source::Path { pattern } => {
            pulled.files = local(request, pattern, &request.period, store).await?;
        }
        Source::Query { database, file } => {
            pulled.files = asked(request, input, database, file, &request.period, store).await?;
        }
        Source::S3(wanted) => {
            let known = earlier.pulled(input.side);
            bring(request, known).await?;
            let (files, warnings) = objects(request, (input.side, wanted), &request.period, (store, known)).await?;
            (pulled.files, pulled.warnings) = (files, warnings);
        }
        Source::Provider { provider: name, file_type, name: template } => {
            let client = client(request, input.side, name)?;
            let known = earlier.pulled(input.side);
            bring(request, known).await?;
            let answer = provider::pull(&client, name, *file_type, template, &request.period, store, known).await;
            let answer = answer.map_err(|error| told(name, error))?;
            pulled.files = answer.files;
            pulled.warnings = answer.warnings;
            for warning in &mut pulled.warnings {
                warning.side = Some(input.side);
            }
        }
    }
    Ok(())
}

/// What a database answers for a period: one file, or none where it has no rows.
pub(super) async fn asked(
    request: &Request,
    input: &Input,
    database: &str,
    file: &str,
    period: &Period,
    store: &RawStore,
) -> Result<Vec<RawFile>, Failure> {
    let Some(config) = request.project.databases.get(database) else {
        let message = format!("database `{database}` of {} is not in tieout.yaml", place(request, input.side));
        return Err(Failure::new(ExitCode::Configuration, anyhow::anyhow!(message)));
    };
    let at = || format!("database {database} of {}", place(request, input.side));
    let address = config
        .address()
        .map_err(|error| Failure::new(ExitCode::Configuration, anyhow::Error::new(error).context(at())))?;
    let query = query::Query::read(&request.project.root, database, file);
    let query = query.map_err(|error| Failure::new(error.exit_code(), error))?;
    let answered = Box::pin(query.pull(&address, period, input.allow_empty, store)).await;
    let answered =
        answered.map_err(|error| Failure::new(error.exit_code(), anyhow::Error::new(error).context(at())))?;
    Ok(answered.into_iter().collect())
}

/// A client of the provider that an input names.
pub(super) fn client(request: &Request, side: Side, name: &str) -> Result<Client, Failure> {
    named(request, place(request, side), name)?.client()
}

/// The files of the latest attempt that pulled any, as long as their bytes are still whole.
async fn stored(request: &Request, earlier: &Earlier, side: Side, wanted: &str) -> Result<Vec<RawFile>, Failure> {
    let files = earlier.pulled(side).to_vec();
    whole(request, &files).await?;
    if files.is_empty() {
        let message = format!("no earlier attempt stored {wanted}; run without --offline first");
        return Err(Failure::new(ExitCode::TryAgainLater, anyhow::anyhow!(message)));
    }
    Ok(files)
}

/// Brings the files here that are kept elsewhere.
///
/// # Errors
/// When the bytes of one of the files are no longer as they were stored.
pub(super) async fn whole(request: &Request, files: &[RawFile]) -> Result<(), Failure> {
    bring(request, files).await?;
    for file in files {
        let whole = std::fs::metadata(&file.stored).is_ok_and(|found| found.len() == file.bytes);
        if !whole {
            let message = format!(
                "the stored bytes of {} ({}) are gone or cut short{}; run again without --offline",
                file.name,
                file.stored.display(),
                why_gone(&file.stored)
            );
            return Err(Failure::new(ExitCode::InputData, anyhow::anyhow!(message)));
        }
    }
    Ok(())
}

/// Brings what is kept elsewhere of these, as far as it is there.
pub(super) async fn bring(request: &Request, files: &[RawFile]) -> Result<(), Failure> {
    let kept = request.project.kept();
    for file in files {
        kept.bring_file(&file.stored).await?;
    }
    Ok(())
}

/// Keeps what was pulled into the period's own raw folder; what other periods have stored is kept by theirs.
///
/// # Errors
/// When the files cannot be kept.
pub(super) async fn keep(request: &Request, pulled: &[PulledInput]) -> Result<(), Failure> {
    let raw = super::publish::period_folder(request).join("raw");
    let others = |one: &'_ PulledInput| [one.history.clone(), one.months.clone(), one.days.clone()].concat();
    let others: Vec<PeriodFiles> = pulled.iter().flat_map(others).collect();
    let files = pulled.iter().flat_map(|one| &one.files).chain(others.iter().flat_map(|period| &period.files));
    let paths: BTreeSet<PathBuf> =
        files.map(|file| file.stored.clone()).filter(|path| path.starts_with(&raw)).collect();
    Ok(request.project.kept().keep(&paths.into_iter().collect::<Vec<_>>()).await?)
}

/// The same files as the journal records them: where every machine finds them.
pub(super) fn recorded(request: &Request, inputs: &mut [(Side, RawFile, u64)]) {
    let kept = request.project.kept();
    for (_, file, _) in inputs {
        file.stored = kept.recorded(&file.stored);
    }
}

/// What the input asks for, in words.
fn wanted(request: &Request, input: &Input) -> String {
    match &input.source {
        Source::Path { pattern } => pattern.replace("{period}", &request.period.label),
        Source::Query { database, file } => format!("{database} {file}"),
        Source::S3(objects) => provider::file_stem(&objects.to_string(), &request.period),
        Source::Dataset { provider: name, dataset, .. } => format!("{name} {dataset}"),
        Source::Provider { provider: name, file_type, name: template } => {
            format!("{name} {} {}", file_type.name(), provider::file_stem(template, &request.period))
        }
    }
}

/// The keys that the input's notifications are signed with, where the job verifies them; else none.
pub(super) fn verify_key(request: &Request, input: &Input) -> Result<Vec<SecretString>, Failure> {
    let Some(name) = &input.verify else { return Ok(Vec::new()) };
    let provider = named(request, format!("{}.verify", place(request, input.side)), name)?;
    let of = format!("webhook_key of provider {name}");
    let keys = provider.kard()?.webhook_keys();
    let keys = keys.map_err(|error| Failure::new(ExitCode::Configuration, error).context(of))?;
    if keys.is_empty() {
        return Err(provider.refused("has no webhook_key in tieout.yaml"));
    }
    Ok(keys)
}
