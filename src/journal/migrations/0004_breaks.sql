-- The life of breaks across runs: their events stand in the chain of `entries`, beside those of effects.
-- Times are RFC 3339 in UTC.

-- What an entry is about; its id stands in `effect`, whatever it is.
ALTER TABLE entries ADD COLUMN subject TEXT NOT NULL DEFAULT 'effect' CHECK (subject IN ('effect', 'break'));

-- What the entries add up to. It is derived: `tieout journal verify` makes it again and compares.
CREATE TABLE breaks (
    -- See `breaks/id.rs`; the id of a suggestion for what is none yet.
    id            TEXT    NOT NULL PRIMARY KEY,
    job           TEXT    NOT NULL,
    -- The kind's name; `suggested_match` for keys that a weaker rule pairs.
    kind          TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    -- ISO 4217; empty where nothing is at risk.
    currency      TEXT    NOT NULL,
    -- Minor units.
    at_risk_minor INTEGER NOT NULL,
    status        TEXT    NOT NULL,
    owner         TEXT,
    -- The earliest label.
    first_period  TEXT    NOT NULL,
    -- JSON
    standing      TEXT    NOT NULL,
    -- The last entry of this break, and its hash.
    last_sequence INTEGER NOT NULL,
    last_hash     TEXT    NOT NULL
) STRICT;
CREATE INDEX breaks_by_status ON breaks (job, status);
CREATE INDEX breaks_by_key ON breaks (key);

-- Which periods have a break, and when a run found it there last. To be found as before is no event, so the times
-- stand in no entry; which periods have it now does.
CREATE TABLE sightings (
    job       TEXT    NOT NULL,
    period    TEXT    NOT NULL,
    break_id  TEXT    NOT NULL,
    -- The period's latest attempt found it.
    present   INTEGER NOT NULL CHECK (present IN (0, 1)),
    first_run TEXT    NOT NULL,
    last_run  TEXT    NOT NULL,
    last_seen TEXT    NOT NULL,
    PRIMARY KEY (job, period, break_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sightings_by_break ON sightings (break_id, period);

CREATE TRIGGER breaks_are_kept BEFORE DELETE ON breaks
BEGIN SELECT RAISE(ABORT, 'a break is never deleted'); END;
CREATE TRIGGER sightings_are_kept BEFORE DELETE ON sightings
BEGIN SELECT RAISE(ABORT, 'a sighting is never deleted'); END;
