-- Who is signed in to the pages. That they signed in, failed to, or signed out stands in the chain of `entries`, beside
-- all others. Times are RFC 3339 in UTC, with microseconds.

ALTER TABLE entries DROP CONSTRAINT entries_subject;
ALTER TABLE entries ADD CONSTRAINT entries_subject
CHECK (subject IN ('effect', 'break', 'seal', 'sign_off', 'access'));

-- Those that are long over are deleted.
CREATE TABLE sessions (
    -- SHA-256 of the token that the browser brings, in lower-case hexadecimal; the token itself is kept nowhere.
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    -- Tells the password that they signed in with from the next one.
    credential TEXT COLLATE "C" NOT NULL,
    begun_at TEXT COLLATE "C" NOT NULL,
    -- The last request, give or take a minute.
    seen_at TEXT COLLATE "C" NOT NULL,
    -- When they signed out.
    ended_at TEXT COLLATE "C"
);
