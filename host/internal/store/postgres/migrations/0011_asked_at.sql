-- readable by: 1
-- When the provider of a session was last asked, or else the session prolonged. NULL: not
-- since the login, or since before this was kept.

ALTER TABLE doorward.sessions ADD COLUMN asked_at bigint;
