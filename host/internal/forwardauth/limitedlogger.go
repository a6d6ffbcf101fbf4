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

// limitedLogger logs a message with the same key at most once a minute: anyone who requests an
// app, or can reach the listener, can cause one with each request. Each level has its own
// limit, so that an attacker cannot hide an error behind a thousand host names.
type limitedLogger struct {
	logger hclog.Logger
	now    func() time.Time

	mu    sync.Mutex
	begun time.Time
	said  map[hclog.Level]map[string]struct{}
}

func newLimitedLogger(logger hclog.Logger, now func() time.Time) *limitedLogger {
	return &limitedLogger{logger: logger, now: now, said: map[hclog.Level]map[string]struct{}{}}
}

func (l *limitedLogger) first(level hclog.Level, kind string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.now(); now.Sub(l.begun).Abs() >= quietFor {
		l.begun = now
		clear(l.said)
	}
	said := l.said[level]
	if said == nil {
		said = map[string]struct{}{}
		l.said[level] = said
	}
	if _, ok := said[kind]; ok || len(said) >= quietKeys {
		return false
	}
	said[kind] = struct{}{}
	return true
}

func (l *limitedLogger) log(level hclog.Level, kind, message string, args []any) {
	if l.first(level, kind) {
		l.logger.Log(level, "forward-auth: "+message, args...)
	}
}

func (l *limitedLogger) info(kind, message string, args ...any) {
	l.log(hclog.Info, kind, message, args)
}
func (l *limitedLogger) warn(kind, message string, args ...any) {
	l.log(hclog.Warn, kind, message, args)
}
func (l *limitedLogger) error(kind, message string, args ...any) {
	l.log(hclog.Error, kind, message, args)
}

// debug writes every line.
func (l *limitedLogger) debug(message string, args ...any) {
	l.logger.Debug("forward-auth: "+message, args...)
}
