-- Since when a person has paused a job: declaring it again does not let it go on.
ALTER TABLE jobs ADD COLUMN paused INTEGER;

-- Why tasks failed is looked for by its words and its code, not by how it is kept.
INSERT INTO task_texts (task_texts, rowid, body) SELECT 'delete', id * 2 + 1, error FROM tasks WHERE error IS NOT NULL;
INSERT INTO task_texts (rowid, body)
SELECT id * 2 + 1, json_extract(error, '$.message') || ' [' || json_extract(error, '$.code') || ']'
FROM tasks WHERE error IS NOT NULL;
DROP TRIGGER tasks_texts_new;
DROP TRIGGER tasks_texts_failed;
CREATE TRIGGER tasks_texts_new AFTER INSERT ON tasks BEGIN
    INSERT INTO task_texts (rowid, body)
    VALUES (NEW.id * 2, concat_ws(char(1), NEW.source, NEW.target, NEW.job, NEW.upid));
    INSERT INTO task_texts (rowid, body)
    SELECT NEW.id * 2 + 1, json_extract(NEW.error, '$.message') || ' [' || json_extract(NEW.error, '$.code') || ']'
    WHERE NEW.error IS NOT NULL;
END;
CREATE TRIGGER tasks_texts_failed AFTER UPDATE OF error ON tasks WHEN OLD.error IS NULL AND NEW.error IS NOT NULL BEGIN
    INSERT INTO task_texts (rowid, body)
    VALUES (NEW.id * 2 + 1, json_extract(NEW.error, '$.message') || ' [' || json_extract(NEW.error, '$.code') || ']');
END;
