-- Backfills: one job over a range of periods, begun once and gone on with until every period has been tried.
-- Times are RFC 3339 in UTC.
CREATE TABLE backfills (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    job         TEXT    NOT NULL,
    -- Labels of the first and of the last period; both are in.
    from_period TEXT    NOT NULL,
    to_period   TEXT    NOT NULL,
    reprocess   TEXT    NOT NULL CHECK (reprocess IN ('missing', 'failed', 'all')),
    begun_at    TEXT    NOT NULL,
    begun_by    TEXT    NOT NULL
) STRICT;
CREATE INDEX backfills_by_range ON backfills (job, from_period, to_period, reprocess);

-- What it resolved to when it was begun: a line for each period of the range.
CREATE TABLE backfill_periods (
    backfill       INTEGER NOT NULL REFERENCES backfills (id),
    -- From 1, the earliest period first.
    position       INTEGER NOT NULL CHECK (position > 0),
    period         TEXT    NOT NULL,
    -- How many attempts it had then: a later one that ended well is the backfill's, or as good.
    known_attempts INTEGER NOT NULL CHECK (known_attempts >= 0),
    -- Why it is left out; NULL: it is to be run.
    skipped        TEXT,
    PRIMARY KEY (backfill, position),
    UNIQUE (backfill, period)
) STRICT, WITHOUT ROWID;

-- A process that worked on it.
CREATE TABLE backfill_attempts (
    backfill        INTEGER NOT NULL REFERENCES backfills (id),
    attempt         INTEGER NOT NULL CHECK (attempt > 0),
    begun_at        TEXT    NOT NULL,
    begun_by        TEXT    NOT NULL,
    note            TEXT,
    max_parallel    INTEGER NOT NULL CHECK (max_parallel > 0),
    newest_first    INTEGER NOT NULL CHECK (newest_first IN (0, 1)),
    offline         INTEGER NOT NULL CHECK (offline IN (0, 1)),
    program_version TEXT    NOT NULL,
    job_sha256      TEXT    NOT NULL,
    status          TEXT    NOT NULL CHECK (status IN ('running', 'killed', 'stopped', 'ended')),
    exit_code       INTEGER,
    message         TEXT,
    ended_at        TEXT,
    PRIMARY KEY (backfill, attempt),
    -- One that ended by itself says when and with which code.
    CHECK (status IN ('running', 'killed') OR (exit_code IS NOT NULL AND ended_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- How a period ended in an attempt of the backfill.
CREATE TABLE backfill_ends (
    backfill  INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    period    TEXT    NOT NULL,
    status    TEXT    NOT NULL CHECK (status IN ('interrupted', 'done', 'gate_breached', 'failed')),
    -- Its reports are complete, and nothing that it was to send is left.
    well      INTEGER NOT NULL CHECK (well IN (0, 1)),
    -- It had ended when this attempt came by: begun by an earlier attempt that was killed, or by somebody else.
    found     INTEGER NOT NULL CHECK (found IN (0, 1)),
    -- JOB/PERIOD/ATTEMPT; NULL: it ended before it had a number.
    run       TEXT,
    exit_code INTEGER NOT NULL,
    breaks    INTEGER CHECK (breaks >= 0),
    message   TEXT,
    begun_at  TEXT    NOT NULL,
    ended_at  TEXT    NOT NULL,
    PRIMARY KEY (backfill, attempt, period),
    FOREIGN KEY (backfill, attempt) REFERENCES backfill_attempts (backfill, attempt),
    FOREIGN KEY (backfill, period) REFERENCES backfill_periods (backfill, period)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER backfills_are_kept BEFORE DELETE ON backfills
BEGIN SELECT RAISE(ABORT, 'a backfill is never deleted'); END;
CREATE TRIGGER backfills_stay BEFORE UPDATE ON backfills
BEGIN SELECT RAISE(ABORT, 'a backfill is never changed'); END;
CREATE TRIGGER backfill_periods_are_kept BEFORE DELETE ON backfill_periods
BEGIN SELECT RAISE(ABORT, 'a period of a backfill is never deleted'); END;
CREATE TRIGGER backfill_periods_stay BEFORE UPDATE ON backfill_periods
BEGIN SELECT RAISE(ABORT, 'a period of a backfill is never changed'); END;
CREATE TRIGGER backfill_attempts_are_kept BEFORE DELETE ON backfill_attempts
BEGIN SELECT RAISE(ABORT, 'an attempt of a backfill is never deleted'); END;
CREATE TRIGGER backfill_attempts_end_once BEFORE UPDATE ON backfill_attempts WHEN OLD.status <> 'running'
BEGIN SELECT RAISE(ABORT, 'an attempt of a backfill that has ended is never changed'); END;
CREATE TRIGGER backfill_ends_are_kept BEFORE DELETE ON backfill_ends
BEGIN SELECT RAISE(ABORT, 'the end of a period is never deleted'); END;
CREATE TRIGGER backfill_ends_stay BEFORE UPDATE ON backfill_ends
BEGIN SELECT RAISE(ABORT, 'the end of a period is never changed'); END;
