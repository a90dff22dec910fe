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

-- Texts of tasks by every three characters in a row. Twice the task's number: what it is called; one more: why it
-- failed. Nothing of it ever changes, so each is written once.
CREATE VIRTUAL TABLE task_texts USING fts5 (body, content = '', tokenize = 'trigram', detail = 'none', columnsize = 0);
INSERT INTO task_texts (rowid, body) SELECT id * 2, concat_ws(char(1), source, target, job, upid) FROM tasks;
INSERT INTO task_texts (rowid, body) SELECT id * 2 + 1, error FROM tasks WHERE error IS NOT NULL;
CREATE TRIGGER tasks_texts_new AFTER INSERT ON tasks BEGIN
    INSERT INTO task_texts (rowid, body)
    VALUES (NEW.id * 2, concat_ws(char(1), NEW.source, NEW.target, NEW.job, NEW.upid));
    INSERT INTO task_texts (rowid, body) SELECT NEW.id * 2 + 1, NEW.error WHERE NEW.error IS NOT NULL;
END;
CREATE TRIGGER tasks_texts_failed AFTER UPDATE OF error ON tasks WHEN OLD.error IS NULL AND NEW.error IS NOT NULL BEGIN
    INSERT INTO task_texts (rowid, body) VALUES (NEW.id * 2 + 1, NEW.error);
END;
