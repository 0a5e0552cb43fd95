//! Reading breaks back: where each stands, which runs have found it, and what became of it.

use std::collections::HashMap;

use super::chain::CHUNK;
use super::link::{Connection, Mode};
use super::rows::{self, Unreadable};
use super::statement::{Row, Statement, query};
use super::turn::Done;
use super::{BreakEntry, BreakFilter, BreakRow, Journal, JournalError, SightingRecord};
use crate::breaks::life::{Sighting, Standing, apply};
use crate::breaks::observe::Observation;

/// What is told when a statement of these fails.
const DOING: &str = "reading where breaks stand";

/// Breaks with how they stand; behind it stand conditions on `breaks`.
const BREAKS: &str =
    "SELECT id, standing, entry FROM breaks LEFT JOIN entries ON standing = '' AND entries.sequence = last_sequence";

/// Digits of a break's id that are enough to ask for it, where no other begins with them.
const LEAST_DIGITS: usize = 4;

impl Journal {
    /// Where these breaks stand, by id; what is not known is left out.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn lives(&self, ids: &[&str]) -> Result<HashMap<String, Standing>, JournalError> {
        let mut turn = self.begin(Mode::Read, DOING).await?;
        loop {
            let found = self.breaks_of(turn.connection(), ids).await;
            if let Some(lives) = turn.settle(found.map(Done::Nothing)).await? {
                return Ok(lives);
            }
        }
    }

    /// Every break that the latest attempt of this job and period has found, by id.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn lives_in(&self, job: &str, period: &str) -> Result<HashMap<String, Standing>, JournalError> {
        let mut turn = self.begin(Mode::Read, DOING).await?;
        loop {
            let found = self.breaks_present(turn.connection(), job, period).await;
            if let Some(lives) = turn.settle(found.map(Done::Nothing)).await? {
                return Ok(lives);
            }
        }
    }

    /// What has to be known to follow an observation: every break that it says something of, and those that the latest
    /// attempt of its job and period has found, by id.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn lives_of(&self, observation: &Observation) -> Result<HashMap<String, Standing>, JournalError> {
        let mut turn = self.begin(Mode::Read, DOING).await?;
        loop {
            let found = self.breaks_known(turn.connection(), observation).await;
            if let Some(lives) = turn.settle(found.map(Done::Nothing)).await? {
                return Ok(lives);
            }
        }
    }

    /// The breaks that pass the filter: by job, first period, kind, then most at risk first.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn breaks(&self, filter: &BreakFilter) -> Result<Vec<BreakRow>, JournalError> {
        let mut query = Statement::new(
            "SELECT breaks.id, standing, entry, sightings.* FROM breaks JOIN sightings ON break_id = breaks.id
             AND sightings.period = (SELECT period FROM sightings WHERE break_id = breaks.id
             ORDER BY last_seen DESC, period DESC LIMIT 1) LEFT JOIN entries ON standing = ''
             AND entries.sequence = last_sequence WHERE TRUE",
        );
        if let Some(job) = &filter.job {
            query.push(" AND breaks.job = ").push_bind(&**job);
        }
        if let Some(owner) = &filter.owner {
            query.push(" AND owner = ").push_bind(&**owner);
        }
        if let Some(period) = &filter.period {
            query.push(" AND breaks.id IN (SELECT break_id FROM sightings WHERE period = ").push_bind(&**period);
            query.push(")");
        }
        one_of(&mut query, " AND status IN (", filter.statuses.iter().map(|status| status.name()));
        one_of(&mut query, " AND kind IN (", filter.kinds.iter().map(|kind| kind.name()));
        query.push(" ORDER BY breaks.job, first_period, kind, at_risk_minor DESC, key, breaks.id");
        let rows = self.fetch_all(DOING, &query).await?;
        let read = |row| Ok(BreakRow { standing: standing(row)?, last: sighting(row)? });
        self.readable(rows.iter().map(read).collect())
    }

    /// The break of that id, or of the one id that begins with these digits, of which there must be four.
    ///
    /// # Errors
    /// [`JournalError::UnknownBreak`] names the breaks of that key, and [`JournalError::AmbiguousBreak`] those that
    /// begin with the digits.
    pub async fn life(&self, id: &str) -> Result<Standing, JournalError> {
        let long_enough = id.len() >= LEAST_DIGITS && id.bytes().all(|digit| digit.is_ascii_hexdigit());
        let first = if long_enough { id.to_ascii_lowercase() } else { id.to_owned() };
        // `g` stands after every digit.
        let end = if long_enough { format!("{first}g") } else { first.clone() };
        let mut query = Statement::new(BREAKS);
        query.push(" WHERE id = $1 OR (id > $1 AND id < $2) ORDER BY id LIMIT 4");
        let rows = self.fetch_all(DOING, &query.bind(&first).bind(end)).await?;
        let mut found: Vec<Standing> = self.readable(rows.iter().map(standing).collect())?;
        match found.len() {
            0 => Err(JournalError::UnknownBreak { id: id.to_owned(), nearest: self.breaks_of_key(id).await? }),
            1 => Ok(found.remove(0)),
            _ if found[0].id == first => Ok(found.remove(0)),
            _ => {
                let known = found.into_iter().map(|standing| standing.id).collect();
                Err(JournalError::AmbiguousBreak { id: id.to_owned(), known })
            }
        }
    }

    /// The suggestions that wait and pair this key with others, the one found last at the end.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn suggestions_of_key(&self, key: &str) -> Result<Vec<Standing>, JournalError> {
        let mut query = Statement::new(BREAKS);
        query.push(" WHERE kind = $1 AND status = 'suggested' AND replace(key, $2, '') <> key ORDER BY last_sequence");
        let query = query.bind(Sighting::PAIR).bind(key);
        let rows = self.fetch_all(DOING, &query).await?;
        let mut found: Vec<Standing> = self.readable(rows.iter().map(standing).collect())?;
        found.retain(|standing| standing.facts().key.split(Sighting::PAIRED).any(|paired| paired == key));
        Ok(found)
    }

    /// The breaks of that key, and the suggestions that pair it with others, in the order of what became of them last.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn lives_of_key(&self, key: &str) -> Result<Vec<Standing>, JournalError> {
        let mut query = Statement::new(BREAKS);
        query.push(" WHERE key = $2 OR (kind = $1 AND replace(key, $2, '') <> key) ORDER BY last_sequence");
        let query = query.bind(Sighting::PAIR).bind(key);
        let rows = self.fetch_all(DOING, &query).await?;
        let mut found: Vec<Standing> = self.readable(rows.iter().map(standing).collect())?;
        let pairs_it = |facts: &Sighting| facts.key.split(Sighting::PAIRED).any(|paired| paired == key);
        found.retain(|standing| standing.facts().key == key || pairs_it(standing.facts()));
        Ok(found)
    }

    /// The ids of breaks of that key.
    async fn breaks_of_key(&self, key: &str) -> Result<Vec<String>, JournalError> {
        let query = query("SELECT id FROM breaks WHERE key = $1 ORDER BY id LIMIT 3").bind(key);
        Ok(self.fetch_all(DOING, &query).await?.iter().map(|row| row.get("id")).collect())
    }

    /// Everything that was recorded of a break, in order, by its whole id.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn life_of(&self, id: &str) -> Result<Vec<BreakEntry>, JournalError> {
        let query =
            query("SELECT sequence, entry FROM entries WHERE effect = $1 AND subject = 'break' ORDER BY sequence");
        let rows = self.fetch_all("reading what became of a break", &query.bind(id)).await?;
        let read = |row: &Row| {
            serde_json::from_str(row.get("entry"))
                .map_err(|_| Unreadable::new("an entry about a break", &row.get::<i64, _>("sequence")))
        };
        self.readable(rows.iter().map(read).collect())
    }

    /// The periods in which runs have found a break, by label.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn sightings(&self, id: &str) -> Result<Vec<SightingRecord>, JournalError> {
        let query = query("SELECT * FROM sightings WHERE break_id = $1 ORDER BY period").bind(id);
        let rows = self.fetch_all(DOING, &query).await?;
        self.readable(rows.iter().map(sighting).collect())
    }

    pub(super) async fn breaks_present(
        &self,
        connection: &mut Connection,
        job: &str,
        period: &str,
    ) -> Result<HashMap<String, Standing>, JournalError> {
        let query = query(
            "SELECT breaks.id, standing, entry FROM sightings JOIN breaks ON breaks.id = break_id
             LEFT JOIN entries ON standing = '' AND entries.sequence = last_sequence WHERE sightings.job = $1 AND period = $2 AND present",
        );
        let rows = query.bind(job).bind(period).fetch_all(connection).await;
        let rows = rows.map_err(|source| self.told(DOING, source))?;
        self.readable(rows.iter().map(by_id).collect())
    }

    /// See [`Journal::lives_of`].
    pub(super) async fn breaks_known(
        &self,
        connection: &mut Connection,
        observation: &Observation,
    ) -> Result<HashMap<String, Standing>, JournalError> {
        let any = query("SELECT 1 FROM breaks LIMIT 1").fetch_optional(connection).await;
        if any.map_err(|source| self.told(DOING, source))?.is_none() {
            // A first run may have found millions, of which not one has to be asked for.
            return Ok(HashMap::new());
        }
        let mut known = self.breaks_present(connection, &observation.job, &observation.period).await?;
        let others: Vec<&str> = observation.ids().into_iter().filter(|id| !known.contains_key(*id)).collect();
        known.extend(self.breaks_of(connection, &others).await?);
        Ok(known)
    }

    pub(super) async fn breaks_of(
        &self,
        connection: &mut Connection,
        ids: &[&str],
    ) -> Result<HashMap<String, Standing>, JournalError> {
        let mut known = HashMap::new();
        for chunk in ids.chunks(CHUNK) {
            let mut query = Statement::new(BREAKS);
            query.push(" WHERE TRUE");
            one_of(&mut query, " AND id IN (", chunk.iter().copied());
            let rows = query.fetch_all(connection).await;
            for row in rows.map_err(|source| self.told(DOING, source))? {
                let (id, standing) = self.readable(by_id(&row))?;
                known.insert(id, standing);
            }
        }
        Ok(known)
    }
}

