-- When the provider of a session was last asked, or else the session prolonged. NULL: not
-- since the login, or since before this was kept.

ALTER TABLE sessions ADD COLUMN asked_at INTEGER;
