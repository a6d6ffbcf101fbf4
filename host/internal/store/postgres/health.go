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

// probeEvery is how long a successful write counts as a sign that the next will succeed.
// Anyone can ask for the host's health, and must not be able to make it write.
const probeEvery = 10 * time.Second

// health records the outcome of writes.
type health struct {
	every time.Duration

	mu       sync.Mutex
	written  time.Time // time of the last successful write
	failed   bool      // the last write failed because of the database
	lackedAt time.Time // when the server last lacked something for a write, such as disk space
	lack     error     // the error of that write
}

// learn records the outcome of a write. A mistake or a cancellation by the caller says
// nothing about the database.
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

// wroteLately reports whether the last write succeeded recently.
func (h *health) wroteLately() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.failed && time.Since(h.written) < h.every
}

// lackedLately returns why the server recently could not write. Later successful writes
// prove nothing: on a full disk, a write still succeeds if its page has room.
func (h *health) lackedLately() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lack != nil && time.Since(h.lackedAt) < h.every {
		return h.lack
	}
	return nil
}

const writeProbe = `UPDATE doorward.probe SET probed_at = $1`

// Ping returns nil if the server answers, the schema is one that this program supports,
// and the database can be written to. It writes if there was no write for some seconds,
// or if the last write failed.
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
	n, err := s.count(ctx, "testing whether the database can be written to", writeProbe, time.Now().UnixMilli())
	if err == nil && n == 0 {
		return errors.New("the table doorward.probe is empty: restore the database from a backup")
	}
	return err
}
