//! What people are told, each thing once: what is the matter (topics), what was written about it (notices), and which
//! channel has it (deliveries). A notice is written down before it is sent, so that a process that dies tells it twice
//! rather than never; receivers know it by its id. Beside it the few counts that watchers ask for.

use chrono::{DateTime, Utc};

use super::link::{Connection, Mode};
use super::rows::{Unreadable, time_text};
use super::statement::{Row, Statement, query};
use super::turn::Done;
use super::{Journal, JournalError};

/// What is told when a statement of these fails.
const DOING: &str = "recording what people are told";
const READING: &str = "reading what people are told";
/// Before every time that the journal writes.
const NEVER: &str = "";

/// What is the matter with a period: while it is open, it is not told again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic {
    pub job: String,
    /// The label.
    pub period: String,
    /// The event's name.
    pub event: String,
    /// Which failure, gate, plan or effect: another one is another topic.
    pub about: String,
}

/// Something that is about to be told.
#[derive(Debug, Clone)]
pub struct NewNotice {
    /// What receivers know it by.
    pub id: String,
    pub job: String,
    pub period: String,
    pub made_at: DateTime<Utc>,
    /// JSON.
    pub content: String,
    /// Who shall have it.
    pub channels: Vec<String>,
}

/// A notice that a channel does not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingNotice {
    pub id: String,
    pub channel: String,
    pub made_at: DateTime<Utc>,
    /// JSON.
    pub content: String,
    /// Tries so far.
    pub tries: u32,
}

/// What became of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery<'a> {
    Delivered,
    /// Not before then again.
    Again {
        at: DateTime<Utc>,
        problem: &'a str,
    },
    GivenUp {
        problem: &'a str,
    },
}

/// How many effects of a job stand where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectCount {
    pub job: String,
    /// The state's name.
    pub state: String,
    pub effects: u64,
}

impl Journal {
    /// What is the matter with the periods of a job, or of all, in the order of job, period, event and subject.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn open_topics(&self, job: Option<&str>) -> Result<Vec<Topic>, JournalError> {
        let mut query = query("SELECT job, period, event, about FROM notice_topics WHERE is_open = $1").bind(true);
        if let Some(job) = job {
            query.push(" AND job = ").push_bind(job);
        }
        query.push(" ORDER BY job, period, event, about");
        let rows = self.fetch_all(READING, &query).await?;
        let topic = |row: &Row| Topic {
            job: row.get("job"),
            period: row.get("period"),
            event: row.get("event"),
            about: row.get("about"),
        };
        Ok(rows.iter().map(topic).collect())
    }

    /// Opens and closes topics and writes down what is told of that: all or nothing, durable when this returns. Where
    /// every topic was as it shall be already (somebody else was faster, or it is the same failure again), nothing is
    /// written. Says whether something was.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub async fn tell(
        &self,
        opened: &[Topic],
        closed: &[Topic],
        notice: Option<&NewNotice>,
    ) -> Result<bool, JournalError> {
        let mut turn = self.begin(Mode::Write, DOING).await?;
        loop {
            let done = tell_in(turn.connection(), opened, closed, notice).await;
            if let Some(told) = turn.settle(done.map_err(|source| self.told(DOING, source))).await? {
                return Ok(told);
            }
        }
    }

    /// The notices that channels still wait for, the oldest first; not those that a living process is at. With
    /// `at_once` also those whose next try is not due yet.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn waiting_notices(&self, now: DateTime<Utc>, at_once: bool) -> Result<Vec<WaitingNotice>, JournalError> {
        let mut query = query(
            "SELECT notices.id AS id, channel, made_at, content, tries FROM notice_deliveries
             JOIN notices ON notices.id = notice_deliveries.notice
             WHERE state = 'waiting' AND claimed_until <= $1",
        )
        .bind(time_text(now));
        if !at_once {
            query.push(" AND next_try_at <= $1");
        }
        query.push(" ORDER BY made_at, notices.id, channel");
        let rows = self.fetch_all(READING, &query).await?;
        let waiting = |row: &Row| {
            let tries: i64 = row.get("tries");
            Ok(WaitingNotice {
                id: row.get("id"),
                channel: row.get("channel"),
                made_at: super::rows::time(row.get("made_at"))?,
                content: row.get("content"),
                tries: u32::try_from(tries).map_err(|_| Unreadable::new("a number of tries", &tries))?,
            })
        };
        self.readable(rows.iter().map(waiting).collect())
    }

    /// Takes one try of a delivery for this process, until that time; false where another was faster.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub async fn claim_delivery(&self, notice: &WaitingNotice, until: DateTime<Utc>) -> Result<bool, JournalError> {
        let query = query(
            "UPDATE notice_deliveries SET tries = tries + 1, claimed_until = $4
             WHERE notice = $1 AND channel = $2 AND state = 'waiting' AND tries = $3",
        )
        .bind(&notice.id)
        .bind(&notice.channel)
        .bind(notice.tries)
        .bind(time_text(until));
        Ok(self.execute_alone(DOING, &query).await? == 1)
    }

    /// Writes down what became of a try.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub async fn settle_delivery(&self, notice: &WaitingNotice, outcome: Delivery<'_>) -> Result<(), JournalError> {
        let (state, next, problem) = match outcome {
            Delivery::Delivered => ("delivered", NEVER.to_owned(), None),
            Delivery::Again { at, problem } => ("waiting", time_text(at), Some(problem)),
            Delivery::GivenUp { problem } => ("given_up", NEVER.to_owned(), Some(problem)),
        };
        let query = query(
            "UPDATE notice_deliveries SET state = $3, next_try_at = $4, problem = $5, claimed_until = $6
             WHERE notice = $1 AND channel = $2 AND state = 'waiting'",
        )
        .bind(&notice.id)
        .bind(&notice.channel)
        .bind(state)
        .bind(next)
        .bind(problem)
        .bind(NEVER);
        self.execute_alone(DOING, &query).await.map(|_| ())
    }

    /// How many notices wait for each channel.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn waiting_by_channel(&self) -> Result<Vec<(String, u64)>, JournalError> {
        let query = query(
            "SELECT channel, count(*) AS waiting FROM notice_deliveries WHERE state = 'waiting'
             GROUP BY channel ORDER BY channel",
        );
        let rows = self.fetch_all(READING, &query).await?;
        Ok(rows.iter().map(|row| (row.get("channel"), row.get::<i64, _>("waiting").unsigned_abs())).collect())
    }

    /// How many effects stand where, by job and state.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn count_effects(&self) -> Result<Vec<EffectCount>, JournalError> {
        let query =
            query("SELECT job, state, count(*) AS effects FROM effects GROUP BY job, state ORDER BY job, state");
        let rows = self.fetch_all("counting effects", &query).await?;
        let count = |row: &Row| EffectCount {
            job: row.get("job"),
            state: row.get("state"),
            effects: row.get::<i64, _>("effects").unsigned_abs(),
        };
        Ok(rows.iter().map(count).collect())
    }

    /// The plans of a job with effects that wait for approval: period, digest of the plan, how many.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn plans_to_approve(&self, job: &str) -> Result<Vec<(String, String, u64)>, JournalError> {
        let query = query(
            "SELECT period, plan, count(*) AS effects FROM effects WHERE job = $1 AND state = 'proposed'
             GROUP BY period, plan ORDER BY period, plan",
        )
        .bind(job);
        let rows = self.fetch_all("counting effects", &query).await?;
        let plan = |row: &Row| (row.get("period"), row.get("plan"), row.get::<i64, _>("effects").unsigned_abs());
        Ok(rows.iter().map(plan).collect())
    }

    /// The latest period of a job, by its label, of which a run was finished.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn latest_finished_period(&self, job: &str) -> Result<Option<String>, JournalError> {
        let query =
            query("SELECT max(period) AS latest FROM runs WHERE job = $1 AND status IN ('done', 'gate_breached')")
                .bind(job);
        let rows = self.fetch_all("looking for the latest period", &query).await?;
        Ok(rows.first().and_then(|row| row.get("latest")))
    }

    /// The answer of the journal to a probe.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<(), JournalError> {
        self.fetch_all("asking whether it answers", &query("SELECT 1")).await.map(|_| ())
    }
}

