package postgres

// The keys of our advisory locks, all of which end with their transaction. The
// numbers are random, so that they are nobody else's in the same database.
const (
	lockOfMigrations int64 = 4153926401832790163
	lockOfRemovals   int64 = 4153926401832790164
)
