//! Reading effects back: where each stands, and what became of it.

use std::collections::HashMap;

use sqlx::{QueryBuilder, Row, Sqlite};

use super::chain::last_entry;
use super::{EffectFilter, Journal, JournalError, rows};
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
            // Of a group with one `max`, SQLite gives the row that has it.
            let mut query = QueryBuilder::<Sqlite>::new(
                "SELECT id, standing, max(opening) FROM effects
                 WHERE (provider, organization, kind, transaction_id) IN (",
            );
            query.push_values(chunk, |mut row, key| {
                row.push_bind(&*key.provider).push_bind(&*key.organization);
                row.push_bind(key.kind.name()).push_bind(&*key.transaction);
            });
            query.push(") GROUP BY provider, organization, kind, transaction_id");
            for standing in self.standings_of(&mut query).await? {
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
        let mut query = QueryBuilder::<Sqlite>::new("SELECT id, standing FROM effects WHERE TRUE");
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
            query.push(" AND state IN (");
            let mut list = query.separated(", ");
            for state in &filter.states {
                list.push_bind(state.name());
            }
            query.push(")");
        }
        query.push(" ORDER BY job, period, kind, transaction_id, opening, id LIMIT ");
        query.push_bind(filter.limit.map_or(-1, i64::from));
        self.standings_of(&mut query).await
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
        let mut query = QueryBuilder::<Sqlite>::new("SELECT id, standing FROM effects WHERE id = ");
        query.push_bind(&*first).push(" OR (id > ").push_bind(&*first).push(" AND id < ").push_bind(end);
        query.push(") ORDER BY id LIMIT 4");
        let mut found = self.standings_of(&mut query).await?;
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
        let query = sqlx::query(
            "SELECT sequence, entry FROM entries WHERE effect = ?1 AND subject = 'effect' ORDER BY sequence",
        )
        .bind(id);
        let rows = query.fetch_all(&mut *self.connection.lock().await).await;
        let rows = rows.map_err(|source| self.told("reading what became of an effect", source))?;
        self.readable(rows.iter().map(rows::entry).collect())
    }

    /// Where the journal of effects and breaks ends now.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub async fn anchor(&self) -> Result<Anchor, JournalError> {
        let anchor = last_entry(&mut *self.connection.lock().await).await;
        anchor.map_err(|source| self.told("looking for the end of the journal", source))
    }

    async fn standings_of(&self, query: &mut QueryBuilder<Sqlite>) -> Result<Vec<Standing>, JournalError> {
        let rows = query.build().fetch_all(&mut *self.connection.lock().await).await;
        let rows = rows.map_err(|source| self.told("reading where effects stand", source))?;
        self.readable(rows.iter().map(rows::standing).collect())
    }

    /// The effects of a transaction that is named instead of an id, or else the ids that look like it.
    async fn nearest_effects(&self, id: &str) -> Result<Vec<String>, JournalError> {
        let query = sqlx::query(
            "SELECT id, transaction_id = ?1 AS named FROM effects ORDER BY named DESC, last_sequence DESC LIMIT 10000",
        );
        let rows = query.bind(id).fetch_all(&mut *self.connection.lock().await).await;
        let rows = rows.map_err(|source| self.told("looking for effects like it", source))?;
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
