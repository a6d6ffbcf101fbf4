-- What a session is called at its provider, and its grant. It stands beside the
-- sessions, because a session check reads those and never this. Subjects and
-- session IDs of others are BLOBs, as in links.

CREATE TABLE provider_sessions (
	session_pk     INTEGER PRIMARY KEY REFERENCES sessions (pk) ON DELETE CASCADE,
	provider       TEXT NOT NULL,
	subject        BLOB NOT NULL, -- of the identity of the login
	logout_subject BLOB NOT NULL, -- by which logout messages name the end user
	session_id     BLOB NOT NULL, -- by which they name the session; empty: by none
	sealed_grant   BLOB NOT NULL  -- encrypted; empty: none
) STRICT;
CREATE INDEX provider_sessions_subject ON provider_sessions (provider, logout_subject);
CREATE INDEX provider_sessions_id ON provider_sessions (provider, session_id);

-- Sessions from before have no grant, and can still be named by their subject.
INSERT INTO provider_sessions (session_pk, provider, subject, logout_subject, session_id, sealed_grant)
SELECT s.pk, s.provider, u.subject, u.subject, x'', x'' FROM sessions s JOIN users u ON u.pk = s.user_pk;
