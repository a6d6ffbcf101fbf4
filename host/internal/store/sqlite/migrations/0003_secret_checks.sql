-- A constant sealed under each SECRET that signing keys or grants may be sealed under.

CREATE TABLE secret_checks (
	id     TEXT NOT NULL PRIMARY KEY,
	sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
