-- Trouble of one cause, from its first event to its end; of a project, or of the hub.
CREATE TABLE incidents (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    -- A project, or '-' for the hub.
    scope           TEXT NOT NULL,
    cause           TEXT NOT NULL,
    title           TEXT NOT NULL,
    -- What is said when it is over.
    over_title      TEXT NOT NULL,
    severity        TEXT NOT NULL,
    opened          INTEGER NOT NULL,
    seen            INTEGER NOT NULL,
    -- Its newest event.
    last_seq        INTEGER NOT NULL REFERENCES events (seq),
    failures        INTEGER NOT NULL,
    ended           INTEGER,
    -- 'recovered', 'moved' or 'removed', and the event that ended it, when it was one.
    ending          TEXT,
    end_seq         INTEGER REFERENCES events (seq),
    acknowledged    INTEGER,
    acknowledged_by TEXT,
    comment         TEXT,
    CHECK ((ended IS NULL) = (ending IS NULL)),
    CHECK ((acknowledged IS NULL) = (acknowledged_by IS NULL))
) STRICT;
CREATE UNIQUE INDEX incidents_open ON incidents (scope, cause) WHERE ended IS NULL;
CREATE INDEX incidents_scope ON incidents (scope, number);

CREATE TABLE incident_events (
    incident INTEGER NOT NULL REFERENCES incidents (number),
    seq      INTEGER NOT NULL REFERENCES events (seq),
    -- Whether it is about somebody who was well before.
    news     INTEGER NOT NULL,
    PRIMARY KEY (incident, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_events_of ON incident_events (seq);

-- Who is affected: jobs, work that is no job's, snapshots, datastores, workers.
CREATE TABLE incident_members (
    incident  INTEGER NOT NULL REFERENCES incidents (number),
    member    TEXT NOT NULL,
    failures  INTEGER NOT NULL,
    failing   INTEGER NOT NULL,
    -- Nobody does the same again: it is well when anything else works there.
    loose     INTEGER NOT NULL,
    -- It is well when this condition is over.
    condition TEXT,
    PRIMARY KEY (incident, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_members_failing ON incident_members (member) WHERE failing = 1;
CREATE INDEX incident_members_condition ON incident_members (condition) WHERE failing = 1 AND condition IS NOT NULL;

-- What handlers were told of an incident.
CREATE TABLE incident_notices (
    incident  INTEGER NOT NULL REFERENCES incidents (number),
    handler   TEXT NOT NULL,
    since     INTEGER NOT NULL,
    -- The newest event that it was told of, and how often it was told.
    told_seq  INTEGER NOT NULL,
    sent      INTEGER NOT NULL,
    first     INTEGER,
    last      INTEGER,
    -- When another was told because nobody acknowledged it.
    escalated INTEGER,
    -- Another handler escalated it to this one: 1 until it was told, then 2.
    raised    INTEGER NOT NULL,
    -- When it is to be looked at; nothing when there is no more to say.
    due       INTEGER,
    version   INTEGER NOT NULL,
    PRIMARY KEY (incident, handler)
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_notices_due ON incident_notices (due) WHERE due IS NOT NULL;

-- Two that keep to one limit must not overlook each other.
ALTER TABLE rates ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
