-- readable by: 1
-- A role that users have already keeps as its ID the text that they have: access tokens
-- and applications know it by that.

CREATE TABLE doorward.roles (
	id   text COLLATE "C" PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE
);
INSERT INTO doorward.roles (id, name) SELECT DISTINCT role, role FROM doorward.users WHERE role <> '';

ALTER TABLE doorward.users ADD COLUMN username text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE doorward.users ADD COLUMN email_verified_by text COLLATE "C" NOT NULL DEFAULT ''; -- a provider
CREATE INDEX users_email ON doorward.users (lower(email)) WHERE email_verified_by <> '';

-- One text, which a session check reads with the rest of the row. NULL: unknown, as those
-- of all sessions from before.
ALTER TABLE doorward.sessions ADD COLUMN group_names text COLLATE "C";
