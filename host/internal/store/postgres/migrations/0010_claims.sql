-- readable by: 1
-- By what a first login may take an account that has no link yet. They go with the first
-- link. Several accounts may wait for the same: then the login takes none.
CREATE TABLE doorward.claims (
	user_pk    bigint NOT NULL REFERENCES doorward.users (pk) ON DELETE CASCADE,
	kind       text COLLATE "C" NOT NULL,
	provider   text COLLATE "C" NOT NULL, -- empty: any
	key        bytea NOT NULL,
	expires_at bigint, -- null: never
	PRIMARY KEY (user_pk, kind)
);

CREATE INDEX claims_key ON doorward.claims (key, kind, provider, user_pk);
