// Package postgres is the store of one host or several: a PostgreSQL database, with its
// own schema. It implements store.Store.
//
// Durability: a method that writes returns after the server has confirmed the commit,
// which the server does after the data is on disk unless configured otherwise (fsync,
// synchronous_commit). The error is sso.ErrOutcomeUnknown if the connection was lost
// during the commit: then either all of the write is stored, or nothing.
//
// Concurrency: transactions are READ COMMITTED, and a transaction that decides by what it
// read locks that row first. Locks are taken in one order: once-IDs (sorted), the user,
// the session (several by their pk), then what belongs to a session. Transactions that
// lock in another order skip what is locked. Serialization failures and deadlocks are
// retried a few times, since then nothing was written.
//
// Connections: nothing depends on which connection of the server a transaction gets, so
// pgbouncer in transaction mode works: no prepared statements, no SET, no locks that
// outlive a transaction, no LISTEN. Parsing each statement again costs the server about
// 50 µs; older versions of pgbouncer leave no other way.
package postgres
