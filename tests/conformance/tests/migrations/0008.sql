-- What version 8 has besides: as many keys as one user may hold.
INSERT INTO idempotency_keys ("user", key, number, request, upid, used)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    SELECT 'alice@local', 'key-' || CAST(i AS TEXT), i, BYTES('0101010101010101010101010101010101010101010101010101010101010101'), 'UPID:node-1:00001267:0000032F:00000007:6A0E6725:restore:ibs\x2dprimary\x3ahost-data-2026\x2d05\x2d20T02\x3a00\x3a00Z:bob@local:', 1779361200000000 FROM n;
