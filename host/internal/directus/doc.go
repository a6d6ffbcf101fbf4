// Package directus reads the users and roles of Directus, as people have them: JSON as its
// API and its Data Studio export it, CSV with a head line as the Data Studio and psql
// export it, and the plain text of pg_dump.
//
// A file comes from another machine, perhaps an old one, and is bounded in size, rows and
// the length of each value. Columns that are not needed, such as passwords, are not kept.
package directus
