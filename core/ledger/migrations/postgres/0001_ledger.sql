-- Times are microseconds since 1970 (UTC). Columns named body, spec, stats, ... hold JSON of the vocabulary's types.
-- Ids of events, messages and sessions are UUIDs in text form. Yes and no are 1 and 0, as on SQLite; text is ordered
-- byte by byte, as there. The tables go into the current schema of the connection.

CREATE TABLE hub (
    only_row         BIGINT PRIMARY KEY CHECK (only_row = 1),
    id               TEXT COLLATE "C" NOT NULL,
    created          BIGINT NOT NULL,
    scheduler_paused BIGINT,
    -- Every event up to this one was fanned out.
    matched_seq      BIGINT NOT NULL DEFAULT 0,
    -- The last numbers given to tasks and events. Sequences of PostgreSQL would leave gaps, and give numbers before
    -- it is known in which order they are committed.
    last_task        BIGINT NOT NULL DEFAULT 0,
    last_event       BIGINT NOT NULL DEFAULT 0
);

-- The last transaction that each hub's writer committed. A writer whose COMMIT was not answered reads here what became
-- of it. (PostgreSQL's own number of a transaction would not do: after a crash it may be given again.)
CREATE TABLE writers (
    instance TEXT COLLATE "C" PRIMARY KEY,
    number   BIGINT NOT NULL,
    at       BIGINT NOT NULL
);

CREATE TABLE projects (
    name    TEXT COLLATE "C" PRIMARY KEY,
    body    TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE datastores (
    name       TEXT COLLATE "C" PRIMARY KEY,
    path       TEXT COLLATE "C" NOT NULL UNIQUE,
    body       TEXT COLLATE "C" NOT NULL,
    public_key BYTEA,
    owner      TEXT COLLATE "C",
    status     TEXT COLLATE "C",
    created    BIGINT NOT NULL
);

CREATE TABLE notification_groups (
    project TEXT COLLATE "C" NOT NULL REFERENCES projects (name),
    name    TEXT COLLATE "C" NOT NULL,
    body    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE jobs (
    project   TEXT COLLATE "C" NOT NULL REFERENCES projects (name),
    name      TEXT COLLATE "C" NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    enabled   BIGINT NOT NULL,
    scheduled BIGINT NOT NULL,
    after_job TEXT COLLATE "C",
    -- Ticks at or before this are done with.
    ticked    BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);
CREATE INDEX jobs_after ON jobs (project, after_job) WHERE after_job IS NOT NULL;

CREATE TABLE ticks (
    project       TEXT COLLATE "C" NOT NULL,
    job           TEXT COLLATE "C" NOT NULL,
    scheduled_for BIGINT NOT NULL,
    fired         BIGINT NOT NULL,
    missed        BIGINT NOT NULL,
    task          BIGINT,
    PRIMARY KEY (project, job, scheduled_for)
);

CREATE TABLE group_owners (
    datastore    TEXT COLLATE "C" NOT NULL,
    backup_group TEXT COLLATE "C" NOT NULL,
    project      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (datastore, backup_group)
);

CREATE TABLE tokens (
    "user"  TEXT COLLATE "C" PRIMARY KEY,
    sha256  BYTEA NOT NULL UNIQUE,
    role    TEXT COLLATE "C" NOT NULL,
    project TEXT COLLATE "C",
    comment TEXT COLLATE "C",
    created BIGINT NOT NULL,
    expires BIGINT,
    revoked BIGINT
);

CREATE TABLE sessions (
    id          TEXT COLLATE "C" PRIMARY KEY,
    -- Which opening of this database registered it.
    instance    TEXT COLLATE "C" NOT NULL,
    node        TEXT COLLATE "C" NOT NULL,
    pid         BIGINT NOT NULL,
    services    TEXT COLLATE "C" NOT NULL,
    types       TEXT COLLATE "C" NOT NULL,
    started     BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    ended       BIGINT
);
CREATE INDEX sessions_live ON sessions (lease_until) WHERE ended IS NULL;

CREATE TABLE tasks (
    id            BIGINT PRIMARY KEY,
    upid          TEXT COLLATE "C" NOT NULL,
    type          TEXT COLLATE "C" NOT NULL,
    project       TEXT COLLATE "C",
    job           TEXT COLLATE "C",
    "user"        TEXT COLLATE "C" NOT NULL,
    spec          TEXT COLLATE "C" NOT NULL,
    source        TEXT COLLATE "C",
    target        TEXT COLLATE "C",
    state         TEXT COLLATE "C" NOT NULL
                  CHECK (state IN ('queued', 'running', 'ok', 'warning', 'failed', 'cancelled')),
    retry_of      TEXT COLLATE "C",
    attempt       BIGINT NOT NULL,
    scheduled_for BIGINT,
    not_before    BIGINT,
    queued        BIGINT NOT NULL,
    started       BIGINT,
    ended         BIGINT,
    session       TEXT COLLATE "C",
    node          TEXT COLLATE "C",
    lease_until   BIGINT,
    cancel_by     TEXT COLLATE "C",
    stats         TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    error         TEXT COLLATE "C",
    warnings      TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    warning_count BIGINT NOT NULL DEFAULT 0,
    log_lines     BIGINT NOT NULL DEFAULT 0,
    -- What --since looks at.
    shown_time    BIGINT GENERATED ALWAYS AS (COALESCE(started, queued)) STORED,
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('queued', 'running')) = (ended IS NULL)),
    CHECK (state <> 'running' OR session IS NOT NULL),
    CHECK (state <> 'failed' OR error IS NOT NULL),
    CHECK (job IS NULL OR project IS NOT NULL)
);
-- Of these the planner knows nothing while the table is young, and a plan lives long: "... IS NOT NULL" keeps the small
-- indexes from statements that look for something else, which would read them from end to end.
CREATE INDEX tasks_queued ON tasks (id) WHERE state = 'queued';
CREATE INDEX tasks_running ON tasks (lease_until) WHERE state = 'running' AND lease_until IS NOT NULL;
CREATE INDEX tasks_open_of_job ON tasks (project, job, id) WHERE state IN ('queued', 'running') AND job IS NOT NULL;
CREATE INDEX tasks_state ON tasks (state, id);
CREATE INDEX tasks_type_state ON tasks (type, state, id);
CREATE INDEX tasks_project ON tasks (project, id);
CREATE INDEX tasks_job ON tasks (project, job, state, id);
CREATE INDEX tasks_time ON tasks (shown_time);

CREATE TABLE task_progress (
    task    BIGINT PRIMARY KEY REFERENCES tasks (id),
    body    TEXT COLLATE "C" NOT NULL,
    updated BIGINT NOT NULL
);

-- Lines first_line to last_line, as zstd of JSON lines.
CREATE TABLE log_frames (
    task       BIGINT NOT NULL REFERENCES tasks (id),
    first_line BIGINT NOT NULL,
    last_line  BIGINT NOT NULL,
    bytes      BYTEA NOT NULL,
    PRIMARY KEY (task, first_line)
);

CREATE TABLE verification_history (
    id        BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    datastore TEXT COLLATE "C" NOT NULL,
    snapshot  TEXT COLLATE "C" NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    upid      TEXT COLLATE "C" NOT NULL,
    job       TEXT COLLATE "C",
    recorded  BIGINT NOT NULL
);
CREATE INDEX verification_history_of ON verification_history (datastore, snapshot, id);

CREATE TABLE verifications (
    datastore TEXT COLLATE "C" NOT NULL,
    snapshot  TEXT COLLATE "C" NOT NULL,
    latest    BIGINT NOT NULL REFERENCES verification_history (id),
    PRIMARY KEY (datastore, snapshot)
);

-- The outbox. seq is the order of commits, for one hub writes at a time.
CREATE TABLE events (
    seq      BIGINT PRIMARY KEY,
    id       TEXT COLLATE "C" NOT NULL UNIQUE,
    type     TEXT COLLATE "C" NOT NULL,
    subject  TEXT COLLATE "C",
    time     BIGINT NOT NULL,
    project  TEXT COLLATE "C",
    severity TEXT COLLATE "C" NOT NULL,
    task     BIGINT,
    body     TEXT COLLATE "C" NOT NULL
);
CREATE INDEX events_project ON events (project, seq);
CREATE INDEX events_task ON events (task, seq) WHERE task IS NOT NULL;

CREATE TABLE matches (
    seq     BIGINT NOT NULL REFERENCES events (seq),
    handler TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (seq, handler)
);

CREATE TABLE tips (
    seq   BIGINT NOT NULL REFERENCES events (seq),
    place BIGINT NOT NULL,
    body  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (seq, place)
);

CREATE TABLE messages (
    number       BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    id           TEXT COLLATE "C" NOT NULL UNIQUE,
    -- PROJECT/GROUP/HANDLER, with '-' for the hub's own: one text, so that uniqueness holds without a project too.
    handler      TEXT COLLATE "C" NOT NULL,
    project      TEXT COLLATE "C",
    group_name   TEXT COLLATE "C" NOT NULL,
    handler_name TEXT COLLATE "C" NOT NULL,
    plugin       TEXT COLLATE "C" NOT NULL,
    -- The handler when the message was made, and whether it was declared then or is built in.
    snapshot     TEXT COLLATE "C" NOT NULL,
    declared     BIGINT NOT NULL,
    recipient    TEXT COLLATE "C" NOT NULL,
    thread       TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    "window"     TEXT COLLATE "C" NOT NULL,
    replay       BIGINT NOT NULL,
    lane         TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'sending', 'delivered', 'dead')),
    -- Whether no earlier message of its thread is unfinished.
    head         BIGINT NOT NULL,
    attempts     BIGINT NOT NULL DEFAULT 0,
    due          BIGINT NOT NULL,
    created      BIGINT NOT NULL,
    ended        BIGINT,
    claimed      BIGINT,
    session      TEXT COLLATE "C",
    lease_until  BIGINT,
    receipt      TEXT COLLATE "C",
    error        TEXT COLLATE "C",
    attrs        TEXT COLLATE "C" NOT NULL,
    UNIQUE (handler, recipient, thread, kind, "window", replay),
    CHECK ((state = 'sending') = (lease_until IS NOT NULL))
);
CREATE INDEX messages_ready ON messages (due, number) WHERE state = 'pending' AND head = 1;
CREATE INDEX messages_sending ON messages (lease_until) WHERE state = 'sending' AND lease_until IS NOT NULL;
CREATE INDEX messages_lane_ready ON messages (lane, due) WHERE state = 'pending' AND head = 1;
CREATE INDEX messages_lane_sending ON messages (lane) WHERE state = 'sending' AND lane IS NOT NULL;
CREATE INDEX messages_open_thread ON messages (handler, recipient, thread, number)
    WHERE state IN ('pending', 'sending') AND handler IS NOT NULL;
