package forwardauth

import (
	"sync"
	"time"

	hclog "github.com/hashicorp/go-hclog"
)

const (
	quietFor  = time.Minute
	quietKeys = 1000 // in a minute
)

// quiet writes a line of a kind once a minute: whoever asks for an app, or stands in
// front of us, can cause it with each request.
type quiet struct {
	logger hclog.Logger
	now    func() time.Time

	mu    sync.Mutex
	begun time.Time
	said  map[string]struct{}
}

func newQuiet(logger hclog.Logger, now func() time.Time) *quiet {
	return &quiet{logger: logger, now: now, said: map[string]struct{}{}}
}

func (q *quiet) first(kind string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.now(); now.Sub(q.begun).Abs() >= quietFor {
		q.begun = now
		clear(q.said)
	}
	if _, ok := q.said[kind]; ok || len(q.said) >= quietKeys {
		return false
	}
	q.said[kind] = struct{}{}
	return true
}

func (q *quiet) log(level hclog.Level, kind, message string, args []any) {
	if q.first(kind) {
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
