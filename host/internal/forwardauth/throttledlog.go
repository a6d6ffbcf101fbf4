package forwardauth

import (
	"sync"
	"time"

	hclog "github.com/hashicorp/go-hclog"
)

const (
	throttleFor = time.Minute
	maxKinds    = 1000 // for each level and minute
)

// throttledLog writes at most one line of each kind in a minute, because clients and proxies
// can cause a line with each request. The limit of kinds is separate for each level, so that
// requests with a thousand host names cannot hide an error.
type throttledLog struct {
	logger hclog.Logger
	now    func() time.Time

	mu    sync.Mutex
	begun time.Time
	said  map[hclog.Level]map[string]struct{}
}

func newThrottledLog(logger hclog.Logger, now func() time.Time) *throttledLog {
	return &throttledLog{logger: logger, now: now, said: map[hclog.Level]map[string]struct{}{}}
}

func (l *throttledLog) first(level hclog.Level, kind string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.now(); now.Sub(l.begun).Abs() >= throttleFor {
		l.begun = now
		clear(l.said)
	}
	said := l.said[level]
	if said == nil {
		said = map[string]struct{}{}
		l.said[level] = said
	}
	if _, ok := said[kind]; ok || len(said) >= maxKinds {
		return false
	}
	said[kind] = struct{}{}
	return true
}

func (l *throttledLog) write(level hclog.Level, kind, message string, args []any) {
	if l.first(level, kind) {
		l.logger.Log(level, "forward-auth: "+message, args...)
	}
}

func (l *throttledLog) info(kind, message string, args ...any) {
	l.write(hclog.Info, kind, message, args)
}
func (l *throttledLog) warn(kind, message string, args ...any) {
	l.write(hclog.Warn, kind, message, args)
}
func (l *throttledLog) error(kind, message string, args ...any) {
	l.write(hclog.Error, kind, message, args)
}

// debug writes every line.
func (l *throttledLog) debug(message string, args ...any) {
	l.logger.Debug("forward-auth: "+message, args...)
}
