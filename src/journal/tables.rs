//! The tables of the journal, column by column, for what goes over all of them.

use super::statement::{Row, Value};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Whole,
    Flag,
}

/// One table. Names are ours, and stand in statements.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
    /// The columns that a row is found by, in order.
    pub(super) key: &'static [&'static str],
    /// The column that the database numbers by itself, if any.
    pub(super) numbered: Option<&'static str>,
}

impl Table {
    /// The names of its columns, with commas.
    pub(super) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The values of a row that was selected by [`Self::names`].
    pub(super) fn values(&self, row: &Row) -> sqlx::Result<Vec<Value>> {
        let read = |(place, (_, kind)): (usize, &(&str, Kind))| {
            Ok(match kind {
                Text => Value::Text(row.try_get(place)?),
                Whole => Value::Whole(row.try_get(place)?),
                Flag => Value::Flag(row.try_get(place)?),
            })
        };
        self.columns.iter().enumerate().map(read).collect()
    }
}

use Kind::{Flag, Text, Whole};

/// All of them, those that others refer to first.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "runs",
        columns: &[
            ("sequence", Whole),
            ("id", Text),
            ("job", Text),
            ("period", Text),
            ("attempt", Whole),
            ("note", Text),
            ("job_sha256", Text),
            ("program_version", Text),
            ("sandbox", Flag),
            ("started_at", Text),
            ("status", Text),
            ("exit_code", Whole),
            ("breaks", Whole),
            ("rows", Whole),
            ("ties_out", Flag),
            ("message", Text),
            ("finished_at", Text),
            ("artifacts", Text),
            ("started_by", Text),
            ("lease_epoch", Whole),
        ],
        key: &["sequence"],
        numbered: Some("sequence"),
    },
    Table {
        name: "steps",
        columns: &[("run_id", Text), ("position", Whole), ("step", Text), ("at", Text), ("detail", Text)],
        key: &["run_id", "position"],
        numbered: None,
    },
    Table {
        name: "inputs",
        columns: &[
            ("run_id", Text),
            ("position", Whole),
            ("side", Text),
            ("name", Text),
            ("origin", Text),
            ("stored", Text),
            ("sha256", Text),
            ("bytes", Whole),
            ("rows", Whole),
        ],
        key: &["run_id", "position"],
        numbered: None,
    },
    Table {
        name: "entries",
        columns: &[("sequence", Whole), ("effect", Text), ("entry", Text), ("hash", Text), ("subject", Text)],
        key: &["sequence"],
        numbered: None,
    },
    Table {
        name: "effects",
        columns: &[
            ("rowid", Whole),
            ("id", Text),
            ("provider", Text),
            ("organization", Text),
            ("kind", Text),
            ("transaction_id", Text),
            ("opening", Whole),
            ("job", Text),
            ("period", Text),
            ("plan", Text),
            ("state", Text),
            ("standing", Text),
            ("last_sequence", Whole),
            ("last_hash", Text),
        ],
        key: &["rowid"],
        numbered: Some("rowid"),
    },
    Table {
        name: "leases",
        columns: &[("name", Text), ("epoch", Whole), ("holder", Text), ("expires_at", Text), ("released", Flag)],
        key: &["name"],
        numbered: None,
    },
    Table {
        name: "backfills",
        columns: &[
            ("id", Whole),
            ("job", Text),
            ("from_period", Text),
            ("to_period", Text),
            ("reprocess", Text),
            ("begun_at", Text),
            ("begun_by", Text),
        ],
        key: &["id"],
        numbered: Some("id"),
    },
    Table {
        name: "backfill_periods",
        columns: &[
            ("backfill", Whole),
            ("position", Whole),
            ("period", Text),
            ("known_attempts", Whole),
            ("skipped", Text),
        ],
        key: &["backfill", "position"],
        numbered: None,
    },
    Table {
        name: "backfill_attempts",
        columns: &[
            ("backfill", Whole),
            ("attempt", Whole),
            ("begun_at", Text),
            ("begun_by", Text),
            ("note", Text),
            ("max_parallel", Whole),
            ("newest_first", Flag),
            ("offline", Flag),
            ("program_version", Text),
            ("job_sha256", Text),
            ("status", Text),
            ("exit_code", Whole),
            ("message", Text),
            ("ended_at", Text),
        ],
        key: &["backfill", "attempt"],
        numbered: None,
    },
    Table {
        name: "backfill_ends",
        columns: &[
            ("backfill", Whole),
            ("attempt", Whole),
            ("period", Text),
            ("status", Text),
            ("well", Flag),
            ("found", Flag),
            ("run", Text),
            ("exit_code", Whole),
            ("breaks", Whole),
            ("message", Text),
            ("begun_at", Text),
            ("ended_at", Text),
        ],
        key: &["backfill", "attempt", "period"],
        numbered: None,
    },
    Table {
        name: "breaks",
        columns: &[
            ("rowid", Whole),
            ("id", Text),
            ("job", Text),
            ("kind", Text),
            ("key", Text),
            ("currency", Text),
            ("at_risk_minor", Whole),
            ("status", Text),
            ("owner", Text),
            ("first_period", Text),
            ("standing", Text),
            ("last_sequence", Whole),
            ("last_hash", Text),
        ],
        key: &["rowid"],
        numbered: Some("rowid"),
    },
    Table {
        name: "sightings",
        columns: &[
            ("job", Text),
            ("period", Text),
            ("break_id", Text),
            ("present", Flag),
            ("first_run", Text),
            ("last_run", Text),
            ("last_seen", Text),
        ],
        key: &["job", "period", "break_id"],
        numbered: None,
    },
    Table {
        name: "seals",
        columns: &[
            ("rowid", Whole),
            ("id", Text),
            ("job", Text),
            ("period", Text),
            ("state", Text),
            ("run", Text),
            ("standing", Text),
            ("last_sequence", Whole),
            ("last_hash", Text),
        ],
        key: &["rowid"],
        numbered: Some("rowid"),
    },
    Table {
        name: "sign_offs",
        columns: &[
            ("rowid", Whole),
            ("run", Text),
            ("job", Text),
            ("period", Text),
            ("state", Text),
            ("digest", Text),
            ("standing", Text),
            ("last_sequence", Whole),
            ("last_hash", Text),
        ],
        key: &["rowid"],
        numbered: Some("rowid"),
    },
    Table {
        name: "notices",
        columns: &[("id", Text), ("job", Text), ("period", Text), ("made_at", Text), ("content", Text)],
        key: &["id"],
        numbered: None,
    },
    Table {
        name: "notice_topics",
        columns: &[
            ("job", Text),
            ("period", Text),
            ("event", Text),
            ("about", Text),
            ("is_open", Flag),
            ("notice", Text),
        ],
        key: &["job", "period", "event", "about"],
        numbered: None,
    },
    Table {
        name: "notice_deliveries",
        columns: &[
            ("notice", Text),
            ("channel", Text),
            ("state", Text),
            ("tries", Whole),
            ("claimed_until", Text),
            ("next_try_at", Text),
            ("problem", Text),
        ],
        key: &["notice", "channel"],
        numbered: None,
    },
    Table {
        name: "sessions",
        columns: &[
            ("id", Text),
            ("name", Text),
            ("credential", Text),
            ("begun_at", Text),
            ("seen_at", Text),
            ("ended_at", Text),
        ],
        key: &["id"],
        numbered: None,
    },
];
