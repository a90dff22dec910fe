-- Groups of the hub itself.
CREATE TABLE hub_groups (
    name TEXT COLLATE "C" PRIMARY KEY,
    body TEXT COLLATE "C" NOT NULL
);

-- How the newest run of a job ended, as far as events were fanned out.
CREATE TABLE outcomes (
    key      TEXT COLLATE "C" PRIMARY KEY,
    state    TEXT COLLATE "C" NOT NULL,
    -- How many runs have failed since the last good one.
    failures BIGINT NOT NULL,
    -- The event of the first run in this state.
    since    BIGINT NOT NULL
);

-- What an event that tells of an outcome found there.
CREATE TABLE outcome_steps (
    seq      BIGINT PRIMARY KEY REFERENCES events (seq),
    before   TEXT COLLATE "C",
    failures BIGINT NOT NULL
);

-- Destinations whose handlers have a limit.
CREATE TABLE rates (
    lane      TEXT COLLATE "C" PRIMARY KEY,
    -- When its newest messages were due, a JSON array, oldest first.
    sent      TEXT COLLATE "C" NOT NULL,
    -- When the message is due that holds what was beyond the limit.
    gathering BIGINT
);
