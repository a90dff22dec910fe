-- What version 3 has besides.
UPDATE verification_history SET backup_group = 'host/data', result = 'OK', started = recorded - 1500000;
INSERT INTO task_statistics (task, type, project, job, datastore, state, ended, duration, bytes, bytes_read, bytes_logical,
    bytes_new, bytes_stored, chunks, chunks_known, files, files_unchanged) VALUES
    (1, 'backup', 'demo', 'nightly', 'ibs-primary', 'ok', 1779242461000000, 60000000, 1000, 1000, 1000, 900, 600, 5, 2, 3, 1);
INSERT INTO datastore_usage (datastore, hour, at, used, free) VALUES ('ibs-primary', 494258, 1779328800000000, 10, 90);
