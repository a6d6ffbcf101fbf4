-- A token that was replaced keeps the one that replaced it for a while, sealed under a
-- key that only its holder has. NULL: none, or not any more.

ALTER TABLE session_tokens ADD COLUMN successor BLOB;

-- Finds the current token of a session as well.
DROP INDEX session_tokens_session;
CREATE INDEX session_tokens_session ON session_tokens (session_pk, spent_at);

CREATE INDEX session_tokens_successors ON session_tokens (session_pk, spent_at) WHERE successor IS NOT NULL;
