// Package sqlite is the store of a single host: one database file, without a server. It
// implements store.Store.
//
// Durability: a method that writes returns after the data is on disk (synchronous=FULL).
// A lower setting would be faster, but after a power cut an ended session or a spent
// once-ID could come back.
//
// Concurrency: one goroutine writes, through one connection. Operations that arrive while
// it commits are committed together next (see owner). Its transactions take the write
// lock when they start, so that what they read stays true until they commit. A few other
// connections only read. In WAL mode readers and the writer do not wait for each other.
//
// The file must be on a local disk: WAL needs shared memory, which network file systems
// do not provide. A copy of the file alone lacks what is still in its -wal file; Backup
// makes a complete copy.
package sqlite
