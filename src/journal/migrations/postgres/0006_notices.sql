-- What people were told, by which channels, and what is still being told. Times are RFC 3339 in UTC, with microseconds.
CREATE TABLE notices (
    -- What receivers know it by, however often it is sent.
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    job TEXT COLLATE "C" NOT NULL,
    period TEXT COLLATE "C" NOT NULL,
    made_at TEXT COLLATE "C" NOT NULL,
    -- JSON: all that a channel needs to put it into words.
    content TEXT COLLATE "C" NOT NULL
);

-- What is the matter with a period. As long as it is, it is not told again.
CREATE TABLE notice_topics (
    job TEXT COLLATE "C" NOT NULL,
    period TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    -- An exit code, a gate, a plan, an effect: a new one is told again.
    about TEXT COLLATE "C" NOT NULL,
    is_open BOOLEAN NOT NULL,
    -- The notice that told of it last.
    notice TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (job, period, event, about)
);

CREATE TABLE notice_deliveries (
    notice TEXT COLLATE "C" NOT NULL REFERENCES notices (id),
    channel TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up')),
    tries BIGINT NOT NULL,
    -- A process is at it until then, unless it died.
    claimed_until TEXT COLLATE "C" NOT NULL,
    next_try_at TEXT COLLATE "C" NOT NULL,
    -- Why the last try failed, without secrets.
    problem TEXT COLLATE "C",
    PRIMARY KEY (notice, channel)
);
CREATE INDEX notice_deliveries_by_state ON notice_deliveries (state);
