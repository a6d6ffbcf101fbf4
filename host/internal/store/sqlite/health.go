package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// probeEvery is how long a successful write counts as a sign that the next will succeed.
// Anyone can ask for the host's health, and must not be able to make it write.
const probeEvery = 10 * time.Second

// lowDisk is how many bytes must be free for that sign to count.
const lowDisk = 1 << 20

// health records the outcome of the last write.
type health struct {
	every  time.Duration
	probes atomic.Int32 // how many times Ping wrote

	mu      sync.Mutex
	written time.Time // time of the last successful write
	failed  bool      // the last write failed because of the database
}

// learn records the outcome of a write. A mistake or a cancellation by the caller says
// nothing about the database.
func (h *health) learn(err error) {
	broken := isFailure(err)
	if err != nil && !broken {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = broken
	if !broken {
		h.written = time.Now()
	}
}

// wroteLately reports whether the last write succeeded recently.
func (h *health) wroteLately() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.failed && time.Since(h.written) < h.every
}

// Ping returns nil if the database file is still in place, readable and writable. It
// writes if there was no write for some seconds, if the last write failed, or if the disk
// is nearly full; otherwise it does not delay other writes.
func (s *Store) Ping(ctx context.Context) error {
	// Without this check a removed file goes unnoticed: SQLite keeps using the open file,
	// and the data is gone at the next start.
	if file, err := os.Stat(s.path); err != nil || !os.SameFile(file, s.file) {
		return fmt.Errorf("database %q was removed or replaced while it was open: put it back and restart", s.path)
	}
	var version int
	if err := s.reader.QueryRowContext(ctx, "SELECT version FROM schema_version").Scan(&version); err != nil {
		return explain("reading the schema version", err)
	}
	if s.health.wroteLately() && freeBytes(s.path) >= lowDisk {
		return nil
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		// user_version is a number in the file header that SQLite leaves to applications;
		// this program does not read it. An UPDATE to the same value would write nothing.
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", s.health.probes.Add(1)))
		return explain("testing whether the database can be written to", err)
	})
}
