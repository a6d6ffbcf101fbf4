package web

import (
	"sync"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/labstack/echo/v4"
)

// Limits of how much clients can make the log grow. Anyone can cause most of its lines,
// without signing in and as fast as the network allows: without limits that was 8 MB a
// second, and it hid what mattered.
const (
	sampledInterval = 10 * time.Second
	sampledLines    = 20   // of one kind in an interval
	sampledFromOne  = 5    // ... from one client, so that a flood does not hide the others
	sampledKinds    = 1000 // in an interval
)

// sampling limits the lines of a kind.
type sampling struct {
	lines, fromOne int
	within         time.Duration
}

var (
	often = sampling{lines: sampledLines, fromOne: sampledFromOne, within: sampledInterval}
	// seldom is for lines that every session causes at every refresh while a provider is
	// unavailable or a setting is wrong: one line is enough.
	seldom = sampling{lines: 1, fromOne: 1, within: 10 * time.Minute}
)

// sampler writes the first lines of each kind in each interval, and at its end how many
// more there were; those are written at debug. A kind is a level and a message about a
// provider. Its methods are safe for concurrent use.
type sampler struct {
	logger hclog.Logger
	mu     sync.Mutex
	kinds  map[kindOfLine]*sampledKind
}

type kindOfLine struct {
	level             hclog.Level
	message, provider string
}

// sampledKind is what was written of a kind in the current interval.
type sampledKind struct {
	from    []string // the client that caused each line
	omitted int
}

func newSampler(logger hclog.Logger) *sampler {
	return &sampler{logger: logger, kinds: map[kindOfLine]*sampledKind{}}
}

// warn logs a line that a request caused: the first lines of their kind at warn. It adds
// the provider, the client's address and the ID of the request. It reports whether the line
// was written at the level in force.
func (s *sampler) warn(c echo.Context, provider, message string, args ...any) bool {
	return s.request(hclog.Warn, c, provider, message, args)
}

// error is warn for what the operator must look into.
func (s *sampler) error(c echo.Context, provider, message string, args ...any) bool {
	return s.request(hclog.Error, c, provider, message, args)
}

// debug logs mistakes of a client.
func (s *sampler) debug(c echo.Context, provider, message string, args ...any) bool {
	return s.request(hclog.Debug, c, provider, message, args)
}

func (s *sampler) request(level hclog.Level, c echo.Context, provider, message string, args []any) bool {
	from := c.RealIP()
	all := make([]any, 0, len(args)+6)
	if provider != "" {
		all = append(all, "provider", provider)
	}
	return s.log(level, from, provider, message, append(append(all, args...), "ip", from, "request_id", requestID(c))...)
}

// log logs a line that the client at that address caused.
func (s *sampler) log(level hclog.Level, from, provider, message string, args ...any) bool {
	if level > hclog.Debug && !s.admit(kindOfLine{level, message, provider}, from) {
		level = hclog.Debug
	}
	s.logger.Log(level, message, args...)
	return level >= s.logger.GetLevel()
}

// warnSeldom is warn for a condition that lasts until someone changes something. Lines with
// another reason are of another kind.
func (s *sampler) warnSeldom(c echo.Context, provider, message, reason string, args ...any) {
	level := hclog.Warn
	if !s.admitUpTo(seldom, kindOfLine{level, message + ": " + reason, provider}, c.RealIP()) {
		level = hclog.Debug
	}
	s.logger.Log(level, message, append(append([]any{"provider", provider, "reason", reason}, args...), "ip", c.RealIP(), "request_id", requestID(c))...)
}

// admit counts a line and reports whether it is one of the first.
func (s *sampler) admit(kind kindOfLine, from string) bool { return s.admitUpTo(often, kind, from) }

func (s *sampler) admitUpTo(bound sampling, kind kindOfLine, from string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.kinds[kind]
	if !ok {
		if len(s.kinds) >= sampledKinds {
			return false
		}
		k = &sampledKind{}
		s.kinds[kind] = k
		time.AfterFunc(bound.within, func() { s.endInterval(kind, bound.within) })
	}
	if len(k.from) >= bound.lines || count(k.from, from) >= bound.fromOne {
		k.omitted++
		return false
	}
	k.from = append(k.from, from)
	return true
}

func (s *sampler) endInterval(kind kindOfLine, within time.Duration) {
	s.mu.Lock()
	omitted := s.kinds[kind].omitted
	delete(s.kinds, kind)
	s.mu.Unlock()
	if omitted > 0 {
		s.logger.Log(kind.level, "similar log lines were omitted; LOG_LEVEL=debug shows all", "line", kind.message,
			"provider", kind.provider, "lines", omitted, "within", within.String())
	}
}

func count(list []string, item string) int {
	n := 0
	for _, other := range list {
		if other == item {
			n++
		}
	}
	return n
}
