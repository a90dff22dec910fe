-- What attempts moved, how full datastores were, and reports of verifications that can be looked for.

-- One row for each attempt that ran and ended, written with its end. Ordered by time, which is how it is read.
CREATE TABLE task_statistics (
    task          BIGINT NOT NULL,
    type          TEXT COLLATE "C" NOT NULL,
    project       TEXT COLLATE "C",
    job           TEXT COLLATE "C",
    -- The datastore that it wrote to, or read when it wrote to none.
    datastore     TEXT COLLATE "C" NOT NULL,
    state         TEXT COLLATE "C" NOT NULL,
    ended         BIGINT NOT NULL,
    -- Microseconds. The other figures are those of the task's stats, zero when it did not end well.
    duration      BIGINT NOT NULL,
    bytes         BIGINT NOT NULL,
    bytes_read    BIGINT NOT NULL,
    bytes_logical BIGINT NOT NULL,
    bytes_new     BIGINT NOT NULL,
    bytes_stored  BIGINT NOT NULL,
    chunks        BIGINT NOT NULL,
    chunks_known  BIGINT NOT NULL,
    files         BIGINT NOT NULL,
    files_unchanged BIGINT NOT NULL,
    PRIMARY KEY (ended, task)
);
CREATE INDEX task_statistics_job ON task_statistics (project, job, ended);
CREATE INDEX task_statistics_datastore ON task_statistics (datastore, ended);

-- The first look at a datastore in each hour.
CREATE TABLE datastore_usage (
    datastore TEXT COLLATE "C" NOT NULL,
    -- Hours since 1970.
    hour      BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    used      BIGINT NOT NULL,
    free      BIGINT NOT NULL,
    PRIMARY KEY (datastore, hour)
);

-- What reports are looked for by, beside their JSON.
ALTER TABLE verification_history ADD COLUMN backup_group TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE verification_history ADD COLUMN result TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE verification_history ADD COLUMN started BIGINT NOT NULL DEFAULT 0;
UPDATE verification_history SET
    -- A snapshot is its group, a slash, and a time of 20 characters.
    backup_group = substr(snapshot, 1, length(snapshot) - 21),
    result = CAST(body AS JSON) ->> 'result',
    started = recorded - CAST(CAST(body AS JSON) ->> 'duration_us' AS BIGINT);
CREATE INDEX verification_history_newest ON verification_history (datastore, id);
CREATE INDEX verification_history_result ON verification_history (datastore, result, id);
