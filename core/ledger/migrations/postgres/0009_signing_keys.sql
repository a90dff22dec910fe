-- The id of the key that signs the datastore: only workers that have it work on it.
ALTER TABLE datastores ADD COLUMN signing_key TEXT COLLATE "C"
    GENERATED ALWAYS AS ('signing-' || encode(substring(public_key FROM 1 FOR 8), 'hex')) STORED;
