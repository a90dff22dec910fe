-- What version 2 has besides.
UPDATE projects SET max_running = 8, body = '{"name": "demo", "title": "Demo", "max-running": 8}' WHERE name = 'demo';
UPDATE sessions SET slots = 4;
UPDATE jobs SET declared = ticked;
UPDATE tasks SET share = 'demo',
    automatic = CASE WHEN job IS NULL THEN 0 ELSE 1 END,
    datastore = CASE WHEN id IN (4, 8, 10) THEN 'ibs-archival' ELSE 'ibs-primary' END,
    other_datastore = CASE WHEN id = 8 THEN 'ibs-primary' END;
INSERT INTO loads (kind, name, running, began, used) VALUES
    ('share', 'demo', 1, 1779328801000, 118000000),
    ('datastore', 'ibs-primary', 1, 1779328801000, 0);
INSERT INTO conditions (key, since) VALUES ('space-low/ibs-primary', 1779242400000000);
