// Package pgtest starts PostgreSQL and pgbouncer for tests, as an ordinary user, in a
// temporary folder and on loopback. It does not touch an installed cluster.
package pgtest
