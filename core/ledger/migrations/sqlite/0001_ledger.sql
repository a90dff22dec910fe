-- Times are microseconds since 1970 (UTC). Columns named body, spec, stats, ... hold JSON of the vocabulary's types.
-- Ids of events, messages and sessions are UUIDs in text form.

CREATE TABLE hub (
    only_row         INTEGER PRIMARY KEY CHECK (only_row = 1),
    id               TEXT NOT NULL,
    created          INTEGER NOT NULL,
    scheduler_paused INTEGER,
    -- Every event up to this one was fanned out.
    matched_seq      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE projects (
    name    TEXT PRIMARY KEY,
    body    TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE datastores (
    name       TEXT PRIMARY KEY,
    path       TEXT NOT NULL UNIQUE,
    body       TEXT NOT NULL,
    public_key BLOB,
    owner      TEXT,
    status     TEXT,
    created    INTEGER NOT NULL
) STRICT;

CREATE TABLE notification_groups (
    project TEXT NOT NULL REFERENCES projects (name),
    name    TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (project, name)
) STRICT;

CREATE TABLE jobs (
    project   TEXT NOT NULL REFERENCES projects (name),
    name      TEXT NOT NULL,
    body      TEXT NOT NULL,
    enabled   INTEGER NOT NULL,
    scheduled INTEGER NOT NULL,
    after_job TEXT,
    -- Ticks at or before this are done with.
    ticked    INTEGER NOT NULL,
    PRIMARY KEY (project, name)
) STRICT;
CREATE INDEX jobs_after ON jobs (project, after_job) WHERE after_job IS NOT NULL;

CREATE TABLE ticks (
    project       TEXT NOT NULL,
    job           TEXT NOT NULL,
    scheduled_for INTEGER NOT NULL,
    fired         INTEGER NOT NULL,
    missed        INTEGER NOT NULL,
    task          INTEGER,
    PRIMARY KEY (project, job, scheduled_for)
) STRICT, WITHOUT ROWID;

CREATE TABLE group_owners (
    datastore    TEXT NOT NULL,
    backup_group TEXT NOT NULL,
    project      TEXT NOT NULL,
    PRIMARY KEY (datastore, backup_group)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    user    TEXT PRIMARY KEY,
    sha256  BLOB NOT NULL UNIQUE,
    role    TEXT NOT NULL,
    project TEXT,
    comment TEXT,
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER
) STRICT;

CREATE TABLE sessions (
    id          TEXT PRIMARY KEY,
    -- Which opening of this database registered it.
    instance    TEXT NOT NULL,
    node        TEXT NOT NULL,
    pid         INTEGER NOT NULL,
    services    TEXT NOT NULL,
    types       TEXT NOT NULL,
    started     INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    ended       INTEGER
) STRICT;
CREATE INDEX sessions_live ON sessions (lease_until) WHERE ended IS NULL;

CREATE TABLE tasks (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    upid          TEXT NOT NULL,
    type          TEXT NOT NULL,
    project       TEXT,
    job           TEXT,
    user          TEXT NOT NULL,
    spec          TEXT NOT NULL,
    source        TEXT,
    target        TEXT,
    state         TEXT NOT NULL
                  CHECK (state IN ('queued', 'running', 'ok', 'warning', 'failed', 'cancelled')),
    retry_of      TEXT,
    attempt       INTEGER NOT NULL,
    scheduled_for INTEGER,
    not_before    INTEGER,
    queued        INTEGER NOT NULL,
    started       INTEGER,
    ended         INTEGER,
    session       TEXT,
    node          TEXT,
    lease_until   INTEGER,
    cancel_by     TEXT,
    stats         TEXT NOT NULL DEFAULT '{}',
    error         TEXT,
    warnings      TEXT NOT NULL DEFAULT '[]',
    warning_count INTEGER NOT NULL DEFAULT 0,
    log_lines     INTEGER NOT NULL DEFAULT 0,
    -- What --since looks at.
    shown_time    INTEGER GENERATED ALWAYS AS (COALESCE(started, queued)) VIRTUAL,
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('queued', 'running')) = (ended IS NULL)),
    CHECK (state <> 'running' OR session IS NOT NULL),
    CHECK (state <> 'failed' OR error IS NOT NULL)
) STRICT;
CREATE INDEX tasks_queued ON tasks (id) WHERE state = 'queued';
CREATE INDEX tasks_running ON tasks (lease_until) WHERE state = 'running';
CREATE INDEX tasks_open_of_job ON tasks (project, job, id) WHERE state IN ('queued', 'running');
CREATE INDEX tasks_state ON tasks (state, id);
CREATE INDEX tasks_type_state ON tasks (type, state, id);
CREATE INDEX tasks_project ON tasks (project, id);
CREATE INDEX tasks_job ON tasks (project, job, state, id);
CREATE INDEX tasks_time ON tasks (shown_time);

CREATE TABLE task_progress (
    task    INTEGER PRIMARY KEY REFERENCES tasks (id),
    body    TEXT NOT NULL,
    updated INTEGER NOT NULL
) STRICT;

