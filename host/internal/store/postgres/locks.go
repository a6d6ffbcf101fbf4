package postgres

// Keys of the host's advisory locks, all of which end with their transaction. The numbers
// are random, to avoid those of other programs in the same database.
const (
	lockOfMigrations int64 = 4153926401832790163
	lockOfRemovals   int64 = 4153926401832790164
)
