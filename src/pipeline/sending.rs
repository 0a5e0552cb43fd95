//! A job that sends: seal what the source holds, plan, send, hear what became of it, report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;
use tracing::Instrument as _;

use super::book::{Book, Standings};
use super::carrier::Carrier;
use super::earlier::Earlier;
use super::lease::Guard;
use super::lives::Lives;
use super::provider::{NamedProvider, provider};
use super::results::{self, Results};
use super::sealing::{self, Sealed};
use super::send::{self, Ended, Goods, Means, Sent};
use super::shelf::Shelf;
use super::stop::Stop;
use super::{
    Finished, Request, Trail, compare, effects, open_store, publish, published, pull, reported, unless_stopped, urls,
};
use crate::effects::plan::{Plan, Scope};
use crate::effects::{Ask, Body, Call, EffectKind, EffectsFacts, Standing, State, Target, parcels};
use crate::exit::{ExitCode, Failure};
use crate::job::{SendApproval, Sending, Way};
use crate::journal::{EffectFilter, Journal, RunRecord, Step, kill};
use crate::outgoing::{Spool, SpoolError};
use crate::providers::kard::Client;
use crate::providers::kard::request_transactions::MAX_URLS;
use crate::report::Facts;
use crate::report::gather_sent::{self, Setting};
use crate::sources::store::RawStore;
use crate::spans;

/// Parts that are taken from the disk at a time.
const WAVE: usize = 64;

/// A run that writes and sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a> {
    pub journal: &'a Journal,
    pub record: &'a RunRecord,
    pub guard: &'a Guard,
    pub stop: &'a Stop,
}

/// How an attempt of a sending job goes, in order.
pub(super) async fn attempt(request: &Request, sending: &Sending, run: Run<'_>) -> Result<Finished, Failure> {
    let Run { journal, record, stop, .. } = run;
    let trail = Trail(Some((journal, record)));
    check_key(request, sending)?;
    let client = client(request, sending)?;
    let home = publish::period_folder(request);
    publish::sweep(&home)?;
    let store = open_store(&home, RawStore::open)?;
    let earlier = Earlier::read(journal, request).await?;
    let spool = Spool::open(home.join(publish::SPOOL)).map_err(unusable)?;
    let sealing = sealing::seal(request, sending, (&store, spool), &earlier, stop, &trail);
    let sealed = sealing.instrument(spans::stage("seal")).await?;

    let stage = request.progress.stage("plan");
    effects::recover(request, journal, record).await?;
    let heard = unless_stopped(stop, results::read(request, sending)).await?;
    let book = Book::Journal(journal, record);
    let mut planned = plan(request, sending, book, &sealed).await?;
    results::follow(request, sending, book, &mut planned.standings, &heard).await?;
    stage.finish(format!("{} effects", planned.plan.ids.len()));
    trail.mark(Step::Planned, json!({ "plan": planned.plan.digest, "effects": planned.plan.ids.len() })).await?;

    let stage = request.progress.stage("send");
    let shelf = Shelf::new(sealed.build(), &request.progress);
    // Of a killed attempt, which had written the outcome and had not come to this.
    used_up(&planned, &shelf, &planned.plan.ids);
    let calling = send(request, sending, &mut planned, (&shelf, client.as_ref()), run);
    let (calls, ended) = calling.instrument(spans::stage("send")).await?;
    stage.finish(format!("{calls} calls"));
    let heard = wait(request, sending, (book, stop), &mut planned, heard).await?;
    trail.mark(Step::Sent, json!({ "calls": calls })).await?;

    let facts = gathered(request, sending, book, record.attempt, (sealed, planned, &heard, ended)).await?;
    let mut facts = Facts { changes: earlier.changes(&facts), ..facts };
    let mut lives = Lives::read(request, Some(journal), &facts).await?;
    lives.tell(request, &mut facts, &[])?;
    let (facts, written) = unless_stopped(stop, published(request, facts, home)).await?;
    lives.record(journal, record).await?;
    trail.mark(Step::Reported, reported(&facts, &written)).await?;
    Ok(Finished { facts, written, calls: Vec::new() })
}

/// A key that is not there is told before the work, not after it.
fn check_key(request: &Request, sending: &Sending) -> Result<(), Failure> {
    let Some(confirm) = &sending.confirm else { return Ok(()) };
    pull::verify_key(request, &confirm.log).map(|_| ())
}

