//! From the journal to the channels: looks what is to be told, writes it down, sends it, and tries again what was not
//! taken. Nothing here fails a run: what goes wrong is a warning in the log.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use super::judge::{Alarm, Judgement, Resolved, Situation, judge};
use super::send::{SendError, send};
use super::{Counts, Matter, Notice, NoticeEvent, words};
use crate::digest::sha256;
use crate::effects::State;
use crate::exit::Failure;
use crate::job::Job;
use crate::journal::{
    Delivery, EffectFilter, Journal, JournalError, NewNotice, RunFilter, RunRecord, Step, Topic, WaitingNotice,
};
use crate::period::Period;
use crate::project::{Channel, NotifyConfig};
use crate::report::Figures;

/// So often a notice is tried at most, and for so long.
pub const MOST_TRIES: u32 = 24;
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(1);
/// A process that has taken a try and says nothing for so long has died. Longer than a channel's time-out.
const CLAIM: TimeDelta = TimeDelta::seconds(30);
/// Doubled with each try, up to an hour.
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(1);
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);
/// Of a channel that was away for long no more is told at once.
const AT_ONCE: usize = 20;
/// All channels together take no longer, whatever each of them does.
const PATIENCE: Duration = Duration::from_secs(12);
/// Periods of a summary that are named.
const MOST_NAMED: usize = 10;

/// Who tells.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    pub journal: &'a Journal,
    pub notify: &'a NotifyConfig,
}

/// One notice to be, and the topics that it is about.
struct Draft {
    job: String,
    period: String,
    attempt: Option<u32>,
    exit_code: Option<u8>,
    matters: Vec<Matter>,
    counts: Counts,
    opened: Vec<Topic>,
    closed: Vec<Topic>,
}

