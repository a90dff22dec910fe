-- Handing a message out leaves its place in its lane as it is, for the index says nothing of its state: those of several
-- lanes stand far apart, and each page would be written. Whoever looks for one that waits passes over those that are being
-- sent, of which a lane has few.
DROP INDEX messages_lane_ready;
CREATE INDEX messages_lane_open ON messages (lane, due) WHERE ended IS NULL AND head = 1;