/// Who sends, with its secrets at hand; none where no provider is to be asked.
fn client(request: &Request, sending: &Sending) -> Result<Option<Arc<Client>>, Failure> {
    if request.offline {
        return Ok(None);
    }
    Ok(Some(Arc::new(taker(request, sending)?.client()?)))
}

fn unusable(error: SpoolError) -> Failure {
    Failure::new(ExitCode::Unexpected, error)
}

/// The same on paper: nothing is kept, and nothing is sent.
pub(super) async fn on_paper(
    request: &Request,
    sending: &Sending,
    journal: Option<&Journal>,
    scratch: &std::path::Path,
) -> Result<Finished, Failure> {
    check_key(request, sending)?;
    let store = RawStore::scratch(scratch)?;
    let earlier = match journal {
        Some(journal) => Earlier::read(journal, request).await?,
        None => Earlier::default(),
    };
    let stop = Stop::when(std::future::pending());
    let spool = Spool::scratch(scratch.join(publish::SPOOL)).map_err(unusable)?;
    let sealed = sealing::seal(request, sending, (&store, spool), &earlier, &stop, &Trail(None)).await?;
    let heard = results::read(request, sending).await?;
    let book = Book::Paper(journal);
    let mut planned = plan(request, sending, book, &sealed).await?;
    results::follow(request, sending, book, &mut planned.standings, &heard).await?;
    let shelf = Shelf::new(sealed.build(), &request.progress);
    let calls = would_be_called(&planned, &shelf).await?;
    let attempt = earlier.attempts + 1;
    let facts = gathered(request, sending, book, attempt, (sealed, planned, &heard, None)).await?;
    let mut facts = Facts { changes: earlier.changes(&facts), ..facts };
    Lives::read(request, journal, &facts).await?.tell(request, &mut facts, &[])?;
    Ok(Finished { facts, written: Vec::new(), calls })
}

/// What is to be sent, written down.
struct Planned {
    plan: Plan,
    standings: Standings,
}

async fn plan(request: &Request, sending: &Sending, book: Book<'_>, sealed: &Sealed) -> Result<Planned, Failure> {
    let scope = Scope { job: request.job.name.clone(), period: request.period.label.clone() };
    let mut standings = Standings::default();
    if let Some(journal) = book.journal() {
        let (job, period) = (Some(scope.job.clone()), Some(scope.period.clone()));
        standings.take(journal.effects(&EffectFilter { job, period, ..EffectFilter::default() }).await?);
    }
    if let Book::Paper(_) = book {
        effects::put_down(book, &mut standings).await?;
    }
    let wanted = sealed.effects(request, sending, &taker(request, sending)?.kard()?.organization)?;
    let asks = sending.approval == SendApproval::Required;
    kill::before("plan");
    let plan = parcels::decide(&scope, wanted, asks, standings.all());
    book.write(&mut standings, &plan.events).await?;
    kill::after("plan");
    Ok(Planned { plan, standings })
}

/// The provider that it is sent to.
pub(super) fn taker<'r>(request: &'r Request, sending: &'r Sending) -> Result<NamedProvider<'r>, Failure> {
    provider(request, sending.way.name(), &sending.provider)
}

/// The calls that a run would begin with; of a bulk file only that it is to be sent.
async fn would_be_called(planned: &Planned, shelf: &Shelf) -> Result<Vec<Call>, Failure> {
    let approved = |standing: &&Standing| standing.state == State::Approved;
    let wave: Vec<Standing> = planned.standings.of(&planned.plan.ids).filter(approved).cloned().collect();
    shelf.take(&wave).await?;
    let mut calls = shelf.calls(&wave);
    for standing in wave.iter().filter(|standing| standing.effect.kind() == EffectKind::BulkFile) {
        let Ask::Parcel(parcel) = &standing.effect.ask else { continue };
        let Some(path) = shelf.file(&standing.effect) else { continue };
        let (bytes, sha256) = (parcel.bytes, parcel.sha256.clone());
        calls.push(Call {
            kind: EffectKind::BulkFile,
            target: Target::Storage {
                session: format!("{} (its URL is asked for then)", standing.effect.transaction()),
            },
            body: Body::File { path, bytes, sha256 },
            members: vec![standing.effect.id.clone()],
            keyed: false,
        });
    }
    Ok(calls)
}

/// What is sent, one kind after the other: a session is opened before its parts, and completed after them.
const fn kinds(way: &Way) -> &'static [EffectKind] {
    match way {
        Way::Upload(_) => &[EffectKind::BulkFile],
        Way::Incoming => &[EffectKind::IncomingPart],
        Way::Historical => &[EffectKind::HistoricalStart, EffectKind::HistoricalPart, EffectKind::HistoricalComplete],
    }
}

