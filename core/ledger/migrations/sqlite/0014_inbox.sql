-- What an event is about, so that the inbox can be filtered and muted by it: the job's name, and the datastores' names
-- each between two bars. Of events from before a datastore is known when it stands before a colon.
ALTER TABLE events ADD COLUMN job TEXT;
ALTER TABLE events ADD COLUMN datastores TEXT;
UPDATE events SET
    job = COALESCE(body ->> '$.task.job', body ->> '$.job.name'),
    datastores = '|' || COALESCE(
        body ->> '$.datastore.name',
        SUBSTR(body ->> '$.snapshot', 1, NULLIF(INSTR(body ->> '$.snapshot', ':'), 0) - 1),
        SUBSTR(body ->> '$.task.target', 1, NULLIF(INSTR(body ->> '$.task.target', ':'), 0) - 1),
        body ->> '$.task.target'
    ) || '|';

-- Entries of the inbox end here: those of events up to this one have gone.
ALTER TABLE hub ADD COLUMN inbox_after INTEGER NOT NULL DEFAULT 0;

-- Who has taken an event on, for everybody who sees it.
CREATE TABLE inbox_acknowledged (
    seq  INTEGER PRIMARY KEY REFERENCES events (seq),
    user TEXT NOT NULL,
    at   INTEGER NOT NULL
) STRICT;

-- What a user does not want to be counted. What is missing is no condition.
CREATE TABLE inbox_mutes (
    user       TEXT NOT NULL,
    number     INTEGER NOT NULL,
    type       TEXT,
    job        TEXT,
    datastore  TEXT,
    -- What matters less than this is muted.
    below      TEXT,
    until      INTEGER,
    created    INTEGER NOT NULL,
    PRIMARY KEY (user, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX inbox_read_seq ON inbox_read (seq);
CREATE INDEX actions_task ON actions (task) WHERE task IS NOT NULL;
