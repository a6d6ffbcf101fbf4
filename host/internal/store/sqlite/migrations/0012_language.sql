-- The language that a user wants to be addressed in, as Directus keeps it; empty: not known.

ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT '';
