-- Who is signed in to the pages. That they signed in, failed to, or signed out stands in the chain of `entries`, beside
-- all others. Times are RFC 3339 in UTC, with microseconds.

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
    subject  TEXT    NOT NULL DEFAULT 'effect' CHECK (subject IN ('effect', 'break', 'seal', 'sign_off', 'access'))
) STRICT;
INSERT INTO entries_of_all SELECT sequence, effect, entry, hash, subject FROM entries;
DROP TABLE entries;
ALTER TABLE entries_of_all RENAME TO entries;
CREATE INDEX entries_by_effect ON entries (effect, sequence);
CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;

-- Those that are long over are deleted.
CREATE TABLE sessions (
    -- SHA-256 of the token that the browser brings, in lower-case hexadecimal; the token itself is kept nowhere.
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    -- Tells the password that they signed in with from the next one.
    credential TEXT NOT NULL,
    begun_at   TEXT NOT NULL,
    -- The last request, give or take a minute.
    seen_at    TEXT NOT NULL,
    -- When they signed out.
    ended_at   TEXT
) STRICT;