CREATE INDEX messages_project ON messages (project, number);
CREATE INDEX messages_state ON messages (state, number);

CREATE TABLE message_events (
    message BIGINT NOT NULL REFERENCES messages (number),
    seq     BIGINT NOT NULL REFERENCES events (seq),
    PRIMARY KEY (message, seq)
);
CREATE INDEX message_events_of ON message_events (seq);

CREATE TABLE attempts (
    message BIGINT NOT NULL REFERENCES messages (number),
    number  BIGINT NOT NULL,
    started BIGINT NOT NULL,
    ended   BIGINT NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    status  BIGINT,
    detail  TEXT COLLATE "C",
    PRIMARY KEY (message, number)
);

CREATE TABLE circuits (
    lane     TEXT COLLATE "C" PRIMARY KEY,
    until    BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    reason   TEXT COLLATE "C" NOT NULL,
    opened   BIGINT NOT NULL
);

CREATE TABLE plugin_kv (
    plugin  TEXT COLLATE "C" NOT NULL,
    handler TEXT COLLATE "C" NOT NULL,
    key     TEXT COLLATE "C" NOT NULL,
    value   BYTEA NOT NULL,
    PRIMARY KEY (plugin, handler, key)
);

CREATE TABLE inbox_entries (
    seq     BIGINT PRIMARY KEY REFERENCES events (seq),
    message BIGINT NOT NULL REFERENCES messages (number),
    body    TEXT COLLATE "C" NOT NULL
);

CREATE TABLE inbox_read (
    "user" TEXT COLLATE "C" NOT NULL,
    seq  BIGINT NOT NULL REFERENCES events (seq),
    PRIMARY KEY ("user", seq)
);

CREATE TABLE actions (
    cause  TEXT COLLATE "C" NOT NULL,
    kind   TEXT COLLATE "C" NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    actor  TEXT COLLATE "C" NOT NULL,
    depth  BIGINT NOT NULL,
    task   BIGINT REFERENCES tasks (id),
    at     BIGINT NOT NULL,
    PRIMARY KEY (cause, kind, target)
);

-- Rows that change often within a table that grows: looked after before a fifth of it has changed.
ALTER TABLE tasks SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE messages SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
