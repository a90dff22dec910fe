-- What destinations answered, as JSON; kept for a time, and none for attempts that asked nobody.
ALTER TABLE attempts ADD COLUMN exchanges TEXT;
CREATE INDEX attempts_kept ON attempts (ended) WHERE exchanges IS NOT NULL OR detail IS NOT NULL;
