-- readable by: 1
-- What was changed, and by whom. Nothing refers to users or sessions: the audit outlives
-- them.
CREATE TABLE doorward.events (
	id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at             bigint NOT NULL,
	kind           text COLLATE "C" NOT NULL,
	actor          text COLLATE "C" NOT NULL,
	actor_name     text COLLATE "C" NOT NULL,
	provider       text COLLATE "C" NOT NULL,
	subject        text COLLATE "C" NOT NULL, -- a keyed hash
	user_id        text COLLATE "C" NOT NULL,
	session_id     text COLLATE "C" NOT NULL,
	address        text COLLATE "C" NOT NULL,
	user_agent     text COLLATE "C" NOT NULL,
	reason         text COLLATE "C" NOT NULL,
	detail         text COLLATE "C" NOT NULL,
	request_id     text COLLATE "C" NOT NULL,
	sessions_ended bigint NOT NULL
);
CREATE INDEX events_at ON doorward.events (at);
CREATE INDEX events_user ON doorward.events (user_id, id) WHERE user_id <> '';

-- Sign-ins that were refused, in sums: whoever is refused has not signed in, and must not
-- be able to fill the database.
CREATE TABLE doorward.refusals (
	minute   bigint NOT NULL, -- its beginning
	provider text COLLATE "C" NOT NULL,
	reason   text COLLATE "C" NOT NULL,
	n        bigint NOT NULL,
	PRIMARY KEY (minute, provider, reason)
);
