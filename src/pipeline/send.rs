//! Sending what is approved. Every call is on disk before its first byte goes out, and its outcome after its last
//! byte came back; one commit holds the outcomes of the calls that have landed and the intents of those that leave.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use tokio::task::{Id, JoinSet};
use tracing::Instrument as _;

use super::carrier::{Carrier, Landed, Letter};
use super::lease::Guard;
use super::shelf::Shelf;
use super::stop::Stop;
use crate::effects::call::calls;
use crate::effects::outcome::{self, Judgement, Next};
use crate::effects::outcome_cards;
use crate::effects::pace::Pace;
use crate::effects::{Call, Doubt, EffectKind, Event, Standing, State, answers};
use crate::exit::{ExitCode, Failure};
use crate::job::Rate;
use crate::journal::{Journal, JournalError, RunRecord, Writer, kill};
use crate::project::HttpConfig;
use crate::providers::http::Answer;

/// Calls that are under way when the process is asked to stop get this long to be answered.
const PATIENCE: Duration = Duration::from_secs(20);

/// Files get this long: the rest of gigabytes takes longer than anyone waits, and the same bytes go to the same URL in
/// the next run.
const PATIENCE_WITH_FILES: Duration = Duration::from_secs(1);

/// So many calls in a row that end in doubt end the sending: whatever is wrong, more of it helps nobody.
const DOUBTS_IN_A_ROW: u32 = 3;

/// Calls of which the job says nothing: no more than a server can take.
const UNHURRIED: Rate = Rate { calls: 1_000, per: Duration::from_secs(1) };

/// What sending needs.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub journal: &'a Journal,
    pub run: &'a RunRecord,
    pub guard: &'a Guard,
    pub carrier: &'a Carrier,
    pub goods: Goods<'a>,
    /// Calls that may begin in a time.
    pub rate: Option<Rate>,
    /// Calls that may be under way at once.
    pub concurrency: u32,
    pub http: &'a HttpConfig,
    pub stop: &'a Stop,
}

/// What is sent.
#[derive(Clone, Copy)]
pub(super) enum Goods<'a> {
    /// Audits and markers: an effect is an item of a call.
    Items,
    /// Sealed parcels: an effect is a call.
    Parcels(&'a Shelf),
    /// Orders for cards: an effect is a call, and the provider says what its answers mean.
    Orders,
}

impl Goods<'_> {
    /// The calls that send what is approved among these.
    fn calls(self, standings: &[Standing]) -> Vec<Call> {
        match self {
            Self::Items | Self::Orders => calls(standings),
            Self::Parcels(goods) => goods.calls(standings),
        }
    }

    fn judge(self, call: &Call, members: &[Standing], landed: &Landed) -> Judgement {
        match (self, members, landed) {
            (_, [standing], Landed::Order(sent)) => outcome_cards::judge(standing, sent),
            (Self::Parcels(_), [standing], Landed::Answer(answer)) => answers::judge(call, standing, answer),
            (_, _, Landed::Answer(answer)) => outcome::judge(call.kind, members, answer),
            // An order travels alone.
            (_, _, Landed::Order(_)) => {
                outcome::judge(call.kind, members, &Answer::Lost { why: "of several orders in one call".to_owned() })
            }
        }
    }
}

/// What was sent, and why no more.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// What was touched, as it stands now.
    pub standings: BTreeMap<String, Standing>,
    pub calls: u64,
    pub ended: Option<Ended>,
}

/// Why sending ended before everything was sent.
#[derive(Debug)]
pub(super) struct Ended {
    pub code: ExitCode,
    /// A lowercase fragment.
    pub why: String,
}

/// Sends what is approved among these; what is surely not applied is tried again, anything else never.
///
/// # Errors
/// When the journal cannot be written, the lease is lost, or the process is asked to stop (then everything that was
/// under way has its outcome, or is in doubt).
pub(super) async fn send(means: Means<'_>, standings: Vec<Standing>) -> Result<Sent, Failure> {
    let waiting = VecDeque::from(means.goods.calls(&standings));
    let standings = standings.into_iter().map(|standing| (standing.effect.id.clone(), standing)).collect();
    let mut sender = Sender {
        means,
        waiting,
        flying: JoinSet::new(),
        under_way: HashMap::new(),
        outcomes: Vec::new(),
        pace: Pace::new(means.rate.unwrap_or(UNHURRIED)),
        course: Course::default(),
        sent: Sent { standings, ..Sent::default() },
    };
    sender.fly().await?;
    Ok(sender.sent)
}

struct Sender<'a> {
    means: Means<'a>,
    waiting: VecDeque<Call>,
    flying: JoinSet<Result<Landed, Failure>>,
    /// The calls of `flying`, by task.
    under_way: HashMap<Id, Call>,
    /// Not written down yet.
    outcomes: Vec<(String, Event)>,
    pace: Pace,
    course: Course,
    sent: Sent,
}

/// How it goes, as far as going on depends on it.
#[derive(Default)]
struct Course {
    /// Failures in a row that applied nothing.
    failures: u32,
    /// Calls of which nobody knows what they did.
    doubts: u32,
    /// Calls whose token was refused.
    tokens: u32,
}

