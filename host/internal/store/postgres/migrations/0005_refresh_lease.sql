-- readable by: 1
-- Which host is asking the provider of a session with its grant, and until when nobody
-- else does, by the clock of this database. NULL: none is. A host that knows nothing of
-- this asks without.

ALTER TABLE doorward.sessions ADD COLUMN leased_by text COLLATE "C", ADD COLUMN leased_until timestamptz;
