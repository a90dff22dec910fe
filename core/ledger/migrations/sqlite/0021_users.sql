-- People, and what they may do. The ledger knows hashes of passwords and of secrets, and sealed second factors.
CREATE TABLE users (
    user            TEXT PRIMARY KEY,
    name            TEXT,
    email           TEXT,
    created         INTEGER NOT NULL,
    created_by      TEXT,
    disabled        INTEGER,
    -- A PHC string; none for who signs in elsewhere.
    password        TEXT,
    password_set    INTEGER,
    -- The sealed secret of the second factor; since when it is asked for; the step of the last code that was taken.
    factor          BLOB,
    factor_since    INTEGER,
    factor_step     INTEGER NOT NULL DEFAULT 0,
    last_login      INTEGER
) STRICT, WITHOUT ROWID;

-- Codes that stand in for the second factor, each once.
CREATE TABLE recovery_codes (
    user   TEXT NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (user, sha256)
) STRICT, WITHOUT ROWID;

-- Roles beside those that every hub has.
CREATE TABLE roles (
    name       TEXT PRIMARY KEY,
    rights     TEXT NOT NULL,
    comment    TEXT,
    created    INTEGER NOT NULL,
    created_by TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    user       TEXT NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    -- The project, or '-' for the whole hub.
    project    TEXT NOT NULL,
    role       TEXT NOT NULL,
    granted    INTEGER NOT NULL,
    granted_by TEXT,
    PRIMARY KEY (user, project, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_project ON grants (project);
CREATE INDEX grants_role ON grants (role);

-- What browsers are signed in with.
CREATE TABLE logins (
    sha256  BLOB PRIMARY KEY,
    user    TEXT NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    -- With which grant.
    project TEXT NOT NULL,
    role    TEXT NOT NULL,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    -- Without use; and in any case.
    idle    INTEGER NOT NULL,
    ends    INTEGER NOT NULL,
    address TEXT,
    agent   TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_user ON logins (user);

-- Failed attempts to sign in, by the name that was given, whether there is such a user or not.
CREATE TABLE login_failures (
    user         TEXT PRIMARY KEY,
    failures     INTEGER NOT NULL,
    first        INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    locked_until INTEGER
) STRICT, WITHOUT ROWID;

-- Who changed what, from where. Nothing is changed here, and what is old is forgotten by its age alone.
CREATE TABLE audit (
    number  INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL,
    user    TEXT NOT NULL,
    address TEXT,
    request TEXT,
    action  TEXT NOT NULL,
    object  TEXT NOT NULL,
    project TEXT,
    before  TEXT,
    after   TEXT
) STRICT;
CREATE INDEX audit_time ON audit (time);
CREATE INDEX audit_user ON audit (user, number);
CREATE INDEX audit_object ON audit (object, number);

ALTER TABLE tokens ADD COLUMN created_by TEXT;
ALTER TABLE tokens ADD COLUMN last_used INTEGER;
