-- Whether a session was found lost, rather than ended by its own process.
ALTER TABLE sessions ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sessions_lost ON sessions (ended) WHERE lost = 1;
