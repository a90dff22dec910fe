-- What an event is about, so that the inbox can be filtered and muted by it: the job's name, and the datastores' names
-- each between two bars. Of events from before a datastore is known when it stands before a colon.
ALTER TABLE events ADD COLUMN job TEXT COLLATE "C";
ALTER TABLE events ADD COLUMN datastores TEXT COLLATE "C";
UPDATE events SET
    job = COALESCE(CAST(body AS JSONB) #>> '{task,job}', CAST(body AS JSONB) #>> '{job,name}'),
    datastores = '|' || COALESCE(
        CAST(body AS JSONB) #>> '{datastore,name}',
        SUBSTRING(CAST(body AS JSONB) ->> 'snapshot' FROM '^([^:]*):'),
        SUBSTRING(CAST(body AS JSONB) #>> '{task,target}' FROM '^([^:]*):'),
        CAST(body AS JSONB) #>> '{task,target}'
    ) || '|';

-- Entries of the inbox end here: those of events up to this one have gone.
ALTER TABLE hub ADD COLUMN inbox_after BIGINT NOT NULL DEFAULT 0;

-- Who has taken an event on, for everybody who sees it.
CREATE TABLE inbox_acknowledged (
    seq    BIGINT PRIMARY KEY REFERENCES events (seq),
    "user" TEXT COLLATE "C" NOT NULL,
    at     BIGINT NOT NULL
);

-- What a user does not want to be counted. What is missing is no condition.
CREATE TABLE inbox_mutes (
    "user"     TEXT COLLATE "C" NOT NULL,
    number     BIGINT NOT NULL,
    type       TEXT COLLATE "C",
    job        TEXT COLLATE "C",
    datastore  TEXT COLLATE "C",
    -- What matters less than this is muted.
    below      TEXT COLLATE "C",
    until      BIGINT,
    created    BIGINT NOT NULL,
    PRIMARY KEY ("user", number)
);

CREATE INDEX inbox_read_seq ON inbox_read (seq);
CREATE INDEX actions_task ON actions (task) WHERE task IS NOT NULL;