impl Sender<'_> {
    async fn fly(&mut self) -> Result<(), Failure> {
        let stop = self.means.stop.clone();
        let mut stopped: Option<(&'static str, Instant)> = None;
        loop {
            // Looked at before anything leaves, not only while something is awaited: once asked, no call begins.
            stopped = stopped.or_else(|| stop.by().map(|name| (name, Instant::now())));
            // Without the lease nothing leaves. That is no failure of the provider: it is waited for.
            let holds = self.means.guard.holds();
            let ready = if stopped.is_none() && holds { self.ready(Instant::now()) } else { Vec::new() };
            for call in self.write(ready).await? {
                self.launch(call);
            }
            let more = stopped.is_none() && self.sent.ended.is_none() && !self.waiting.is_empty();
            if self.flying.is_empty() && !more {
                break;
            }
            let room = more && holds && self.flying.len() < self.means.concurrency as usize;
            let next = self.pace.next(Instant::now());
            let deadline = stopped.map(|(_, since)| since + self.patience());
            tokio::select! {
                Some(landed) = self.flying.join_next_with_id(), if !self.flying.is_empty() => {
                    self.land(landed);
                    while let Some(landed) = self.flying.try_join_next_with_id() {
                        self.land(landed);
                    }
                }
                () = tokio::time::sleep_until(next.into()), if room => {}
                () = self.means.guard.held(), if more && !holds => {}
                name = stop.asked(), if stopped.is_none() => stopped = Some((name, Instant::now())),
                () = until(deadline), if deadline.is_some() => self.abandon().await?,
            }
        }
        stopped.map_or(Ok(()), |(name, _)| Err(super::stopped(name)))
    }

    /// The calls that may leave now.
    fn ready(&mut self, now: Instant) -> Vec<Call> {
        let mut ready = Vec::new();
        while self.sent.ended.is_none()
            && self.flying.len() + ready.len() < self.means.concurrency as usize
            && self.pace.next(now) <= now
            && let Some(call) = self.waiting.pop_front()
        {
            self.pace.count(now);
            ready.push(call);
        }
        ready
    }

    /// One commit: the outcomes of what has landed, then the intents of what leaves. Gives the calls that may leave.
    async fn write(&mut self, leaving: Vec<Call>) -> Result<Vec<Call>, Failure> {
        let mut events = std::mem::take(&mut self.outcomes);
        let landed = events.len();
        for call in &leaving {
            let session = call.session().map(str::to_owned);
            let event = Event::InFlight { call: call.id(), body_sha256: call.body.sha256(), session };
            events.extend(call.members.iter().map(|member| (member.clone(), event.clone())));
        }
        if events.is_empty() {
            return Ok(leaving);
        }
        let points: Vec<&str> = [("outcome", landed > 0), ("intent", !leaving.is_empty())]
            .into_iter()
            .filter_map(|(name, there)| there.then_some(name))
            .collect();
        for point in &points {
            kill::before(point);
        }
        let (written, leaving) = match self.means.journal.append(Writer::Run(self.means.run), &events).await {
            // A person has decided otherwise since this was planned.
            Err(JournalError::IllegalEffect(_)) if !leaving.is_empty() => {
                events.truncate(landed);
                let written = self.means.journal.append(Writer::Run(self.means.run), &events).await?;
                self.plan_again(leaving).await?;
                (written, Vec::new())
            }
            written => (written?, leaving),
        };
        for point in &points {
            kill::after(point);
        }
        for standing in written {
            self.sent.standings.insert(standing.effect.id.clone(), standing);
        }
        // Surely not applied, and approved as before: they go once more.
        let again: Vec<Standing> = events[..landed]
            .iter()
            .filter_map(|(id, _)| self.sent.standings.get(id))
            .filter(|standing| standing.state == State::Approved)
            .cloned()
            .collect();
        self.waiting.extend(self.means.goods.calls(&again));
        Ok(leaving)
    }

    /// Reads again where the members of these calls stand: what is still approved goes to the end of the queue.
    async fn plan_again(&mut self, leaving: Vec<Call>) -> Result<(), Failure> {
        let mut approved = Vec::new();
        for id in leaving.into_iter().flat_map(|call| call.members) {
            let standing = self.means.journal.effect(&id).await?;
            if standing.state == State::Approved {
                approved.push(standing.clone());
            }
            self.sent.standings.insert(id, standing);
        }
        self.waiting.extend(self.means.goods.calls(&approved));
        Ok(())
    }

    fn launch(&mut self, call: Call) {
        let (carrier, guard) = (self.means.carrier.clone(), self.means.guard.clone());
        let letter = Letter::new(&call, self.means.goods);
        tracing::info!(call = call.id(), kind = call.kind.name(), effects = call.members.len(), "sending");
        let killed = Landed::lost(self.means.goods, "killed");
        let calling = async move {
            // The process may have slept since the intent was written, and another may have taken over: then the
            // run ends while this waits, and the effect is in doubt.
            guard.held().await;
            // A new token takes its time: it is got first, so that the last look is close to the first byte.
            if letter.needs_token() {
                carrier.warm().await?;
            }
            guard.held().await;
            kill::before("send");
            let answer = tokio::select! {
                answer = carrier.send(letter) => answer,
                () = kill::while_waiting() => Ok(killed),
            };
            kill::after("send");
            answer
        };
        let handle = self.flying.spawn(calling.in_current_span());
        self.under_way.insert(handle.id(), call);
        self.sent.calls += 1;
    }

    /// Takes in what one call has come to.
    fn land(&mut self, landed: Result<(Id, Result<Landed, Failure>), tokio::task::JoinError>) {
        let (id, answer) = match landed {
            Ok(landed) => landed,
            // A bug of ours; what it did before is not known.
            Err(error) => (error.id(), Ok(Landed::lost(self.means.goods, "the call was broken off"))),
        };
        let Some(call) = self.under_way.remove(&id) else { return };
        match answer {
            Ok(answer) => self.judge(&call, &answer),
            Err(failure) => {
                let code = failure.code;
                // With its causes, which say what to do.
                let why = format!("{:#}", failure.source);
                self.end(code, why.clone());
                self.outcomes.extend(
                    call.members.into_iter().map(|member| (member, Event::NotSent { why: why.clone(), alone: false })),
                );
            }
        }
    }

    fn judge(&mut self, call: &Call, landed: &Landed) {
        let members: Vec<Standing> =
            call.members.iter().filter_map(|id| self.sent.standings.get(id)).cloned().collect();
        let judgement = self.means.goods.judge(call, &members, landed);
        tracing::info!(call = call.id(), outcome = judgement.words, "answered");
        // A reply that puts off every row has brought nothing further.
        let reached = judgement.events.iter().any(|(_, event)| match event {
            Event::Acknowledged { .. } | Event::Rejected { .. } => true,
            Event::Narrowed { known, .. } => !known.is_empty(),
            _ => false,
        });
        self.outcomes.extend(judgement.events);
        if reached {
            self.course = Course::default();
        }
        match judgement.next {
            Next::GoOn => {}
            Next::Doubtful => self.doubt(&judgement.words),
            Next::Again { wait } => self.pause(wait, &judgement.words),
            Next::Unavailable => self.pause(None, &judgement.words),
            Next::NewToken => self.renew_token(judgement.words),
            Next::Refused(code) => self.end(code, judgement.words),
        }
    }

    fn doubt(&mut self, words: &str) {
        self.course.doubts += 1;
        if self.course.doubts >= DOUBTS_IN_A_ROW {
            self.end(ExitCode::PersonNeeded, format!("{DOUBTS_IN_A_ROW} calls in a row are in doubt ({words})"));
        }
    }

    /// The client has forgotten the token and asks for a new one. One that is refused as well is no accident;
    /// calls that left together were refused together.
    fn renew_token(&mut self, words: String) {
        self.course.tokens += 1;
        if self.course.tokens > self.means.concurrency {
            self.end(ExitCode::CredentialsRefused, words);
        }
    }

    /// Waits before the next call, or ends after as many failures as the project allows attempts.
    fn pause(&mut self, asked: Option<Duration>, words: &str) {
        self.course.failures += 1;
        let http = self.means.http;
        let doublings = (self.course.failures - 1).min(20);
        let wait = asked.unwrap_or_else(|| http.first_delay.saturating_mul(1 << doublings).min(http.max_delay));
        if wait > http.max_delay {
            let why = format!("{words}, and to wait {} s", wait.as_secs());
            self.end(ExitCode::TryAgainLater, why);
        } else if self.course.failures >= http.attempts {
            self.end(ExitCode::ProviderUnavailable, format!("{words}, {} times in a row", self.course.failures));
        } else {
            self.pace.pause(Instant::now(), wait);
        }
    }

    /// The first reason stands.
    fn end(&mut self, code: ExitCode, why: String) {
        if self.sent.ended.is_none() {
            tracing::warn!(reason = why, "no more is sent in this run");
            self.sent.ended = Some(Ended { code, why });
        }
    }

    fn patience(&self) -> Duration {
        let of_file = |call: &Call| call.kind == EffectKind::BulkFile;
        if self.under_way.values().all(of_file) { PATIENCE_WITH_FILES } else { PATIENCE }
    }

    /// Nobody waits any longer: what is still under way is in doubt.
    async fn abandon(&mut self) -> Result<(), Failure> {
        let patience = self.patience();
        self.flying.abort_all();
        while self.flying.join_next().await.is_some() {}
        for (_, call) in self.under_way.drain() {
            let why = format!("asked to stop, and no reply within {} s", patience.as_secs());
            let event = if call.repeats_safely() {
                Event::Again { doubt: Doubt::Interrupted, why }
            } else {
                Event::InDoubt { doubt: Doubt::Interrupted, why }
            };
            self.outcomes.extend(call.members.into_iter().map(|member| (member, event.clone())));
        }
        self.write(Vec::new()).await.map(drop)
    }
}

/// Waits for a time, or for ever.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
