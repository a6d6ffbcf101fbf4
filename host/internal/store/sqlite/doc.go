// Package sqlite is the store of a single host: one database file, without a
// server. It implements store.Store.
//
// Durability: a method that wrote something returns after the disk has it
// (synchronous=FULL). Less would be faster and would, after a power cut, bring
// back a session that had been ended or a once-ID that had been spent.
//
// Concurrency: one goroutine writes, through one connection; what waits while it
// commits, it commits together (see owner). Its transactions take the write lock when
// they start, so that what they read stays true until they commit. A few other
// connections only read. In WAL mode readers and the writer do not wait for each other.
//
// The file must stand on a local disk: WAL needs shared memory, which network
// file systems do not have. A copy of the file alone lacks what is still in its -wal
// file; Backup makes one that lacks nothing.
package sqlite
