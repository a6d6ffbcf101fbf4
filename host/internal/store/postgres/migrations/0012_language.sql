-- readable by: 1
-- The language that a user wants to be addressed in, as Directus keeps it; empty: not known.

ALTER TABLE doorward.users ADD COLUMN language text COLLATE "C" NOT NULL DEFAULT '';
