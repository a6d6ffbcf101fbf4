package forwardauth

import (
	"sync"
	"time"

	hclog "github.com/hashicorp/go-hclog"
)

const (
	quietFor  = time.Minute
	quietKeys = 1000 // of a level, in a minute
)

// quiet logs a message with the same key at most once a minute: anyone who requests an
// app, or can reach the listener, can cause one with each request. Each level has its own
// limit, so that an attacker cannot hide an error behind a thousand host names.
type quiet struct {
	logger hclog.Logger
	now    func() time.Time

	mu    sync.Mutex
	begun time.Time
	said  map[hclog.Level]map[string]struct{}
}

func newQuiet(logger hclog.Logger, now func() time.Time) *quiet {
	return &quiet{logger: logger, now: now, said: map[hclog.Level]map[string]struct{}{}}
}

func (q *quiet) first(level hclog.Level, kind string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.now(); now.Sub(q.begun).Abs() >= quietFor {
		q.begun = now
		clear(q.said)
	}
	said := q.said[level]
	if said == nil {
		said = map[string]struct{}{}
		q.said[level] = said
	}
	if _, ok := said[kind]; ok || len(said) >= quietKeys {
		return false
	}
	said[kind] = struct{}{}
	return true
}

func (q *quiet) log(level hclog.Level, kind, message string, args []any) {
	if q.first(level, kind) {
		q.logger.Log(level, "forward-auth: "+message, args...)
	}
}

func (q *quiet) info(kind, message string, args ...any)  { q.log(hclog.Info, kind, message, args) }
func (q *quiet) warn(kind, message string, args ...any)  { q.log(hclog.Warn, kind, message, args) }
func (q *quiet) error(kind, message string, args ...any) { q.log(hclog.Error, kind, message, args) }

// debug writes every line.
func (q *quiet) debug(message string, args ...any) {
	q.logger.Debug("forward-auth: "+message, args...)
}
