-- Effects: every event in one chain, where each effect stands, and who may write for a job and period.
-- Times are RFC 3339 in UTC.
CREATE TABLE entries (
    -- From 1, without gaps.
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    -- The effect's id, as the entry says it.
    effect   TEXT    NOT NULL,
    -- JSON. It holds the hash of the entry before it.
    entry    TEXT    NOT NULL,
    -- SHA-256 of the bytes of `entry` in lower-case hexadecimal: `sha256sum` says the same.
    hash     TEXT    NOT NULL
) STRICT;
CREATE INDEX entries_by_effect ON entries (effect, sequence);

-- What the entries add up to. It is derived: `tieout journal verify` makes it again and compares.
CREATE TABLE effects (
    id             TEXT    NOT NULL PRIMARY KEY,
    provider       TEXT    NOT NULL,
    organization   TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    transaction_id TEXT    NOT NULL,
    opening        INTEGER NOT NULL CHECK (opening > 0),
    job            TEXT    NOT NULL,
    period         TEXT    NOT NULL,
    -- Digest of the plan that wanted it last.
    plan           TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    -- JSON
    standing       TEXT    NOT NULL,
    -- The last entry of this effect, and its hash.
    last_sequence  INTEGER NOT NULL,
    last_hash      TEXT    NOT NULL,
    -- An effect is unique for ever, whichever job, period or run wants it.
    UNIQUE (provider, organization, kind, transaction_id, opening)
) STRICT;
CREATE INDEX effects_by_period ON effects (job, period);
CREATE INDEX effects_by_state ON effects (job, state);
CREATE INDEX effects_by_transaction ON effects (transaction_id);

-- Who works on a job and period. The epoch rises with every taking: what an earlier holder writes late is refused.
CREATE TABLE leases (
    -- JOB--PERIOD
    name       TEXT    NOT NULL PRIMARY KEY,
    epoch      INTEGER NOT NULL CHECK (epoch > 0),
    -- For people: process and time.
    holder     TEXT    NOT NULL,
    expires_at TEXT    NOT NULL,
    released   INTEGER NOT NULL CHECK (released IN (0, 1))
) STRICT, WITHOUT ROWID;

-- None for runs of before: they had no lease, and nobody asked who started them.
ALTER TABLE runs ADD COLUMN started_by TEXT;
ALTER TABLE runs ADD COLUMN lease_epoch INTEGER;

CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER effects_are_kept BEFORE DELETE ON effects
BEGIN SELECT RAISE(ABORT, 'an effect is never deleted'); END;
