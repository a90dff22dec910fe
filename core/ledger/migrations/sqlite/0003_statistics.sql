-- What attempts moved, how full datastores were, and reports of verifications that can be looked for.

-- One row for each attempt that ran and ended, written with its end. Ordered by time, which is how it is read.
CREATE TABLE task_statistics (
    task          INTEGER NOT NULL,
    type          TEXT NOT NULL,
    project       TEXT,
    job           TEXT,
    -- The datastore that it wrote to, or read when it wrote to none.
    datastore     TEXT NOT NULL,
    state         TEXT NOT NULL,
    ended         INTEGER NOT NULL,
    -- Microseconds. The other figures are those of the task's stats, zero when it did not end well.
    duration      INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    bytes_read    INTEGER NOT NULL,
    bytes_logical INTEGER NOT NULL,
    bytes_new     INTEGER NOT NULL,
    bytes_stored  INTEGER NOT NULL,
    chunks        INTEGER NOT NULL,
    chunks_known  INTEGER NOT NULL,
    files         INTEGER NOT NULL,
    files_unchanged INTEGER NOT NULL,
    PRIMARY KEY (ended, task)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_statistics_job ON task_statistics (project, job, ended);
CREATE INDEX task_statistics_datastore ON task_statistics (datastore, ended);

-- The first look at a datastore in each hour.
CREATE TABLE datastore_usage (
    datastore TEXT NOT NULL,
    -- Hours since 1970.
    hour      INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    used      INTEGER NOT NULL,
    free      INTEGER NOT NULL,
    PRIMARY KEY (datastore, hour)
) STRICT, WITHOUT ROWID;

-- What reports are looked for by, beside their JSON.
ALTER TABLE verification_history ADD COLUMN backup_group TEXT NOT NULL DEFAULT '';
ALTER TABLE verification_history ADD COLUMN result TEXT NOT NULL DEFAULT '';
ALTER TABLE verification_history ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
UPDATE verification_history SET
    -- A snapshot is its group, a slash, and a time of 20 characters.
    backup_group = substr(snapshot, 1, length(snapshot) - 21),
    result = body ->> 'result',
    started = recorded - (body ->> 'duration_us');
CREATE INDEX verification_history_newest ON verification_history (datastore, id);
CREATE INDEX verification_history_result ON verification_history (datastore, result, id);
