//! What people are told, each thing once: what is the matter (topics), what was written about it (notices), and which
//! channel has it (deliveries). A notice is written down before it is sent, so that a process that dies tells it twice
//! rather than never; receivers know it by its id. Beside it the few counts that watchers ask for.

use chrono::{DateTime, Utc};
use sqlx::{Connection, Row};

use super::file::BEGIN_WRITE;
use super::rows::{Unreadable, time_text};
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
        let every = "SELECT job, period, event, about FROM notice_topics WHERE is_open = 1
             ORDER BY job, period, event, about";
        let of_job = "SELECT job, period, event, about FROM notice_topics WHERE is_open = 1 AND job = $1
             ORDER BY job, period, event, about";
        let query = job.map_or_else(|| sqlx::query(every), |job| sqlx::query(of_job).bind(job));
        let rows = query.fetch_all(&mut *self.connection.lock().await).await;
        let rows = rows.map_err(|source| self.told(READING, source))?;
        let topic = |row: &sqlx::sqlite::SqliteRow| Topic {
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
        let told = |source| self.told(DOING, source);
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin_with(BEGIN_WRITE).await.map_err(told)?;
        let id = notice.map_or("", |notice| &notice.id);
        let mut changed = 0;
        for topic in opened {
            let done = sqlx::query(
                "INSERT INTO notice_topics (job, period, event, about, is_open, notice) VALUES ($1, $2, $3, $4, 1, $5)
                 ON CONFLICT (job, period, event, about) DO UPDATE SET is_open = 1, notice = excluded.notice
                 WHERE notice_topics.is_open = 0",
            )
            .bind(&topic.job)
            .bind(&topic.period)
            .bind(&topic.event)
            .bind(&topic.about)
            .bind(id)
            .execute(&mut *transaction)
            .await;
            changed += done.map_err(told)?.rows_affected();
        }
        for topic in closed {
            let done = sqlx::query(
                "UPDATE notice_topics SET is_open = 0
                 WHERE job = $1 AND period = $2 AND event = $3 AND about = $4 AND is_open = 1",
            )
            .bind(&topic.job)
            .bind(&topic.period)
            .bind(&topic.event)
            .bind(&topic.about)
            .execute(&mut *transaction)
            .await;
            changed += done.map_err(told)?.rows_affected();
        }
        if changed == 0 {
            return Ok(false);
        }
        if let Some(notice) = notice {
            insert(&mut transaction, notice).await.map_err(told)?;
        }
        self.commit(transaction).await.map_err(told)?;
        Ok(true)
    }

    /// The notices that channels still wait for, the oldest first; not those that a living process is at. With
    /// `at_once` also those whose next try is not due yet.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn waiting_notices(&self, now: DateTime<Utc>, at_once: bool) -> Result<Vec<WaitingNotice>, JournalError> {
        let query = sqlx::query(
            "SELECT notices.id AS id, channel, made_at, content, tries FROM notice_deliveries
             JOIN notices ON notices.id = notice_deliveries.notice
             WHERE state = 'waiting' AND claimed_until <= $1 AND (next_try_at <= $1 OR $2 = 1)
             ORDER BY made_at, notices.id, channel",
        )
        .bind(time_text(now))
        .bind(i64::from(at_once));
        let rows = query.fetch_all(&mut *self.connection.lock().await).await;
        let rows = rows.map_err(|source| self.told(READING, source))?;
        let waiting = |row: &sqlx::sqlite::SqliteRow| {
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
        let query = sqlx::query(
            "UPDATE notice_deliveries SET tries = tries + 1, claimed_until = $4
             WHERE notice = $1 AND channel = $2 AND state = 'waiting' AND tries = $3",
        )
        .bind(&notice.id)
        .bind(&notice.channel)
        .bind(i64::from(notice.tries))
        .bind(time_text(until));
        let done = query.execute(&mut *self.connection.lock().await).await;
        let done = done.map_err(|source| self.told(DOING, source))?;
        self.committed();
        Ok(done.rows_affected() == 1)
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
        let query = sqlx::query(
            "UPDATE notice_deliveries SET state = $3, next_try_at = $4, problem = $5, claimed_until = $6
             WHERE notice = $1 AND channel = $2 AND state = 'waiting'",
        )
        .bind(&notice.id)
        .bind(&notice.channel)
        .bind(state)
        .bind(next)
        .bind(problem)
        .bind(NEVER);
        query.execute(&mut *self.connection.lock().await).await.map_err(|source| self.told(DOING, source))?;
        self.committed();
        Ok(())
    }

    /// How many notices wait for each channel.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn waiting_by_channel(&self) -> Result<Vec<(String, u64)>, JournalError> {
        let query = sqlx::query(
            "SELECT channel, count(*) AS waiting FROM notice_deliveries WHERE state = 'waiting'
             GROUP BY channel ORDER BY channel",
        );
        let rows = query.fetch_all(&mut *self.connection.lock().await).await;
        let rows = rows.map_err(|source| self.told(READING, source))?;
        Ok(rows.iter().map(|row| (row.get("channel"), row.get::<i64, _>("waiting").unsigned_abs())).collect())
    }

    /// How many effects stand where, by job and state.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn count_effects(&self) -> Result<Vec<EffectCount>, JournalError> {
        let query =
            sqlx::query("SELECT job, state, count(*) AS effects FROM effects GROUP BY job, state ORDER BY job, state");
        let rows = query.fetch_all(&mut *self.connection.lock().await).await;
        let rows = rows.map_err(|source| self.told("counting effects", source))?;
        let count = |row: &sqlx::sqlite::SqliteRow| EffectCount {
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
        let query = sqlx::query(
            "SELECT period, plan, count(*) AS effects FROM effects WHERE job = $1 AND state = 'proposed'
             GROUP BY period, plan ORDER BY period, plan",
        )
        .bind(job);
        let rows = query.fetch_all(&mut *self.connection.lock().await).await;
        let rows = rows.map_err(|source| self.told("counting effects", source))?;
        let plan = |row: &sqlx::sqlite::SqliteRow| {
            (row.get("period"), row.get("plan"), row.get::<i64, _>("effects").unsigned_abs())
        };
        Ok(rows.iter().map(plan).collect())
    }

    /// The latest period of a job, by its label, of which a run was finished.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn latest_finished_period(&self, job: &str) -> Result<Option<String>, JournalError> {
        let query = sqlx::query(
            "SELECT max(period) AS latest FROM runs WHERE job = $1 AND status IN ('done', 'gate_breached')",
        )
        .bind(job);
        let row = query.fetch_one(&mut *self.connection.lock().await).await;
        Ok(row.map_err(|source| self.told("looking for the latest period", source))?.get("latest"))
    }

    /// The answer of the journal to a probe.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<(), JournalError> {
        let query = sqlx::query("SELECT 1");
        let done = query.fetch_one(&mut *self.connection.lock().await).await;
        done.map(|_| ()).map_err(|source| self.told("asking whether it answers", source))
    }
}

async fn insert(connection: &mut sqlx::SqliteConnection, notice: &NewNotice) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO notices (id, job, period, made_at, content) VALUES ($1, $2, $3, $4, $5)")
        .bind(&notice.id)
        .bind(&notice.job)
        .bind(&notice.period)
        .bind(time_text(notice.made_at))
        .bind(&notice.content)
        .execute(&mut *connection)
        .await?;
    for channel in &notice.channels {
        sqlx::query(
            "INSERT INTO notice_deliveries (notice, channel, state, tries, claimed_until, next_try_at)
             VALUES ($1, $2, 'waiting', 0, $3, $4)",
        )
        .bind(&notice.id)
        .bind(channel)
        .bind(NEVER)
        .bind(time_text(notice.made_at))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
