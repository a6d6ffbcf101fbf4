// Package pgtest starts PostgreSQL and pgbouncer for tests, as an ordinary user, in a
// temporary folder and on loopback. Nothing of an installed cluster is touched.
package pgtest
