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

// probeEvery is how long a write that went well is taken as a sign that the next
// will. Whoever asks for our health may be anybody, and must not make us write.
const probeEvery = 10 * time.Second

// lowDisk is how many bytes must be free for us to believe that.
const lowDisk = 1 << 20

// health knows how the last write came out.
type health struct {
	every  time.Duration
	probes atomic.Int32 // how many times Ping wrote

	mu      sync.Mutex
	written time.Time // when a write went well last
	failed  bool      // the last one did not, for a reason of the database
}

// learn takes note of how a write came out. What the caller got wrong, or broke
// off, says nothing about the database.
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

// wroteLately reports whether the last write went well and is not long ago.
func (h *health) wroteLately() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.failed && time.Since(h.written) < h.every
}

// Ping returns nil if the database is still where it was opened, can be read, and
// can be written to. It writes if nothing was written for some seconds, if the last
// write failed, or if the disk is nearly full; else it takes nothing from those who
// write.
func (s *Store) Ping(ctx context.Context) error {
	// Without this a file that was removed goes unnoticed: SQLite works on with
	// what it has open, and everything is gone at the next start.
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
		// A number in the header of the file that SQLite leaves to us, and that
		// nothing of ours reads. An UPDATE to the same value would write nothing.
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", s.health.probes.Add(1)))
		return explain("writing to see whether that works", err)
	})
}
