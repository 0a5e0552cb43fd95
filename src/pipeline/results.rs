//! What Kard tells of bulk files after it has read them (`fileProcessingResult`), and the breaks that follow from it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::book::{Book, Standings};
use super::sealing::Sealed;
use super::{Request, aside, pull};
use crate::breaks::Break;
use crate::breaks::sending::{
    RejectedFile, RejectedRow, UnacknowledgedFile, file_rejected, row_rejected, unacknowledged,
};
use crate::effects::confirm::{FileState, SentFile, confirm};
use crate::effects::{Ask, EffectKind, Event, FileOutcome, Parcel, RefusedRow, Standing, State};
use crate::exit::{ExitCode, Failure};
use crate::frames::{FileResult, Side, Warning, WarningKind};
use crate::job::{Sending, Source};
use crate::journal::{EffectFilter, JournalError, kill};
use crate::report::facts::{Fate, ParcelFacts};
use crate::sources::RawFile;
use crate::sources::store::RawStore;

/// The first look after a file was sent comes so soon; each time it is twice as long until the next, up to [`PAUSE`].
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Between two looks into the log.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// What the log of notifications holds.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub results: Vec<FileResult>,
    pub warnings: Vec<Warning>,
}

/// A result names every row that it refuses: such a line is longer than any row of a ledger.
const LINE_BYTES: usize = 64 << 20;
/// Lines that cannot be read stop nothing: they are told.
const UNREADABLE_LINES: u64 = 10_000;

/// Reads the log that the job names. That there is none yet is no error.
///
/// It grows from look to look, so no copy of it is kept: what it says of a file stands in the journal.
pub(super) async fn read(request: &Request, sending: &Sending) -> Result<Results, Failure> {
    let Some(confirm) = &sending.confirm else { return Ok(Results::default()) };
    let Source::Path { pattern } = &confirm.log.source else { return Ok(Results::default()) };
    let scratch = tempfile::tempdir()?;
    let store = RawStore::scratch(scratch.path())?;
    let files = pull::local_below(&request.project.notifications, pattern, &request.period, &store).await?;
    let files: Vec<RawFile> = files.into_iter().filter(|file| file.bytes > 0).collect();
    if files.is_empty() {
        return Ok(Results::default());
    }
    let (mut log, key) = (confirm.log.clone(), pull::verify_key(request, &confirm.log)?);
    log.limits.max_row_bytes = log.limits.max_row_bytes.max(LINE_BYTES);
    log.quarantine_limit = log.quarantine_limit.max(UNREADABLE_LINES);
    let frame = aside(move || crate::frames::load(&log, files, key.as_ref())).await?;
    let frame = frame.map_err(|error| Failure::new(ExitCode::InputData, error))?;
    let mut warnings = frame.warnings;
    // Lines that are no notifications at all must not stand in the way of those that are.
    if let Some(first) = frame.quarantine.first() {
        let lines = match frame.quarantine.len() {
            1 => "a line of the notifications' log cannot be read:".to_owned(),
            lines => format!("{lines} lines of the notifications' log cannot be read, the first"),
        };
        let message = format!("{lines} {} line {}: {}", first.file_name, first.line, first.reason);
        let file = Some(first.file_name.clone());
        warnings.push(Warning { side: Some(Side::Webhooks), kind: WarningKind::Notification, file, message });
    }
    Ok(Results { results: frame.file_results, warnings })
}

/// Whether a result may still come.
pub(crate) fn is_awaited(standing: &Standing) -> bool {
    let sent = standing.state == State::Acknowledged || standing.was_in_doubt || standing.state == State::InDoubt;
    standing.effect.kind() == EffectKind::BulkFile && sent && standing.outcome.is_none()
}

/// Writes down what is new of any file of this job, of whatever period.
pub(super) async fn follow(
    request: &Request,
    sending: &Sending,
    book: Book<'_>,
    standings: &mut Standings,
    heard: &Results,
) -> Result<(), Failure> {
    if sending.confirm.is_none() || heard.results.is_empty() {
        return Ok(());
    }
    standings.take(files_of_job(request, book).await?);
    let awaited: Vec<&Standing> = standings.all().iter().filter(|standing| is_awaited(standing)).collect();
    let sent: Vec<SentFile> = awaited.iter().map(|standing| sent_file(standing)).collect();
    let now = chrono::Utc::now();
    let told = confirm(&sent, &heard.results, chrono::TimeDelta::MAX, now);
    let events: Vec<(String, Event)> = told
        .iter()
        .filter_map(|told| match &told.state {
            FileState::Confirmed { result, .. } => Some((told.sent.effect.clone(), Event::Processed(outcome(result)))),
            _ => None,
        })
        .collect();
    kill::before("result");
    if let Err(failure) = book.write(standings, &events).await {
        one_by_one(request, book, standings, &events, failure).await?;
    }
    kill::after("result");
    Ok(())
}

