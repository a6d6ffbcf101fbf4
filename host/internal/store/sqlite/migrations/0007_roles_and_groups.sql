-- A role that users have already keeps as its ID the text that they have: access tokens
-- and applications know it by that.

CREATE TABLE roles (
	id   TEXT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
INSERT INTO roles (id, name) SELECT DISTINCT role, role FROM users WHERE role <> '';

ALTER TABLE users ADD COLUMN username TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email_verified_by TEXT NOT NULL DEFAULT ''; -- a provider
CREATE INDEX users_email ON users (lower(email)) WHERE email_verified_by <> '';

-- One text, which a session check reads with the rest of the row, and which stands last
-- in it, so that a long one is not read by who does not ask for it. NULL: unknown, as
-- those of all sessions from before.
ALTER TABLE sessions ADD COLUMN group_names TEXT;