/// A condition that one of these is met; none where there are none.
fn one_of<'q>(query: &mut Statement, condition: &str, values: impl Iterator<Item = &'q str>) {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return;
    }
    query.push(condition).push_list(values).push(")");
}

fn by_id(row: &Row) -> Result<(String, Standing), Unreadable> {
    Ok((row.get("id"), standing(row)?))
}

/// How a break stands. What nothing has happened to since it was opened stands as its one entry says.
fn standing(row: &Row) -> Result<Standing, Unreadable> {
    let unreadable = || Unreadable::new("the standing of a break", row.get::<&str, _>("id"));
    let standing: &str = row.get("standing");
    if !standing.is_empty() {
        return serde_json::from_str(standing).map_err(|_| unreadable());
    }
    let entry = row.get::<Option<&str>, _>("entry").ok_or_else(unreadable)?;
    let entry: BreakEntry = serde_json::from_str(entry).map_err(|_| unreadable())?;
    apply(None, &entry.id, &entry.event, entry.at).map_err(|_| unreadable())
}

fn sighting(row: &Row) -> Result<SightingRecord, Unreadable> {
    Ok(SightingRecord {
        period: row.get("period"),
        present: row.get("present"),
        first_run: row.get("first_run"),
        last_run: row.get("last_run"),
        last_seen: rows::time(row.get("last_seen"))?,
    })
}