/// Where several periods are run at once, another one's run may have put its file on its way again meanwhile: it
/// hears the result itself. All else is written down.
async fn one_by_one(
    request: &Request,
    book: Book<'_>,
    standings: &mut Standings,
    events: &[(String, Event)],
    failure: Failure,
) -> Result<(), Failure> {
    let is_illegal = |failure: &Failure| {
        matches!(failure.source.downcast_ref::<JournalError>(), Some(JournalError::IllegalEffect(_)))
    };
    if !is_illegal(&failure) {
        return Err(failure);
    }
    for event in events {
        let own = standings.get(&event.0).is_none_or(|standing| standing.effect.period == request.period.label);
        match book.write(standings, std::slice::from_ref(event)).await {
            Err(failure) if is_illegal(&failure) && !own => tracing::debug!(effect = event.0, "its own run hears it"),
            written => written?,
        }
    }
    Ok(())
}

/// The bulk files of this job that somebody may still tell of.
async fn files_of_job(request: &Request, book: Book<'_>) -> Result<Vec<Standing>, Failure> {
    let Some(journal) = book.journal() else { return Ok(Vec::new()) };
    let filter = EffectFilter {
        job: Some(request.job.name.clone()),
        kind: Some(EffectKind::BulkFile),
        states: vec![State::Acknowledged, State::InDoubt, State::Approved],
        ..EffectFilter::default()
    };
    Ok(journal.effects(&filter).await?)
}

fn sent_file(standing: &Standing) -> SentFile {
    SentFile {
        name: standing.effect.transaction().to_owned(),
        effect: standing.effect.id.clone(),
        acknowledged_at: standing.acknowledged_at,
        known: standing.outcome.is_some(),
    }
}

fn outcome(result: &FileResult) -> FileOutcome {
    let mut outcome = FileOutcome {
        notification: result.notification.clone(),
        refused: Vec::new(),
        more: result.errors_left_out,
        against: Vec::new(),
        at: result.received_at.or(result.last_modified),
    };
    for error in &result.errors {
        match (&error.id, error.line) {
            (None, None) => outcome.against.push(error.words.clone()),
            _ if outcome.refused.len() >= FileOutcome::MOST => outcome.more += 1,
            (id, line) => outcome.refused.push(RefusedRow {
                event_id: id.clone().unwrap_or_default(),
                line,
                why: error.words.clone(),
            }),
        }
    }
    if outcome.more > 0 {
        // What is not named cannot be taken from the sum by itself: the file as a whole is not called accepted.
        outcome.against.push(format!("{} more rows are refused than are named", outcome.more));
    }
    outcome
}

/// What became of everything that is sealed, and what of it is a break.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub parcels: Vec<ParcelFacts>,
    /// Rows of accepted parcels, each once.
    pub rejected: Vec<RejectedRow>,
    pub breaks: Vec<Break>,
}

/// Says what became of the parcels of this plan; files of other periods are told of only where they are overdue.
pub(super) async fn tell(
    request: &Request,
    sending: &Sending,
    book: Book<'_>,
    sealed: &Sealed,
    own: &[Standing],
) -> Result<Told, Failure> {
    let mut told = Told::default();
    let completed: HashMap<&str, bool> = own
        .iter()
        .filter(|standing| standing.effect.kind() == EffectKind::HistoricalComplete)
        .map(|standing| (standing.effect.transaction(), standing.state == State::Acknowledged))
        .collect();
    let mut files = Vec::new();
    for standing in own {
        let Ask::Parcel(parcel) = &standing.effect.ask else { continue };
        let done = parcel.session.as_deref().is_none_or(|session| completed.get(session).copied().unwrap_or(false));
        let fate = fate(request, sending, standing, done);
        let rejected = if fate == Fate::Accepted { rejected_rows(sealed, standing).await? } else { Vec::new() };
        told.parcels.push(ParcelFacts {
            name: standing.effect.transaction().to_owned(),
            effect: standing.effect.id.clone(),
            kind: standing.effect.kind(),
            user: Some(standing.effect.user.clone()).filter(|user| !user.is_empty()),
            rows: parcel.rows,
            totals_minor: totals(parcel),
            bytes: parcel.bytes,
            sha256: parcel.sha256.clone(),
            fate,
            rejected_rows: rejected.len() as u64,
            provider_id: standing.provider_id.clone(),
        });
        told.rejected.extend(rejected);
        files.extend(file_against(standing, parcel));
    }
    let job = &request.job.name;
    told.breaks.extend(row_rejected(job, &request.period, &told.rejected));
    told.breaks.extend(file_rejected(job, &request.period, &files));
    let overdue = overdue(request, sending, &with_other_periods(request, book, own).await?);
    told.breaks.extend(unacknowledged(job, &request.period, &overdue, request.run_time));
    Ok(told)
}

