// Package postgres is the store of one host or several: a database of PostgreSQL,
// in a schema of our own. It implements store.Store.
//
// Durability: a method that wrote something returns after the server said that it
// is committed, and the server says so after the disk has it, unless it was told
// otherwise (fsync, synchronous_commit). An error is sso.ErrOutcomeUnknown if the
// connection was lost while it committed: all of the write is there, or nothing.
//
// Concurrency: transactions are READ COMMITTED, and whoever decides by what it read
// locks that row first. Locks are taken in one order: once-IDs (sorted), the user,
// the session (several by their pk), then what belongs to a session. Whoever locks in
// another order skips what is locked. Serialization failures and deadlocks are tried
// again a few times, since then nothing was written.
//
// Connections: nothing depends on which connection of the server a transaction gets,
// so that pgbouncer may stand between in transaction mode: no prepared statements, no
// SET, no locks that outlive a transaction, no LISTEN. Parsing each statement anew
// costs the server some 50 µs; older versions of pgbouncer leave no other way.
package postgres
