-- Runs, what each of them went through, and what it read. Times are RFC 3339 in UTC.
CREATE TABLE runs (
    -- The order in which runs were started.
    sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
    -- JOB/PERIOD/ATTEMPT
    id              TEXT    NOT NULL UNIQUE,
    job             TEXT    NOT NULL,
    period          TEXT    NOT NULL,
    attempt         INTEGER NOT NULL CHECK (attempt > 0),
    note            TEXT,
    job_sha256      TEXT    NOT NULL,
    program_version TEXT    NOT NULL,
    sandbox         INTEGER NOT NULL CHECK (sandbox IN (0, 1)),
    started_at      TEXT    NOT NULL,
    status          TEXT    NOT NULL CHECK (status IN ('running', 'interrupted', 'done', 'gate_breached', 'failed')),
    exit_code       INTEGER,
    breaks          INTEGER CHECK (breaks >= 0),
    rows            INTEGER CHECK (rows >= 0),
    ties_out        INTEGER CHECK (ties_out IN (0, 1)),
    message         TEXT,
    finished_at     TEXT,
    artifacts       TEXT,
    UNIQUE (job, period, attempt),
    -- A run that ended by itself says when and with which code.
    CHECK (status IN ('running', 'interrupted') OR (exit_code IS NOT NULL AND finished_at IS NOT NULL))
) STRICT;

CREATE TABLE steps (
    run_id   TEXT    NOT NULL REFERENCES runs (id),
    position INTEGER NOT NULL CHECK (position > 0),
    step     TEXT    NOT NULL,
    at       TEXT    NOT NULL,
    -- JSON
    detail   TEXT    NOT NULL,
    PRIMARY KEY (run_id, position),
    UNIQUE (run_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE inputs (
    run_id   TEXT    NOT NULL REFERENCES runs (id),
    position INTEGER NOT NULL CHECK (position > 0),
    side     TEXT    NOT NULL CHECK (side IN ('file', 'ledger', 'webhooks')),
    name     TEXT    NOT NULL,
    -- JSON
    origin   TEXT    NOT NULL,
    stored   TEXT    NOT NULL,
    sha256   TEXT    NOT NULL,
    bytes    INTEGER NOT NULL CHECK (bytes >= 0),
    rows     INTEGER NOT NULL CHECK (rows >= 0),
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;

-- The journal only grows: the program has no path that does these, and neither has a person with a shell.
CREATE TRIGGER runs_are_kept BEFORE DELETE ON runs
BEGIN SELECT RAISE(ABORT, 'a run is never deleted'); END;
CREATE TRIGGER runs_end_once BEFORE UPDATE ON runs WHEN OLD.status <> 'running'
BEGIN SELECT RAISE(ABORT, 'a run that has ended is never changed'); END;
CREATE TRIGGER steps_are_kept BEFORE DELETE ON steps
BEGIN SELECT RAISE(ABORT, 'a step is never deleted'); END;
CREATE TRIGGER steps_stay BEFORE UPDATE ON steps
BEGIN SELECT RAISE(ABORT, 'a step is never changed'); END;
CREATE TRIGGER inputs_are_kept BEFORE DELETE ON inputs
BEGIN SELECT RAISE(ABORT, 'an input is never deleted'); END;
CREATE TRIGGER inputs_stay BEFORE UPDATE ON inputs
BEGIN SELECT RAISE(ABORT, 'an input is never changed'); END;