async fn with_other_periods(request: &Request, book: Book<'_>, own: &[Standing]) -> Result<Vec<Standing>, Failure> {
    let mut all = Standings::default();
    all.take(files_of_job(request, book).await?);
    all.take(own.iter().cloned());
    Ok(all.all().to_vec())
}

fn fate(request: &Request, sending: &Sending, standing: &Standing, completed: bool) -> Fate {
    match standing.state {
        State::Proposed | State::Approved | State::InFlight | State::Withdrawn => Fate::Unsent,
        State::InDoubt => Fate::InDoubt,
        State::Rejected => Fate::Refused,
        State::Refused | State::NotApplied => Fate::Declined,
        State::Acknowledged if standing.effect.kind() == EffectKind::BulkFile => {
            match (&sending.confirm, &standing.outcome) {
                (_, Some(outcome)) if !outcome.against.is_empty() => Fate::Refused,
                (None, _) | (_, Some(_)) => Fate::Accepted,
                (Some(_), None) if since_overdue(request, sending, standing).is_some() => Fate::Overdue,
                (Some(_), None) => Fate::Awaited,
            }
        }
        State::Acknowledged if completed => Fate::Accepted,
        State::Acknowledged => Fate::Awaited,
    }
}

/// Since when it has been there, where the result is not told in time.
fn since_overdue(request: &Request, sending: &Sending, standing: &Standing) -> Option<chrono::DateTime<chrono::Utc>> {
    let within = sending.confirm.as_ref()?.within;
    let since = standing.acknowledged_at.filter(|_| standing.outcome.is_none())?;
    (request.run_time.signed_duration_since(since) > within).then_some(since)
}

fn overdue(request: &Request, sending: &Sending, standings: &[Standing]) -> Vec<UnacknowledgedFile> {
    let Some(within) = sending.confirm.as_ref().map(|confirm| confirm.within) else { return Vec::new() };
    let acknowledged = standings.iter().filter(|standing| standing.state == State::Acknowledged);
    acknowledged
        .filter_map(|standing| {
            let Ask::Parcel(parcel) = &standing.effect.ask else { return None };
            let since = since_overdue(request, sending, standing)?;
            let (file, totals) = (standing.effect.transaction().to_owned(), totals(parcel));
            Some(UnacknowledgedFile { file, rows: parcel.rows, totals, since, within })
        })
        .collect()
}

fn file_against(standing: &Standing, parcel: &Parcel) -> Option<RejectedFile> {
    let outcome = standing.outcome.as_ref().filter(|outcome| !outcome.against.is_empty())?;
    Some(RejectedFile {
        file: standing.effect.transaction().to_owned(),
        rows: parcel.rows,
        totals: totals(parcel),
        since: standing.acknowledged_at,
        words: outcome.against.clone(),
    })
}

fn totals(parcel: &Parcel) -> BTreeMap<String, i128> {
    parcel.totals_minor.iter().map(|(currency, sum)| (currency.clone(), i128::from(*sum))).collect()
}

/// The refused rows of a parcel, found again in its sealed bytes.
async fn rejected_rows(sealed: &Sealed, standing: &Standing) -> Result<Vec<RejectedRow>, Failure> {
    let of_file = standing.outcome.iter().flat_map(|outcome| &outcome.refused);
    let refused: Vec<RefusedRow> = standing.refused.iter().chain(of_file).cloned().collect();
    if refused.is_empty() {
        return Ok(Vec::new());
    }
    sealed.find(standing.effect.transaction(), refused).await
}