impl Desk<'_> {
    fn is_silent(&self) -> bool {
        self.notify.channels.is_empty()
    }

    /// After an attempt: tells what is new, and tries again what waits. `failure`: the attempt has just failed by it.
    pub async fn run_ended(&self, job: &Job, period: &Period, failure: Option<&Failure>) {
        if self.is_silent() {
            return;
        }
        let overdue = overdue(job, period, Utc::now());
        let failure = failure.map(|failure| (failure.code as u8, failure.to_string()));
        self.try_to_tell(self.of_period(&job.name, &period.label, failure, overdue)).await;
        self.deliver(true).await;
    }

    /// After a run that failed before it knew its job and period.
    pub async fn not_begun(&self, job: &str, period: &str, failure: &Failure) {
        if self.is_silent() {
            return;
        }
        let failure = Some((failure.code as u8, failure.to_string()));
        self.try_to_tell(self.of_period(job, period, failure, None)).await;
        self.deliver(true).await;
    }

    /// After a backfill: one notice for all of its periods, by label.
    pub async fn backfill_ended(&self, job: &str, periods: &[String]) {
        if self.is_silent() || periods.is_empty() {
            return;
        }
        self.try_to_tell(self.summary(job, periods)).await;
        self.deliver(true).await;
    }

    /// Tells of periods of a job that are late: by label, the earliest first. One notice for all of them.
    pub async fn late(&self, job: &str, late: Vec<(String, Alarm)>) {
        if self.is_silent() {
            return;
        }
        self.try_to_tell(self.tell_late(job, late)).await;
    }

    async fn tell_late(&self, job: &str, mut late: Vec<(String, Alarm)>) -> Result<(), JournalError> {
        let open = self.journal.open_topics(Some(job)).await?;
        late.retain(|(_, alarm)| alarm.topics.iter().any(|topic| !open.contains(topic)));
        let mut unfinished = Vec::with_capacity(late.len());
        for (period, alarm) in late {
            // Since the look it may have been finished.
            if self.journal.last_finished(job, &period).await?.is_none() {
                unfinished.push((period, alarm));
            }
        }
        let late = unfinished;
        let (Some((first, _)), Some((last, _))) = (late.first(), late.last()) else { return Ok(()) };
        let period = if late.len() == 1 { first.clone() } else { format!("{first}..{last}") };
        let lines = match late.as_slice() {
            [(_, only)] => only.matter.lines.clone(),
            several => {
                let briefs = several.iter().map(|(period, alarm)| (period.clone(), alarm.brief.clone()));
                named(&briefs.collect::<Vec<_>>())
            }
        };
        let draft = Draft {
            job: job.to_owned(),
            period,
            attempt: None,
            exit_code: None,
            matters: vec![Matter { event: NoticeEvent::Late, lines }],
            counts: Counts::default(),
            opened: late.into_iter().flat_map(|(_, alarm)| alarm.topics).collect(),
            closed: Vec::new(),
        };
        self.write(draft).await
    }

    /// Looks whether what was told is over by now, for these jobs, and sends what is due to be sent.
    pub async fn look(&self, jobs: &[String]) {
        if self.is_silent() {
            return;
        }
        self.try_to_tell(self.settle(jobs)).await;
        self.deliver(false).await;
    }

    async fn try_to_tell(&self, telling: impl Future<Output = Result<(), JournalError>>) {
        if let Err(error) = telling.await {
            tracing::warn!("nobody is notified: {error}");
        }
    }

    async fn of_period(
        &self,
        job: &str,
        period: &str,
        failure: Option<(u8, String)>,
        overdue: Option<String>,
    ) -> Result<(), JournalError> {
        let situation = Situation { failure, overdue, just_ended: true, ..self.situation(job, period).await? };
        let judgement = judge(&situation);
        self.tell(job, period, judgement).await
    }

    async fn tell(&self, job: &str, period: &str, judgement: Judgement) -> Result<(), JournalError> {
        let Judgement { alarms, resolved, quietly, attempt, exit_code, counts } = judgement;
        for alarm in alarms {
            let draft = Draft {
                job: job.to_owned(),
                period: period.to_owned(),
                attempt,
                exit_code,
                matters: vec![alarm.matter],
                counts: counts.clone(),
                opened: alarm.topics,
                closed: Vec::new(),
            };
            self.write(draft).await?;
        }
        for one in resolved {
            let here = one.period == period;
            let draft = Draft {
                job: job.to_owned(),
                attempt: attempt.filter(|_| here),
                exit_code: exit_code.filter(|_| here),
                matters: vec![over(&one)],
                counts: if here { counts.clone() } else { Counts::default() },
                opened: Vec::new(),
                closed: one.topics,
                period: one.period,
            };
            self.write(draft).await?;
        }
        if !quietly.is_empty() {
            self.journal.tell(&[], &quietly, None).await?;
        }
        Ok(())
    }

    async fn summary(&self, job: &str, periods: &[String]) -> Result<(), JournalError> {
        let mut of_events: BTreeMap<NoticeEvent, Vec<(String, String)>> = BTreeMap::new();
        let (mut opened, mut closed, mut counts) = (Vec::new(), Vec::new(), Counts::default());
        for period in periods {
            let judgement = judge(&self.situation(job, period).await?);
            add(&mut counts, &judgement.counts);
            for alarm in judgement.alarms {
                of_events.entry(alarm.matter.event).or_default().push((period.clone(), alarm.brief));
                opened.extend(alarm.topics);
            }
            for one in judgement.resolved {
                let events = one.events().into_iter().map(words::event_words).collect::<Vec<_>>().join(", ");
                of_events.entry(NoticeEvent::Resolved).or_default().push((one.period, format!("no longer {events}")));
                closed.extend(one.topics);
            }
            closed.extend(judgement.quietly);
        }
        // What is over for the job is over in the eyes of each of its periods.
        closed.sort();
        closed.dedup();
        if of_events.is_empty() {
            return self.journal.tell(&opened, &closed, None).await.map(|_| ());
        }
        let matters = of_events.into_iter().map(|(event, mut of_periods)| {
            of_periods.dedup();
            Matter { event, lines: named(&of_periods) }
        });
        let ends = [periods.first(), periods.last()].map(|end| end.map_or("", String::as_str));
        let draft = Draft {
            job: job.to_owned(),
            period: if periods.len() == 1 { ends[0].to_owned() } else { format!("{}..{}", ends[0], ends[1]) },
            attempt: None,
            exit_code: None,
            matters: matters.collect(),
            counts,
            opened,
            closed,
        };
        self.write(draft).await
    }

    /// Doubts that were ended and plans that were decided on, without a run.
    async fn settle(&self, jobs: &[String]) -> Result<(), JournalError> {
        for job in jobs {
            let mut periods: Vec<String> =
                self.journal.open_topics(Some(job)).await?.into_iter().map(|topic| topic.period).collect();
            periods.dedup();
            for period in periods {
                let judgement = judge(&self.situation(job, &period).await?);
                self.tell(job, &period, judgement).await?;
            }
        }
        Ok(())
    }

    async fn situation(&self, job: &str, period: &str) -> Result<Situation, JournalError> {
        let (of_job, of_period) = (Some(job.to_owned()), Some(period.to_owned()));
        let latest = RunFilter { job: of_job.clone(), period: of_period, limit: Some(1), ..RunFilter::default() };
        let latest = self.journal.runs(&latest).await?.pop();
        let doubts = EffectFilter { job: of_job, states: vec![State::InDoubt], ..EffectFilter::default() };
        let doubts = self.journal.effects(&doubts).await?.into_iter();
        Ok(Situation {
            job: job.to_owned(),
            period: period.to_owned(),
            figures: figures(self.journal, latest.as_ref()).await?,
            latest,
            plans: self.journal.plans_to_approve(job).await?,
            doubts: doubts
                .map(|standing| (standing.effect.period, format!("{}/{}", standing.effect.id, standing.attempts)))
                .collect(),
            open: self.journal.open_topics(Some(job)).await?,
            ..Situation::default()
        })
    }

    /// Writes down a notice for the channels that want it; sent is it later.
    async fn write(&self, draft: Draft) -> Result<(), JournalError> {
        let Draft { job, period, attempt, exit_code, matters, counts, opened, closed } = draft;
        let at = Utc::now();
        let about = opened.iter().chain(&closed).map(|topic| format!("{}\0{}", topic.event, topic.about));
        let about = about.collect::<Vec<_>>().join("\0");
        let id = sha256(format!("{job}\0{period}\0{at:?}\0{about}").as_bytes())[..32].to_owned();
        let link = self.notify.link.as_ref().filter(|_| attempt.is_some());
        let link = link.map(|template| words::link(template, &job, &period, attempt));
        let notice = Notice { id, at, job, period, attempt, exit_code, matters, figures: counts, link, test: false };
        let events = notice.events();
        let channels = self.notify.channels.iter().filter(|(_, channel)| channel.wants(&notice.job, &events));
        let new = NewNotice {
            id: notice.id.clone(),
            job: notice.job.clone(),
            period: notice.period.clone(),
            made_at: at,
            content: serde_json::to_string(&notice).expect("plain data with text keys"),
            channels: channels.map(|(name, _)| name.clone()).collect(),
        };
        self.journal.tell(&opened, &closed, Some(&new)).await.map(|_| ())
    }

    /// Sends what waits, all channels at the same time. With `at_once` also what was to be tried later.
    async fn deliver(&self, at_once: bool) {
        let now = Utc::now();
        let waiting = match self.journal.waiting_notices(now, at_once).await {
            Ok(waiting) => waiting,
            Err(error) => return tracing::warn!("nobody is notified: {error}"),
        };
        let mut by_channel = BTreeMap::<String, Vec<WaitingNotice>>::new();
        for one in waiting {
            by_channel.entry(one.channel.clone()).or_default().push(one);
        }
        let mut sending = JoinSet::new();
        for (name, waiting) in by_channel {
            let channel = self.notify.channels.get(&name).cloned();
            let claimed = self.claim(waiting, channel.is_some(), now).await;
            if let Some(channel) = channel {
                sending.spawn(through(channel, claimed));
            }
        }
        let all = async {
            while let Some(sent) = sending.join_next().await {
                for (notice, outcome) in sent.unwrap_or_default() {
                    self.settled(&notice, outcome).await;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            tracing::warn!("a channel takes too long; what it does not have is tried again");
        }
    }

    /// Those that are ours to try now. What is too old is given up.
    async fn claim(&self, waiting: Vec<WaitingNotice>, is_known: bool, now: DateTime<Utc>) -> Vec<WaitingNotice> {
        let mut claimed = Vec::new();
        for notice in waiting.into_iter().take(AT_ONCE) {
            if now - notice.made_at > GIVEN_UP_AFTER {
                self.give_up(&notice, "it was not taken within a day").await;
            } else if is_known {
                match self.journal.claim_delivery(&notice, now + CLAIM).await {
                    Ok(true) => claimed.push(WaitingNotice { tries: notice.tries + 1, ..notice }),
                    Ok(false) => {}
                    Err(error) => tracing::warn!("a notice is not sent: {error}"),
                }
            }
        }
        claimed
    }

    async fn settled(&self, notice: &WaitingNotice, outcome: Result<String, SendError>) {
        let channel = &notice.channel;
        let settled = match outcome {
            Ok(said) => {
                tracing::info!(notice = notice.id, "{channel} is notified: {said}");
                self.journal.settle_delivery(notice, Delivery::Delivered).await
            }
            Err(error) => {
                let problem = format!("{:#}", anyhow::Error::new(error));
                if notice.tries >= MOST_TRIES {
                    return self.give_up(notice, &problem).await;
                }
                tracing::warn!(notice = notice.id, "{channel} is not notified: {problem}; it is tried again");
                let at = Utc::now() + wait_after(notice.tries);
                self.journal.settle_delivery(notice, Delivery::Again { at, problem: &problem }).await
            }
        };
        if let Err(error) = settled {
            tracing::warn!("what became of a notice is not recorded, and it may be sent again: {error}");
        }
    }

    async fn give_up(&self, notice: &WaitingNotice, problem: &str) {
        let (id, channel) = (&notice.id, &notice.channel);
        tracing::error!(notice = id, "{channel} is not notified, and it is not tried again: {problem}");
        if let Err(error) = self.journal.settle_delivery(notice, Delivery::GivenUp { problem }).await {
            tracing::warn!("that is not recorded: {error}");
        }
    }
}

/// After so many tries.
fn wait_after(tries: u32) -> TimeDelta {
    (FIRST_WAIT * (1 << tries.saturating_sub(1).min(6))).min(LONGEST_WAIT)
}

/// Sends one after the other; when one is not taken, the others wait for the next time.
async fn through(channel: Channel, waiting: Vec<WaitingNotice>) -> Vec<(WaitingNotice, Result<String, SendError>)> {
    let mut sent = Vec::new();
    let mut is_open = true;
    for one in waiting {
        let outcome = match serde_json::from_str::<Notice>(&one.content) {
            _ if !is_open => Err(SendError::NoAnswer { why: "the notice before it was not taken".to_owned() }),
            Ok(notice) => send(&channel, &notice, Utc::now()).await,
            Err(_) => Err(SendError::NoAnswer { why: "it was written by another version of tieout".to_owned() }),
        };
        is_open &= outcome.is_ok();
        sent.push((one, outcome));
    }
    sent
}

/// The numbers that the journal keeps of a finished run; none of another.
///
/// # Errors
/// When the state file cannot be read.
pub async fn figures(journal: &Journal, run: Option<&RunRecord>) -> Result<Figures, JournalError> {
    let Some(run) = run.filter(|run| run.status.is_finished()) else { return Ok(Figures::default()) };
    let steps = journal.steps(&run.id).await?;
    let reported = steps.into_iter().find(|step| step.step == Step::Reported);
    // A run of an earlier version has none.
    let figures = reported.and_then(|mut step| serde_json::from_value(step.detail["figures"].take()).ok());
    Ok(figures.unwrap_or_default())
}

/// The first input whose time is over, with that time in words.
fn overdue(job: &Job, period: &Period, now: DateTime<Utc>) -> Option<String> {
    let inputs = job.inputs();
    let mut due = inputs.iter().filter_map(|input| Some((input.side, input.due.as_ref()?)));
    due.find(|(_, due)| due.of(period) < now).map(|(side, due)| format!("({}) {}", side.name(), due.words(period)))
}

fn over(one: &Resolved) -> Matter {
    let events = one.events().into_iter().map(words::event_words).collect::<Vec<_>>().join(", ");
    Matter { event: NoticeEvent::Resolved, lines: vec![format!("All is well again; it was: {events}.")] }
}

/// `2025-03-19: exit code 69`, and how many more.
fn named(of_periods: &[(String, String)]) -> Vec<String> {
    let mut lines = vec![format!("{}:", words::counted(of_periods.len() as u64, "period", "periods"))];
    lines.extend(of_periods.iter().take(MOST_NAMED).map(|(period, brief)| format!("{period}: {brief}")));
    if of_periods.len() > MOST_NAMED {
        lines.push(format!("and {} more: tieout runs lists them", of_periods.len() - MOST_NAMED));
    }
    lines
}

fn add(sum: &mut Counts, one: &Counts) {
    let add = |sum: &mut Option<u64>, one: Option<u64>| {
        if let Some(one) = one {
            *sum.get_or_insert(0) += one;
        }
    };
    add(&mut sum.breaks, one.breaks);
    add(&mut sum.rows, one.rows);
    for (currency, minor) in &one.at_risk_minor {
        let known = sum.at_risk_minor.entry(currency.clone()).or_default();
        *known = known.saturating_add(*minor);
    }
    sum.in_doubt += one.in_doubt;
    sum.awaiting_approval += one.awaiting_approval;
}