/// Sends what is approved. Gives how many calls that took, and why no more.
async fn send(
    request: &Request,
    sending: &Sending,
    planned: &mut Planned,
    (shelf, client): (&Shelf, Option<&Arc<Client>>),
    run: Run<'_>,
) -> Result<(u64, Option<Ended>), Failure> {
    let approved = |standing: &Standing| standing.state == State::Approved;
    if !planned.standings.of(&planned.plan.ids).any(approved) {
        return Ok((0, None));
    }
    let Some(client) = client else {
        let why = "--offline asks no provider: nothing is sent".to_owned();
        return Ok((0, Some(Ended { code: ExitCode::Done, why })));
    };
    let config = taker(request, sending)?.kard()?;
    let mut calls = 0;
    for kind in kinds(&sending.way) {
        let mut idle = 0;
        loop {
            let wave = wave(*kind, sending, planned, shelf);
            if wave.is_empty() {
                break;
            }
            if let Way::Upload(upload) = &sending.way {
                let asking = urls::ask(client, &config.http, upload.file_type, &shelf.urls, &wave);
                if let Some(ended) = unless_stopped(run.stop, asking).await? {
                    return Ok((calls, Some(ended)));
                }
            }
            shelf.take(&wave).await?;
            let (rate, concurrency, http) = (sending.rate, sending.concurrency, &config.http);
            let Run { journal, record: run_record, guard, stop } = run;
            let goods = Goods::Parcels(shelf);
            let carrier = &Carrier::Kard(Arc::clone(client));
            let means = Means { journal, run: run_record, guard, carrier, goods, rate, concurrency, http, stop };
            let Sent { standings, calls: made, ended } = send::send(means, wave.clone()).await?;
            calls += made;
            planned.standings.take(standings.into_values());
            used_up(planned, shelf, &ids(&wave));
            if ended.is_some() {
                return Ok((calls, ended));
            }
            let left = planned.standings.of(&ids(&wave)).filter(|standing| approved(standing)).count();
            idle = if left < wave.len() { 0 } else { idle + 1 };
            if idle >= config.http.attempts {
                return Ok((calls, Some(no_progress(planned, &wave))));
            }
        }
    }
    Ok((calls, None))
}

fn ids(wave: &[Standing]) -> Vec<String> {
    wave.iter().map(|standing| standing.effect.id.clone()).collect()
}

/// The URL of a file that has its outcome is of no use any more.
fn used_up(planned: &Planned, shelf: &Shelf, ids: &[String]) {
    for standing in planned.standings.of(ids) {
        if standing.effect.kind() == EffectKind::BulkFile && standing.state != State::Approved {
            shelf.urls.forget(standing.effect.transaction());
        }
    }
}

fn no_progress(planned: &Planned, wave: &[Standing]) -> Ended {
    let said = planned.standings.of(&ids(wave)).find_map(|standing| standing.said.clone());
    let why = said.unwrap_or_else(|| "nothing could be sent".to_owned());
    Ended { code: ExitCode::ProviderUnavailable, why: format!("{why}, again and again") }
}

/// What can be sent next of a kind, in the order of the plan.
fn wave(kind: EffectKind, sending: &Sending, planned: &Planned, shelf: &Shelf) -> Vec<Standing> {
    let planned = || planned.standings.of(&planned.plan.ids);
    let of_kind = |kind: EffectKind| planned().filter(move |standing| standing.effect.kind() == kind);
    if kind == EffectKind::HistoricalPart || kind == EffectKind::HistoricalComplete {
        shelf.opened(&of_kind(EffectKind::HistoricalStart).cloned().collect::<Vec<_>>());
    }
    let opened: BTreeSet<&str> = of_kind(EffectKind::HistoricalStart)
        .filter(|start| start.state == State::Acknowledged)
        .map(|start| start.effect.transaction())
        .collect();
    let open_parts: BTreeSet<&str> = of_kind(EffectKind::HistoricalPart)
        .filter(|part| part.state != State::Acknowledged)
        .filter_map(|part| session_of(part))
        .collect();
    let ready = |standing: &&Standing| match kind {
        EffectKind::HistoricalPart => session_of(standing).is_some_and(|session| opened.contains(session)),
        // A session is complete when all of its parts have arrived.
        EffectKind::HistoricalComplete => {
            let session = standing.effect.transaction();
            opened.contains(session) && !open_parts.contains(session)
        }
        _ => true,
    };
    // A URL lives for a quarter of an hour: no more are asked for than leave at once.
    let most = if kind == EffectKind::BulkFile { (sending.concurrency as usize).min(MAX_URLS) } else { WAVE };
    of_kind(kind).filter(|standing| standing.state == State::Approved).filter(ready).take(most).cloned().collect()
}

