// Package sqlite is the store of a single host: one database file, without a
// server. It implements store.Store.
//
// Durability: a method that wrote something returns after the disk has it
// (synchronous=FULL). Less would be faster and would, after a power cut, bring
// back a session that had been ended or a once-ID that had been spent.
//
// Concurrency: one connection writes, one transaction after the other, and each
// takes the write lock when it starts, so that what it reads stays true until
// it commits. A few other connections only read. In WAL mode readers and the
// writer do not wait for each other.
//
// The file must stand on a local disk: WAL needs shared memory, which network
// file systems do not have. To back it up while it is in use, run
// "VACUUM INTO" or the .backup command of the sqlite3 shell; a copy of the file
// alone lacks what is still in its -wal file.
package sqlite
