-- What version 7 has besides.
UPDATE messages SET failures = 1 WHERE attempts > 0;
INSERT INTO handler_health (handler, failing_since, disabled, error) VALUES
    ('demo/ops/hook', 1779242602000000, NULL, '{"code": "delivery.unreachable", "message": "503"}');