fn session_of(part: &Standing) -> Option<&str> {
    match &part.effect.ask {
        Ask::Parcel(parcel) => parcel.session.as_deref(),
        _ => None,
    }
}

/// Waits for the results of what was sent, for as long as the job says and the runs that share it have patience.
async fn wait(
    request: &Request,
    sending: &Sending,
    (book, stop): (Book<'_>, &Stop),
    planned: &mut Planned,
    mut heard: Results,
) -> Result<Results, Failure> {
    let Some(confirm) = &sending.confirm else { return Ok(heard) };
    let until = tokio::time::Instant::now() + confirm.wait;
    let stage = request.progress.stage("confirm");
    let mut next = results::FIRST_PAUSE;
    loop {
        let awaited = planned.standings.of(&planned.plan.ids).filter(|standing| results::is_awaited(standing)).count();
        if awaited == 0 || request.offline {
            stage.finish(if awaited == 0 { "no file waits".to_owned() } else { format!("{awaited} files wait") });
            return Ok(heard);
        }
        let pause = next.min(until.saturating_duration_since(tokio::time::Instant::now()));
        let pause = request.patience.as_ref().map_or(pause, |patience| patience.take(pause));
        if pause.is_zero() {
            stage.finish(format!("{awaited} files wait"));
            return Ok(heard);
        }
        next = results::PAUSE.min(next * 2);
        unless_stopped(stop, async {
            tokio::time::sleep(pause).await;
            Ok(())
        })
        .await?;
        heard = unless_stopped(stop, results::read(request, sending)).await?;
        results::follow(request, sending, book, &mut planned.standings, &heard).await?;
    }
}

/// What the report tells.
async fn gathered(
    request: &Request,
    sending: &Sending,
    book: Book<'_>,
    attempt: u32,
    (sealed, planned, heard, ended): (Sealed, Planned, &Results, Option<Ended>),
) -> Result<Facts, Failure> {
    let Planned { plan, standings } = planned;
    let own: Vec<Standing> = standings.of(&plan.ids).cloned().collect();
    let told = results::tell(request, sending, book, &sealed, &own).await?;
    let setting = Setting {
        job: &request.job,
        period: &request.period,
        run: compare::run_facts(request, attempt),
        inputs: sealed.inputs(),
        source: sealed.source_counts(),
        parcels: told.parcels,
        rejected: told.rejected,
        breaks: sealed.missing.iter().cloned().chain(told.breaks).collect(),
        quarantine: sealed.quarantine(),
        warnings: sealed.warnings.iter().chain(&heard.warnings).cloned().collect(),
        parameters: sealing::parameters(sending),
    };
    let mut facts = gather_sent::gather(setting);
    let anchor = match book.journal() {
        Some(journal) => Some(journal.anchor().await?),
        None => None,
    };
    let mut held = plan.held;
    held.extend(incomplete(&own));
    facts.effects = Some(EffectsFacts {
        plan: plan.digest,
        planned: own,
        held,
        in_doubt: effects::in_doubt(request, book, &standings).await?,
        stopped: ended.as_ref().map(|ended| ended.why.clone()),
        stopped_exit: ended.as_ref().map(|ended| ended.code).filter(|code| *code != ExitCode::Done),
        anchor,
        ..EffectsFacts::default()
    });
    if !facts.ties_out() {
        let message = "what was sealed and the source do not tie out; nothing of this report is to be relied on";
        return Err(Failure::new(ExitCode::InvariantFailed, anyhow::anyhow!(message)));
    }
    Ok(facts)
}

/// Sessions that stay open because parts of them were refused.
fn incomplete(own: &[Standing]) -> Vec<String> {
    let refused = |part: &&Standing| matches!(part.state, State::Rejected | State::Refused | State::NotApplied);
    let mut sessions = BTreeMap::<&str, u64>::new();
    for session in own.iter().filter(refused).filter_map(session_of) {
        *sessions.entry(session).or_default() += 1;
    }
    let told = |(session, parts): (&str, u64)| {
        let (parts, were) = if parts == 1 { ("a part".to_owned(), "was") } else { (format!("{parts} parts"), "were") };
        format!("upload session {session} is not completed, since {parts} of it {were} refused")
    };
    sessions.into_iter().map(told).collect()
}
