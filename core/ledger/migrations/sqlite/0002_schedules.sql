-- Limits, fair sharing, pauses that hold what waits, conditions that last.

ALTER TABLE projects ADD COLUMN max_running INTEGER;
ALTER TABLE datastores ADD COLUMN max_running INTEGER;

-- When the job was first declared, and how many blackout windows it has.
ALTER TABLE jobs ADD COLUMN declared INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN blackouts INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET declared = ticked;

ALTER TABLE sessions ADD COLUMN slots INTEGER NOT NULL DEFAULT 0;
-- The keys that its worker can open.
ALTER TABLE sessions ADD COLUMN keys TEXT NOT NULL DEFAULT '[]';

-- The key that opens what the datastore holds; none when it is not encrypted.
ALTER TABLE datastores ADD COLUMN key_id TEXT;
-- The key that the task needs.
ALTER TABLE tasks ADD COLUMN key_id TEXT;

-- Whether the hub started the task by itself: then pauses and blackout windows hold it.
ALTER TABLE tasks ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0;
-- Who shares the slots: the project, or '' for the hub's own tasks.
ALTER TABLE tasks ADD COLUMN share TEXT NOT NULL DEFAULT '';
-- The datastores that the task works on.
ALTER TABLE tasks ADD COLUMN datastore TEXT;
ALTER TABLE tasks ADD COLUMN other_datastore TEXT;
UPDATE tasks SET share = project WHERE project IS NOT NULL;
UPDATE tasks SET
    automatic = job IS NOT NULL,
    datastore = CASE type
        WHEN 'restore' THEN substr(spec ->> 'snapshot', 1, instr(spec ->> 'snapshot', ':') - 1)
        WHEN 'sync' THEN spec ->> 'to'
        ELSE spec ->> 'datastore' END,
    other_datastore = CASE WHEN type = 'sync' AND spec -> 'from' ->> 'remote' IS NULL
        THEN spec -> 'from' ->> 'datastore' END
WHERE state IN ('queued', 'running');

-- The queue of each share, in order.
DROP INDEX tasks_queued;
CREATE INDEX tasks_waiting ON tasks (share, id) WHERE state = 'queued';

-- What shares and datastores hold: counting the running tasks would go through all that ran lately.
CREATE TABLE loads (
    kind    TEXT NOT NULL CHECK (kind IN ('share', 'datastore')),
    name    TEXT NOT NULL,
    running INTEGER NOT NULL,
    -- When the running tasks began, in milliseconds, added up.
    began   INTEGER NOT NULL,
    -- Slot time of those that ended, in microseconds; of shares.
    used    INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- What lasts and was told when it began.
CREATE TABLE conditions (
    key   TEXT PRIMARY KEY,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Logs of tasks up to this number were removed by retention.
ALTER TABLE hub ADD COLUMN logs_removed INTEGER NOT NULL DEFAULT 0;
