-- Sealed periods: what a person has signed off, and the attempt that it was. Their events stand in the chain of
-- `entries`, beside those of effects and breaks. Times are RFC 3339 in UTC.

-- A check of a column cannot be changed, so the table is made anew and takes its rows along as they are.
CREATE TABLE entries_of_all (
    -- From 1, without gaps.
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    -- The id of what the entry is about, as the entry says it.
    effect   TEXT    NOT NULL,
    -- JSON. It holds the hash of the entry before it.
    entry    TEXT    NOT NULL,
    -- SHA-256 of the bytes of `entry` in lower-case hexadecimal: `sha256sum` says the same.
    hash     TEXT    NOT NULL,
    -- What the entry is about.
    subject  TEXT    NOT NULL DEFAULT 'effect' CHECK (subject IN ('effect', 'break', 'seal'))
) STRICT;
INSERT INTO entries_of_all SELECT sequence, effect, entry, hash, subject FROM entries;
DROP TABLE entries;
ALTER TABLE entries_of_all RENAME TO entries;
CREATE INDEX entries_by_effect ON entries (effect, sequence);
CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;

-- What the entries add up to. It is derived: `tieout journal verify` makes it again and compares.
CREATE TABLE seals (
    -- JOB/PERIOD
    id            TEXT    NOT NULL PRIMARY KEY,
    job           TEXT    NOT NULL,
    period        TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('sealed', 'unsealed')),
    -- The sealed attempt; of an unsealed period the one that was.
    run           TEXT    NOT NULL,
    -- JSON
    standing      TEXT    NOT NULL,
    -- The last entry of this seal, and its hash.
    last_sequence INTEGER NOT NULL,
    last_hash     TEXT    NOT NULL,
    UNIQUE (job, period)
) STRICT;
CREATE TRIGGER seals_are_kept BEFORE DELETE ON seals
BEGIN SELECT RAISE(ABORT, 'a seal is never deleted'); END;
