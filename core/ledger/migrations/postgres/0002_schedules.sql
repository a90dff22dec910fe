-- Limits, fair sharing, pauses that hold what waits, conditions that last.

ALTER TABLE projects ADD COLUMN max_running BIGINT;
ALTER TABLE datastores ADD COLUMN max_running BIGINT;

-- When the job was first declared, and how many blackout windows it has.
ALTER TABLE jobs ADD COLUMN declared BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN blackouts BIGINT NOT NULL DEFAULT 0;
UPDATE jobs SET declared = ticked;

ALTER TABLE sessions ADD COLUMN slots BIGINT NOT NULL DEFAULT 0;
-- The keys that its worker can open.
ALTER TABLE sessions ADD COLUMN keys TEXT NOT NULL DEFAULT '[]';

-- The key that opens what the datastore holds; none when it is not encrypted.
ALTER TABLE datastores ADD COLUMN key_id TEXT COLLATE "C";
-- The key that the task needs.
ALTER TABLE tasks ADD COLUMN key_id TEXT COLLATE "C";

-- Whether the hub started the task by itself: then pauses and blackout windows hold it.
ALTER TABLE tasks ADD COLUMN automatic BIGINT NOT NULL DEFAULT 0;
-- Who shares the slots: the project, or '' for the hub's own tasks.
ALTER TABLE tasks ADD COLUMN share TEXT COLLATE "C" NOT NULL DEFAULT '';
-- The datastores that the task works on.
ALTER TABLE tasks ADD COLUMN datastore TEXT COLLATE "C";
ALTER TABLE tasks ADD COLUMN other_datastore TEXT COLLATE "C";
UPDATE tasks SET share = project WHERE project IS NOT NULL;
UPDATE tasks SET
    automatic = CASE WHEN job IS NULL THEN 0 ELSE 1 END,
    datastore = CASE type
        WHEN 'restore' THEN split_part(CAST(spec AS JSON) ->> 'snapshot', ':', 1)
        WHEN 'sync' THEN CAST(spec AS JSON) ->> 'to'
        ELSE CAST(spec AS JSON) ->> 'datastore' END,
    other_datastore = CASE WHEN type = 'sync' AND CAST(spec AS JSON) -> 'from' ->> 'remote' IS NULL
        THEN CAST(spec AS JSON) -> 'from' ->> 'datastore' END
WHERE state IN ('queued', 'running');

-- The queue of each share, in order.
DROP INDEX tasks_queued;
CREATE INDEX tasks_waiting ON tasks (share, id) WHERE state = 'queued';

-- What shares and datastores hold: counting the running tasks would go through all that ran lately.
CREATE TABLE loads (
    kind    TEXT COLLATE "C" NOT NULL CHECK (kind IN ('share', 'datastore')),
    name    TEXT COLLATE "C" NOT NULL,
    running BIGINT NOT NULL,
    -- When the running tasks began, in milliseconds, added up.
    began   BIGINT NOT NULL,
    -- Slot time of those that ended, in microseconds; of shares.
    used    BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
) WITH (fillfactor = 40);

-- What lasts and was told when it began.
CREATE TABLE conditions (
    key   TEXT COLLATE "C" PRIMARY KEY,
    since BIGINT NOT NULL
);

-- Logs of tasks up to this number were removed by retention.
ALTER TABLE hub ADD COLUMN logs_removed BIGINT NOT NULL DEFAULT 0;

-- How often configured objects have changed: what a hub has read of them is good until then.
ALTER TABLE hub ADD COLUMN objects BIGINT NOT NULL DEFAULT 0;
