//! Which periods the journal knows: what an overview begins with.

use super::rows;
use super::statement::query;
use super::{Journal, JournalError, RunRecord};

/// The periods of a job of which any attempt was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPeriods {
    pub job: String,
    /// Labels of one grain.
    pub first: String,
    pub last: String,
}

impl Journal {
    /// The first and the last period of each job, by job and grain.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn known_periods(&self) -> Result<Vec<KnownPeriods>, JournalError> {
        let query = query(
            "SELECT job, min(period) AS first, max(period) AS last FROM runs GROUP BY job, length(period)
             ORDER BY job, max(period)",
        );
        let rows = self.fetch_all("looking for known periods", &query).await?;
        Ok(rows
            .iter()
            .map(|row| KnownPeriods { job: row.get("job"), first: row.get("first"), last: row.get("last") })
            .collect())
    }

    /// The latest attempts of the periods whose latest attempt has failed, the last one first.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn failed_periods(&self) -> Result<Vec<RunRecord>, JournalError> {
        let query = query(
            "SELECT * FROM runs WHERE status = 'failed' AND attempt = (SELECT max(attempt) FROM runs AS latest
             WHERE latest.job = runs.job AND latest.period = runs.period) ORDER BY sequence DESC",
        );
        let rows = self.fetch_all("looking for failed periods", &query).await?;
        self.readable(rows.iter().map(rows::run).collect())
    }

    /// The labels of the last finished periods of a job up to this one, the latest first.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn finished_up_to(&self, job: &str, period: &str, most: u32) -> Result<Vec<String>, JournalError> {
        let query = query(
            "SELECT DISTINCT period FROM runs WHERE job = $1 AND period <= $2 AND length(period) = length($2)
             AND status IN ('done', 'gate_breached') ORDER BY period DESC LIMIT $3",
        );
        let query = query.bind(job).bind(period).bind(i64::from(most));
        let rows = self.fetch_all("looking for the periods before", &query).await?;
        Ok(rows.iter().map(|row| row.get("period")).collect())
    }
}
