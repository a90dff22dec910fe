-- Each change of a task writes it into every index that it is in. Most indexes are for looking at what was: they hold
-- only tasks that have ended, so that each is written there once. Those that wait or run are few, and looked at one by
-- one. With the time beside the number, what is of a time is counted without reading the tasks.

DROP INDEX tasks_state;
DROP INDEX tasks_type_state;
DROP INDEX tasks_project;
DROP INDEX tasks_job;
DROP INDEX tasks_project_type_state;
DROP INDEX tasks_project_user;
DROP INDEX tasks_user;
DROP INDEX tasks_job_name;
DROP INDEX tasks_source;
DROP INDEX tasks_target;
DROP INDEX tasks_span;

CREATE INDEX tasks_state ON tasks (state, id) INCLUDE (shown_time) WHERE ended IS NOT NULL;
CREATE INDEX tasks_type_state ON tasks (type, state, id) INCLUDE (shown_time) WHERE ended IS NOT NULL;
CREATE INDEX tasks_project ON tasks (project, id) INCLUDE (shown_time) WHERE ended IS NOT NULL;
CREATE INDEX tasks_job ON tasks (project, job, state, id) WHERE ended IS NOT NULL;
CREATE INDEX tasks_project_type_state ON tasks (project, type, state, id) INCLUDE (shown_time) WHERE ended IS NOT NULL;
CREATE INDEX tasks_project_user ON tasks (project, "user", id) INCLUDE (shown_time) WHERE ended IS NOT NULL;
CREATE INDEX tasks_user ON tasks ("user", id) INCLUDE (shown_time) WHERE ended IS NOT NULL;
CREATE INDEX tasks_job_name ON tasks (job, state, id) WHERE ended IS NOT NULL AND job IS NOT NULL;
CREATE INDEX tasks_source ON tasks (source, id) WHERE ended IS NOT NULL AND source IS NOT NULL;
CREATE INDEX tasks_target ON tasks (target, id) WHERE ended IS NOT NULL AND target IS NOT NULL;
CREATE INDEX tasks_span ON tasks (id, shown_time) WHERE ended IS NOT NULL;
CREATE INDEX tasks_open ON tasks (id) WHERE state IN ('queued', 'running');
