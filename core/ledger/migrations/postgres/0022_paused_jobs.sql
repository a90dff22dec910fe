-- Since when a person has paused a job: declaring it again does not let it go on.
ALTER TABLE jobs ADD COLUMN paused BIGINT;

-- Why tasks failed is looked for by its words and its code, not by how it is kept.
CREATE FUNCTION task_error_text(error TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (error::json ->> 'message') || ' [' || (error::json ->> 'code') || ']'
$$;
CREATE OR REPLACE FUNCTION tasks_texts_failed() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    body TEXT := lower(task_error_text(NEW.error) COLLATE "C");
BEGIN
    INSERT INTO task_texts (id, body, letters) VALUES (NEW.id * 2 + 1, body, task_texts_letters(body))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
UPDATE task_texts SET body = n.body, letters = task_texts_letters(n.body)
FROM (SELECT id * 2 + 1 AS id, lower(task_error_text(error) COLLATE "C") AS body FROM tasks WHERE error IS NOT NULL) AS n
WHERE task_texts.id = n.id;
