-- Who still fails, of an incident with many who no longer do.
CREATE INDEX incident_members_open ON incident_members (incident, loose) WHERE failing = 1;
-- Whose lane is full is passed over without a look at the message.
DROP INDEX messages_ready;
CREATE INDEX messages_ready ON messages (due, number, lane) WHERE state = 'pending' AND head = 1;
-- How many events wait for that message: it must not grow without end.
ALTER TABLE rates ADD COLUMN gathered INTEGER NOT NULL DEFAULT 0;
