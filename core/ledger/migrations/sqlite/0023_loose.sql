-- A message that some of its recipients have holds back no later one of its thread; it is tried again for the others.
ALTER TABLE messages ADD COLUMN loose INTEGER NOT NULL DEFAULT 0;
DROP INDEX messages_open_thread;
CREATE INDEX messages_open_thread ON messages (handler, recipient, thread, loose, number)
    WHERE state IN ('pending', 'sending');

-- What was told of a handler that nobody can tell any more.
CREATE INDEX events_handler ON events (subject) WHERE type IN ('ironcore.delivery.exhausted', 'ironcore.handler.disabled');
