-- Handing a message out leaves its place in its lane as it is: those of several lanes stand far apart, and each would be
-- written then. Whoever looks for one that waits passes over those that are being sent, of which a lane has few.
DROP INDEX messages_lane_ready;
CREATE INDEX messages_lane_open ON messages (lane, due) WHERE state IN ('pending', 'sending') AND head = 1;
