-- The attempt that followed another is found by it.

CREATE INDEX tasks_retry ON tasks (retry_of) WHERE retry_of IS NOT NULL;
