-- readable by: 1
-- What hosts counted of sign-ins that fail, for each other: a row a host. It is of use
-- for a minute, so it need not survive a crash of the server.

CREATE UNLOGGED TABLE doorward.counts (
	host       text COLLATE "C" PRIMARY KEY,
	counts     bytea NOT NULL,
	counted_at bigint NOT NULL
);
