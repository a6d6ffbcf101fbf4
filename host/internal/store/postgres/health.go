package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// probeEvery is how long a write that went well is taken as a sign that the next
// will. Whoever asks for our health may be anybody, and must not make us write.
const probeEvery = 10 * time.Second

// health knows how writes came out.
type health struct {
	every time.Duration

	mu       sync.Mutex
	written  time.Time // when a write went well last
	failed   bool      // the last one did not, for a reason of the database
	lackedAt time.Time // when the server lacked something for a write, such as room on its disk
	lack     error     // of then
}

// learn takes note of how a write came out. What the caller got wrong, or broke
// off, says nothing about the database.
func (h *health) learn(err error) {
	if err != nil && !isFailure(err) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = err != nil
	if err == nil {
		h.written = time.Now()
	}
	if strings.HasPrefix(codeOf(err), classResources) {
		h.lackedAt, h.lack = time.Now(), err
	}
}

// wroteLately reports whether the last write went well and is not long ago.
func (h *health) wroteLately() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.failed && time.Since(h.written) < h.every
}

// lackedLately returns why the server could not write, not long ago. That other writes
// went well since is no sign: on a full disk, those do for which a page has room.
func (h *health) lackedLately() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lack != nil && time.Since(h.lackedAt) < h.every {
		return h.lack
	}
	return nil
}

const writeProbe = `UPDATE doorward.probe SET probed_at = $1`

// Ping returns nil if the server answers, the schema is one that this program can work
// with, and the database can be written to. It writes if nothing was written for some
// seconds, or if the last write failed.
func (s *Store) Ping(ctx context.Context) error {
	var applied []migration
	err := s.read(ctx, "reading the schema version", func(ctx context.Context, conn *pgxpool.Conn) (err error) {
		applied, err = appliedMigrations(ctx, conn)
		return err
	})
	if err != nil {
		return err
	}
	if err := readable(applied, s.known); err != nil {
		return err
	}
	if err := s.health.lackedLately(); err != nil {
		return fmt.Errorf("a write failed less than %v ago: %w", s.health.every, err)
	}
	if s.health.wroteLately() {
		return nil
	}
	n, err := s.count(ctx, "writing to see whether that works", writeProbe, time.Now().UnixMilli())
	if err == nil && n == 0 {
		return errors.New("the table doorward.probe is empty: restore the database from a backup")
	}
	return err
}
