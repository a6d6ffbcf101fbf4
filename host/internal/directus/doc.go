// Package directus reads the users and roles of Directus in the forms that operators
// have: JSON exported by its API or its Data Studio, CSV with a header line exported by
// the Data Studio or psql, and the plain text of pg_dump.
//
// A file comes from another machine, perhaps an old one, and is bounded in size, rows and
// the length of each value. Columns that are not needed, such as passwords, are not kept.
package directus