async fn tell_in(
    connection: &mut Connection,
    opened: &[Topic],
    closed: &[Topic],
    notice: Option<&NewNotice>,
) -> sqlx::Result<Done<bool>> {
    let id = notice.map_or("", |notice| &notice.id);
    let mut changed = 0;
    for topic in opened {
        let open = query(
            "INSERT INTO notice_topics (job, period, event, about, is_open, notice) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (job, period, event, about) DO UPDATE SET is_open = excluded.is_open, notice = excluded.notice
             WHERE notice_topics.is_open <> excluded.is_open",
        );
        changed += of_topic(open, topic).bind(true).bind(id).execute(connection).await?;
    }
    for topic in closed {
        let close = query(
            "UPDATE notice_topics SET is_open = $5
             WHERE job = $1 AND period = $2 AND event = $3 AND about = $4 AND is_open <> $5",
        );
        changed += of_topic(close, topic).bind(false).execute(connection).await?;
    }
    if changed == 0 {
        return Ok(Done::Nothing(false));
    }
    if let Some(notice) = notice {
        insert(connection, notice).await?;
    }
    Ok(Done::Written(true))
}

fn of_topic(statement: Statement, topic: &Topic) -> Statement {
    statement.bind(&topic.job).bind(&topic.period).bind(&topic.event).bind(&topic.about)
}

async fn insert(connection: &mut Connection, notice: &NewNotice) -> sqlx::Result<()> {
    query("INSERT INTO notices (id, job, period, made_at, content) VALUES ($1, $2, $3, $4, $5)")
        .bind(&notice.id)
        .bind(&notice.job)
        .bind(&notice.period)
        .bind(time_text(notice.made_at))
        .bind(&notice.content)
        .execute(connection)
        .await?;
    for channel in &notice.channels {
        query(
            "INSERT INTO notice_deliveries (notice, channel, state, tries, claimed_until, next_try_at)
             VALUES ($1, $2, 'waiting', 0, $3, $4)",
        )
        .bind(&notice.id)
        .bind(channel)
        .bind(NEVER)
        .bind(time_text(notice.made_at))
        .execute(connection)
        .await?;
    }
    Ok(())
}
