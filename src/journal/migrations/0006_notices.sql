-- What people were told, by which channels, and what is still being told. Times are RFC 3339 in UTC, with microseconds.
CREATE TABLE notices (
    -- What receivers know it by, however often it is sent.
    id      TEXT NOT NULL PRIMARY KEY,
    job     TEXT NOT NULL,
    period  TEXT NOT NULL,
    made_at TEXT NOT NULL,
    -- JSON: all that a channel needs to put it into words.
    content TEXT NOT NULL
) STRICT;

-- What is the matter with a period. As long as it is, it is not told again.
CREATE TABLE notice_topics (
    job    TEXT    NOT NULL,
    period TEXT    NOT NULL,
    event  TEXT    NOT NULL,
    -- An exit code, a gate, a plan, an effect: a new one is told again.
    about  TEXT    NOT NULL,
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    -- The notice that told of it last.
    notice TEXT    NOT NULL,
    PRIMARY KEY (job, period, event, about)
) STRICT;

CREATE TABLE notice_deliveries (
    notice        TEXT    NOT NULL REFERENCES notices (id),
    channel       TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up')),
    tries         INTEGER NOT NULL,
    -- A process is at it until then, unless it died.
    claimed_until TEXT    NOT NULL,
    next_try_at   TEXT    NOT NULL,
    -- Why the last try failed, without secrets.
    problem       TEXT,
    PRIMARY KEY (notice, channel)
) STRICT;
CREATE INDEX notice_deliveries_by_state ON notice_deliveries (state);
