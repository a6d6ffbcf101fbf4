package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// probeEvery is how long a write that went well is taken as a sign that the next
// will. Whoever asks for our health may be anybody, and must not make us write.
const probeEvery = 10 * time.Second

// health knows how the last write came out.
type health struct {
	every time.Duration

	mu      sync.Mutex
	written time.Time // when a write went well last
	failed  time.Time // when one did not, for a reason of the database; zero: not since
	reason  error
}

// learn takes note of how a write came out. What the caller got wrong, or broke
// off, says nothing about the database.
func (h *health) learn(err error) {
	if err != nil && !isFailure(err) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.written, h.failed, h.reason = time.Now(), time.Time{}, nil
		return
	}
	h.failed, h.reason = time.Now(), err
}

// wroteLately reports whether the last write went well and is not long ago.
func (h *health) wroteLately() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reason == nil && time.Since(h.written) < h.every
}

// lacked returns why a write failed lately, if that was because the server lacked
// something, such as room on its disk: a small write may go well all the same.
func (h *health) lacked() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if code := codeOf(h.reason); len(code) == 5 && code[:2] == classResources && time.Since(h.failed) < h.every {
		return h.reason
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
	if err := s.health.lacked(); err != nil {
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
