//! Reading effects back: where each stands, and what became of it.

use std::collections::HashMap;

use super::chain::last_entry;
use super::link::Mode;
use super::statement::{Statement, query};
use super::turn::Done;
use super::{EffectFilter, Journal, JournalError, rows};
use crate::effects::words::BY_URGENCY;
use crate::effects::{Anchor, BusinessKey, Entry, Standing};

/// Keys of one statement; each takes four bound values.
const CHUNK: usize = 1_000;

/// Digits of an effect's id that are enough to ask for it, where no other begins with them.
const LEAST_DIGITS: usize = 4;

impl Journal {
    /// The latest opening of each key that is known, in the order of the keys.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn standings(&self, keys: &[BusinessKey]) -> Result<Vec<Standing>, JournalError> {
        let mut found: HashMap<BusinessKey, Standing> = HashMap::new();
        for chunk in keys.chunks(CHUNK) {
            let mut query = Statement::new(
                "SELECT id, standing FROM effects WHERE opening = (SELECT max(opening) FROM effects AS others
                 WHERE others.provider = effects.provider AND others.organization = effects.organization
                 AND others.kind = effects.kind AND others.transaction_id = effects.transaction_id)
                 AND (provider, organization, kind, transaction_id) IN (",
            );
            query.push_values(chunk, |row, key| {
                row.push_bind(&*key.provider).push_bind(&*key.organization);
                row.push_bind(key.kind.name()).push_bind(&*key.transaction);
            });
            query.push(")");
            for standing in self.standings_of(&query).await? {
                found.insert(standing.effect.key.clone(), standing);
            }
        }
        Ok(keys.iter().filter_map(|key| found.remove(key)).collect())
    }

    /// The effects that pass the filter, by job, period, kind, transaction and opening.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn effects(&self, filter: &EffectFilter) -> Result<Vec<Standing>, JournalError> {
        let mut query = Statement::new("SELECT id, standing FROM effects WHERE TRUE");
        passing(&mut query, filter);
        query.push(" ORDER BY job, period, kind, transaction_id, opening, id LIMIT ");
        query.push_bind(filter.limit.map_or(i64::MAX, i64::from));
        self.standings_of(&query).await
    }

    /// How many effects pass the filter, whatever its limit.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn effects_counted(&self, filter: &EffectFilter) -> Result<u64, JournalError> {
        let mut query = Statement::new("SELECT count(*) FROM effects WHERE TRUE");
        passing(&mut query, filter);
        let rows = self.fetch_all("counting effects", &query).await?;
        Ok(rows.first().map_or(0, |row| row.get::<i64, _>(0).unsigned_abs()))
    }

    /// Some of the effects that pass the filter, what needs a person most first ([`BY_URGENCY`]), then as
    /// [`Journal::effects`].
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn effects_page(
        &self,
        filter: &EffectFilter,
        skip: u64,
        most: u64,
    ) -> Result<Vec<Standing>, JournalError> {
        let mut query = Statement::new("SELECT id, standing FROM effects WHERE TRUE");
        passing(&mut query, filter);
        query.push(" ORDER BY CASE state");
        for (place, state) in (0_i64..).zip(BY_URGENCY) {
            query.push(" WHEN ").push_bind(state.name()).push(" THEN ").push(&place.to_string());
        }
        query.push(" END, job, period, kind, transaction_id, opening, id LIMIT ").push_bind(rows::count(most));
        query.push(" OFFSET ").push_bind(rows::count(skip));
        self.standings_of(&query).await
    }

    /// The effect of that id, or of the one id that begins with these digits, of which there must be four.
    ///
    /// # Errors
    /// [`JournalError::UnknownEffect`] names the ids nearest to it or of that transaction, and
    /// [`JournalError::AmbiguousEffect`] those that begin with it.
    pub async fn effect(&self, id: &str) -> Result<Standing, JournalError> {
        let long_enough = id.len() >= LEAST_DIGITS && id.bytes().all(|digit| digit.is_ascii_hexdigit());
        let first = if long_enough { id.to_ascii_lowercase() } else { id.to_owned() };
        // `g` stands after every digit.
        let end = if long_enough { format!("{first}g") } else { first.clone() };
        let mut query = Statement::new("SELECT id, standing FROM effects WHERE id = ");
        query.push_bind(&*first).push(" OR (id > ").push_bind(&*first).push(" AND id < ").push_bind(end);
        query.push(") ORDER BY id LIMIT 4");
        let mut found = self.standings_of(&query).await?;
        match found.len() {
            0 => Err(JournalError::UnknownEffect { id: id.to_owned(), nearest: self.nearest_effects(id).await? }),
            1 => Ok(found.remove(0)),
            _ if found[0].effect.id == first => Ok(found.remove(0)),
            _ => {
                let known = found.into_iter().map(|standing| standing.effect.id).collect();
                Err(JournalError::AmbiguousEffect { id: id.to_owned(), known })
            }
        }
    }

    /// Everything that was recorded of an effect, in order. The id as for [`Journal::effect`].
    ///
    /// # Errors
    /// As [`Journal::effect`].
    pub async fn history(&self, id: &str) -> Result<Vec<Entry>, JournalError> {
        let id = self.effect(id).await?.effect.id;
        let query =
            query("SELECT sequence, entry FROM entries WHERE effect = $1 AND subject = 'effect' ORDER BY sequence")
                .bind(id);
        let rows = self.fetch_all("reading what became of an effect", &query).await?;
        self.readable(rows.iter().map(rows::entry).collect())
    }

    /// Where the journal of effects and breaks ends now.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn anchor(&self) -> Result<Anchor, JournalError> {
        const DOING: &str = "looking for the end of the journal";
        let mut turn = self.begin(Mode::Read, DOING).await?;
        loop {
            let found = last_entry(turn.connection()).await.map_err(|source| self.told(DOING, source));
            if let Some(anchor) = turn.settle(found.map(Done::Nothing)).await? {
                return Ok(anchor);
            }
        }
    }

    async fn standings_of(&self, query: &Statement) -> Result<Vec<Standing>, JournalError> {
        let rows = self.fetch_all("reading where effects stand", query).await?;
        self.readable(rows.iter().map(rows::standing).collect())
    }

    /// The effects of a transaction that is named instead of an id, or else the ids that look like it.
    async fn nearest_effects(&self, id: &str) -> Result<Vec<String>, JournalError> {
        let query = query(
            "SELECT id, transaction_id = $1 AS named FROM effects ORDER BY named DESC, last_sequence DESC LIMIT 10000",
        );
        let rows = self.fetch_all("looking for effects like it", &query.bind(id)).await?;
        let mut scored: Vec<(f64, String)> = rows
            .iter()
            .map(|row| {
                let known: String = row.get("id");
                let named = row.get::<bool, _>("named");
                (if named { 1.0 } else { strsim::normalized_damerau_levenshtein(&known, id) }, known)
            })
            // Digits alone are alike by chance: less than this is no slip of the pen.
            .filter(|(score, _)| *score >= 0.8)
            .collect();
        scored.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
        Ok(scored.into_iter().take(3).map(|(_, id)| id).collect())
    }
}

/// The conditions of a filter, behind a `WHERE`.
fn passing(query: &mut Statement, filter: &EffectFilter) {
    let columns = [
        (" AND job = ", filter.job.as_deref()),
        (" AND period = ", filter.period.as_deref()),
        (" AND plan = ", filter.plan.as_deref()),
        (" AND kind = ", filter.kind.map(crate::effects::EffectKind::name)),
        (" AND transaction_id = ", filter.transaction.as_deref()),
    ];
    for (condition, value) in columns {
        if let Some(value) = value {
            query.push(condition).push_bind(value);
        }
    }
    if !filter.states.is_empty() {
        query.push(" AND state IN (").push_list(filter.states.iter().map(|state| state.name())).push(")");
    }
}
