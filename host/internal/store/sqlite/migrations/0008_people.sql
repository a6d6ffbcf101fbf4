-- Whom an operator looks for by address. Where registration is closed, all of them may
-- be; lists without an address go by pk.
CREATE INDEX users_address ON users (lower(email));

-- Keys of the administration. The key itself is nowhere.
CREATE TABLE admin_keys (
	pk         INTEGER PRIMARY KEY,
	id         TEXT NOT NULL UNIQUE,
	name       TEXT NOT NULL UNIQUE,
	hash       BLOB NOT NULL UNIQUE CHECK (length(hash) = 32), -- SHA-256
	scopes     TEXT NOT NULL, -- with spaces between them
	created_at INTEGER,
	expires_at INTEGER,
	last_used  INTEGER
) STRICT;
