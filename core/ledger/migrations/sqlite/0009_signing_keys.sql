-- The id of the key that signs the datastore: only workers that have it work on it. (Of NULL, hex() makes a text.)
ALTER TABLE datastores ADD COLUMN signing_key TEXT
    GENERATED ALWAYS AS (CASE WHEN public_key IS NOT NULL THEN 'signing-' || lower(hex(substr(public_key, 1, 8))) END) VIRTUAL;
