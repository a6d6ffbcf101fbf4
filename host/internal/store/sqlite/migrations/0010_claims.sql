-- By what a first login may take an account that has no link yet. They go with the first
-- link. Several accounts may wait for the same: then the login takes none.
CREATE TABLE claims (
	user_pk    INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	kind       TEXT NOT NULL,
	provider   TEXT NOT NULL, -- empty: any
	key        BLOB NOT NULL,
	expires_at INTEGER, -- null: never
	PRIMARY KEY (user_pk, kind)
) STRICT;

CREATE INDEX claims_key ON claims (key, kind, provider, user_pk);
