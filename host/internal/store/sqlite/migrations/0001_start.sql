-- Times are Unix milliseconds. Keys that others choose (subjects, once-IDs) are
-- BLOBs, so that nothing ever folds case or Unicode when it compares them (D05).
-- pk is the key that rows know each other by: searching a table for a number
-- takes half as long as for a UUID, and each session check searches two.

CREATE TABLE users (
	pk          INTEGER PRIMARY KEY,
	id          TEXT NOT NULL UNIQUE,
	provider    TEXT NOT NULL, -- of the link that the user was created by
	subject     BLOB NOT NULL,
	status      TEXT NOT NULL,
	role        TEXT NOT NULL,
	email       TEXT NOT NULL, -- not unique: an address proves nothing (D02)
	first_name  TEXT NOT NULL,
	last_name   TEXT NOT NULL,
	created_at  INTEGER,
	last_access INTEGER
) STRICT;

-- Provider and subject are columns of their own: joined into one text, provider
-- "a" with subject "b:c" would be provider "a:b" with subject "c" (D06).
CREATE TABLE links (
	provider TEXT NOT NULL,
	subject  BLOB NOT NULL,
	user_pk  INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	PRIMARY KEY (provider, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_user ON links (user_pk);

CREATE TABLE sessions (
	pk         INTEGER PRIMARY KEY,
	user_pk    INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	id         TEXT NOT NULL UNIQUE,
	provider   TEXT NOT NULL,
	kind       TEXT NOT NULL,
	created_at INTEGER,
	expires_at INTEGER NOT NULL,
	not_after  INTEGER,
	ip         TEXT NOT NULL,
	user_agent TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_pk);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE session_tokens (
	hash       BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32), -- SHA-256; the token itself is nowhere (A03)
	session_pk INTEGER NOT NULL REFERENCES sessions (pk) ON DELETE CASCADE,
	expires_at INTEGER NOT NULL,
	spent_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX session_tokens_session ON session_tokens (session_pk);
CREATE INDEX session_tokens_expiry ON session_tokens (expires_at);

CREATE TABLE once (
	scope TEXT NOT NULL,
	id    BLOB NOT NULL,
	until INTEGER NOT NULL,
	PRIMARY KEY (scope, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX once_until ON once (until);

CREATE TABLE signing_keys (
	id         TEXT NOT NULL PRIMARY KEY,
	algorithm  TEXT NOT NULL,
	sealed     BLOB NOT NULL,
	created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
