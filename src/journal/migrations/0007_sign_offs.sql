-- Signatures under reports: who has prepared and who has reviewed which bytes. Their events stand in the chain of
-- `entries`, beside all others. Times are RFC 3339 in UTC.

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
    subject  TEXT    NOT NULL DEFAULT 'effect' CHECK (subject IN ('effect', 'break', 'seal', 'sign_off'))
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
CREATE TABLE sign_offs (
    -- JOB/PERIOD/ATTEMPT
    run           TEXT    NOT NULL PRIMARY KEY,
    job           TEXT    NOT NULL,
    period        TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('prepared', 'signed_off', 'withdrawn')),
    -- Of the report that was signed.
    digest        TEXT    NOT NULL,
    -- JSON
    standing      TEXT    NOT NULL,
    -- The last entry of this run's signatures, and its hash.
    last_sequence INTEGER NOT NULL,
    last_hash     TEXT    NOT NULL
) STRICT;
CREATE INDEX sign_offs_by_period ON sign_offs (job, period);
CREATE TRIGGER sign_offs_are_kept BEFORE DELETE ON sign_offs
BEGIN SELECT RAISE(ABORT, 'a signature is never deleted'); END;
