-- Groups of the hub itself.
CREATE TABLE hub_groups (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How the newest run of a job ended, as far as events were fanned out.
CREATE TABLE outcomes (
    key      TEXT PRIMARY KEY,
    state    TEXT NOT NULL,
    -- How many runs have failed since the last good one.
    failures INTEGER NOT NULL,
    -- The event of the first run in this state.
    since    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What an event that tells of an outcome found there.
CREATE TABLE outcome_steps (
    seq      INTEGER PRIMARY KEY REFERENCES events (seq),
    before   TEXT,
    failures INTEGER NOT NULL
) STRICT;

-- Destinations whose handlers have a limit.
CREATE TABLE rates (
    lane      TEXT PRIMARY KEY,
    -- When its newest messages were due, a JSON array, oldest first.
    sent      TEXT NOT NULL,
    -- When the message is due that holds what was beyond the limit.
    gathering INTEGER
) STRICT, WITHOUT ROWID;