-- Lines first_line to last_line, as zstd of JSON lines.
CREATE TABLE log_frames (
    task       INTEGER NOT NULL REFERENCES tasks (id),
    first_line INTEGER NOT NULL,
    last_line  INTEGER NOT NULL,
    bytes      BLOB NOT NULL,
    PRIMARY KEY (task, first_line)
) STRICT;

CREATE TABLE verification_history (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    datastore TEXT NOT NULL,
    snapshot  TEXT NOT NULL,
    body      TEXT NOT NULL,
    upid      TEXT NOT NULL,
    job       TEXT,
    recorded  INTEGER NOT NULL
) STRICT;
CREATE INDEX verification_history_of ON verification_history (datastore, snapshot, id);

CREATE TABLE verifications (
    datastore TEXT NOT NULL,
    snapshot  TEXT NOT NULL,
    latest    INTEGER NOT NULL REFERENCES verification_history (id),
    PRIMARY KEY (datastore, snapshot)
) STRICT, WITHOUT ROWID;

-- The outbox. seq is the order of commits, for there is one writer.
CREATE TABLE events (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    type     TEXT NOT NULL,
    subject  TEXT,
    time     INTEGER NOT NULL,
    project  TEXT,
    severity TEXT NOT NULL,
    task     INTEGER,
    body     TEXT NOT NULL
) STRICT;
CREATE INDEX events_project ON events (project, seq);
CREATE INDEX events_task ON events (task, seq) WHERE task IS NOT NULL;

CREATE TABLE matches (
    seq     INTEGER NOT NULL REFERENCES events (seq),
    handler TEXT NOT NULL,
    PRIMARY KEY (seq, handler)
) STRICT, WITHOUT ROWID;

CREATE TABLE tips (
    seq   INTEGER NOT NULL REFERENCES events (seq),
    place INTEGER NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (seq, place)
) STRICT;

CREATE TABLE messages (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    -- PROJECT/GROUP/HANDLER, with '-' for the hub's own: one text, so that uniqueness holds without a project too.
    handler      TEXT NOT NULL,
    project      TEXT,
    group_name   TEXT NOT NULL,
    handler_name TEXT NOT NULL,
    plugin       TEXT NOT NULL,
    -- The handler when the message was made, and whether it was declared then or is built in.
    snapshot     TEXT NOT NULL,
    declared     INTEGER NOT NULL,
    recipient    TEXT NOT NULL,
    thread       TEXT NOT NULL,
    kind         TEXT NOT NULL,
    window       TEXT NOT NULL,
    replay       INTEGER NOT NULL,
    lane         TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'delivered', 'dead')),
    -- Whether no earlier message of its thread is unfinished.
    head         INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    due          INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    ended        INTEGER,
    claimed      INTEGER,
    session      TEXT,
    lease_until  INTEGER,
    receipt      TEXT,
    error        TEXT,
    attrs        TEXT NOT NULL,
    UNIQUE (handler, recipient, thread, kind, window, replay),
    CHECK ((state = 'sending') = (lease_until IS NOT NULL))
) STRICT;
CREATE INDEX messages_ready ON messages (due, number) WHERE state = 'pending' AND head = 1;
CREATE INDEX messages_sending ON messages (lease_until) WHERE state = 'sending';
CREATE INDEX messages_lane_ready ON messages (lane, due) WHERE state = 'pending' AND head = 1;
CREATE INDEX messages_lane_sending ON messages (lane) WHERE state = 'sending';
CREATE INDEX messages_open_thread ON messages (handler, recipient, thread, number)
    WHERE state IN ('pending', 'sending');
CREATE INDEX messages_project ON messages (project, number);
CREATE INDEX messages_state ON messages (state, number);

CREATE TABLE message_events (
    message INTEGER NOT NULL REFERENCES messages (number),
    seq     INTEGER NOT NULL REFERENCES events (seq),
    PRIMARY KEY (message, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_events_of ON message_events (seq);

CREATE TABLE attempts (
    message INTEGER NOT NULL REFERENCES messages (number),
    number  INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended   INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    status  INTEGER,
    detail  TEXT,
    PRIMARY KEY (message, number)
) STRICT;

CREATE TABLE circuits (
    lane     TEXT PRIMARY KEY,
    until    INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    opened   INTEGER NOT NULL
) STRICT;

CREATE TABLE plugin_kv (
    plugin  TEXT NOT NULL,
    handler TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   BLOB NOT NULL,
    PRIMARY KEY (plugin, handler, key)
) STRICT;

CREATE TABLE inbox_entries (
    seq     INTEGER PRIMARY KEY REFERENCES events (seq),
    message INTEGER NOT NULL REFERENCES messages (number),
    body    TEXT NOT NULL
) STRICT;

CREATE TABLE inbox_read (
    user TEXT NOT NULL,
    seq  INTEGER NOT NULL REFERENCES events (seq),
    PRIMARY KEY (user, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE actions (
    cause  TEXT NOT NULL,
    kind   TEXT NOT NULL,
    target TEXT NOT NULL,
    actor  TEXT NOT NULL,
    depth  INTEGER NOT NULL,
    task   INTEGER REFERENCES tasks (id),
    at     INTEGER NOT NULL,
    PRIMARY KEY (cause, kind, target)
) STRICT;
