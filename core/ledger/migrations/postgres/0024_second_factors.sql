-- Who has shown the password and not yet the second factor: SHA-256 of what the browser goes on with. Good once, for minutes.
CREATE TABLE login_steps (
    sha256 BYTEA PRIMARY KEY,
    "user" TEXT COLLATE "C" NOT NULL REFERENCES users ("user") ON DELETE CASCADE,
    ends   BIGINT NOT NULL
);
CREATE INDEX login_steps_user ON login_steps ("user");
