-- What hosts counted of sign-ins that fail, for each other: a row a host.

CREATE TABLE counts (
	host       TEXT NOT NULL PRIMARY KEY,
	counts     BLOB NOT NULL,
	counted_at INTEGER NOT NULL
) STRICT;
