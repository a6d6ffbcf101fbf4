-- What was changed, and by whom. IDs grow, since the newest row is never removed. Nothing
-- refers to users or sessions: the audit outlives them.
CREATE TABLE events (
	id             INTEGER PRIMARY KEY,
	at             INTEGER NOT NULL,
	kind           TEXT NOT NULL,
	actor          TEXT NOT NULL,
	actor_name     TEXT NOT NULL,
	provider       TEXT NOT NULL,
	subject        TEXT NOT NULL, -- a keyed hash
	user_id        TEXT NOT NULL,
	session_id     TEXT NOT NULL,
	address        TEXT NOT NULL,
	user_agent     TEXT NOT NULL,
	reason         TEXT NOT NULL,
	detail         TEXT NOT NULL,
	request_id     TEXT NOT NULL,
	sessions_ended INTEGER NOT NULL
) STRICT;
CREATE INDEX events_at ON events (at);
CREATE INDEX events_user ON events (user_id) WHERE user_id <> '';

-- Sign-ins that were refused, in sums: whoever is refused has not signed in, and must not
-- be able to fill the database.
CREATE TABLE refusals (
	minute   INTEGER NOT NULL, -- its beginning
	provider TEXT NOT NULL,
	reason   TEXT NOT NULL,
	n        INTEGER NOT NULL,
	PRIMARY KEY (minute, provider, reason)
) STRICT, WITHOUT ROWID;
