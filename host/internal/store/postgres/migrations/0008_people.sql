-- readable by: 1
-- Whom an operator looks for by address.
CREATE INDEX users_address ON doorward.users (lower(email));

-- Keys of the administration. The key itself is nowhere.
CREATE TABLE doorward.admin_keys (
	pk         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id         text COLLATE "C" NOT NULL UNIQUE,
	name       text COLLATE "C" NOT NULL UNIQUE,
	hash       bytea NOT NULL UNIQUE CHECK (length(hash) = 32), -- SHA-256
	scopes     text COLLATE "C" NOT NULL, -- with spaces between them
	created_at bigint,
	expires_at bigint,
	last_used  bigint
);
