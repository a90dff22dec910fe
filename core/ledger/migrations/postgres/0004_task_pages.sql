-- Lists of tasks: what is asked for, then the numbers in order.

CREATE INDEX tasks_project_type_state ON tasks (project, type, state, id);
CREATE INDEX tasks_project_user ON tasks (project, "user", id);
CREATE INDEX tasks_user ON tasks ("user", id);
CREATE INDEX tasks_job_name ON tasks (job, state, id) WHERE job IS NOT NULL;
CREATE INDEX tasks_source ON tasks (source, id) WHERE source IS NOT NULL;
CREATE INDEX tasks_target ON tasks (target, id) WHERE target IS NOT NULL;

-- When the tasks of consecutive numbers are shown, without reading them.
DROP INDEX tasks_time;
CREATE INDEX tasks_span ON tasks (id, shown_time);

-- The letters of a text for pg_trgm, which takes anything but letters and digits for the end of a word and knows nothing
-- of what stands across it: every other character becomes some letter.
CREATE FUNCTION task_texts_letters(body TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT translate(body, chr(1) || $p$ -/:.\_@%"'{},;#~+=()[]<>|&*?!$^`$p$, 'zqxjvwkyzqxjvwkyzqxjvwkyzqxjvwkyzqx')
$$;

-- Texts of tasks, in small letters. Twice the task's number: what it is called; one more: why it failed. They are in a
-- table of their own, because each change of a task would write them into the index anew. What tasks are called is
-- written a moment after the tasks, for it takes longer than all the rest: nobody who enqueues waits for it.
CREATE TABLE task_texts (
    id      BIGINT PRIMARY KEY,
    body    TEXT COLLATE "C" NOT NULL,
    -- What is found by these is looked at in `body`.
    letters TEXT COLLATE "C" NOT NULL
);

CREATE FUNCTION tasks_texts_failed() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    body TEXT := lower(NEW.error COLLATE "C");
BEGIN
    INSERT INTO task_texts (id, body, letters) VALUES (NEW.id * 2 + 1, body, task_texts_letters(body))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

INSERT INTO task_texts (id, body, letters)
SELECT id, body, task_texts_letters(body) FROM (
    SELECT id * 2 + 1 AS id, lower(error COLLATE "C") AS body FROM tasks WHERE error IS NOT NULL) AS texts;

-- What tasks up to this number are called was written.
CREATE TABLE task_texts_upto (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    upto     BIGINT NOT NULL
);
INSERT INTO task_texts_upto (only_row, upto) VALUES (1, 0);

CREATE TRIGGER tasks_texts_failed AFTER UPDATE OF error ON tasks
    FOR EACH ROW WHEN (OLD.error IS NULL AND NEW.error IS NOT NULL) EXECUTE FUNCTION tasks_texts_failed();

-- By every three characters in a row, where PostgreSQL has the extension and lets us. Else texts are read through,
-- which takes a second for a million.
DO $$
DECLARE
    place TEXT;
BEGIN
    BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
    EXCEPTION WHEN OTHERS THEN
        RAISE NOTICE 'pg_trgm is not to be had: %', SQLERRM;
    END;
    SELECT nspname INTO place FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'pg_trgm';
    IF place IS NOT NULL THEN
        EXECUTE format('CREATE INDEX task_texts_letters ON task_texts USING gin (letters %I.gin_trgm_ops)', place);
    END IF;
END $$;
