-- Which host is asking the provider of a session with its grant, and for how long
-- nobody else does. NULL: none is.

ALTER TABLE sessions ADD COLUMN leased_by TEXT;
ALTER TABLE sessions ADD COLUMN leased_until INTEGER;
