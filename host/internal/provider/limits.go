package provider

import (
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/host/internal/sso"
)

// limits bound what a plugin can make the host wait for.
type limits struct {
	process process.Limits
	pauses  Pauses

	first  time.Duration // all plugins at the start of the host
	open   time.Duration // one provider
	reopen time.Duration // before a provider that could not be opened is tried again; doubles
	drain  time.Duration // calls in flight on what was replaced
	probe  time.Duration // between two questions whether an idle plugin lives
	answer time.Duration // to that question
	slow   time.Duration // a call that takes longer raises the question

	logins, sessions, others lineLimits // of each provider

	// shared are the places of a plugin that its lines take beyond their own.
	shared int
}

// lineLimits bound the calls of one line of a provider.
type lineLimits struct {
	own      int           // in flight, whatever other lines do
	most     int           // in flight
	waiting  int           // at the same time
	patience time.Duration // of each
}

func (l limits) line(of sso.Line) lineLimits {
	switch of {
	case sso.LineLogins:
		return l.logins
	case sso.LineSessions:
		return l.sessions
	default:
		return l.others
	}
}

var defaultLimits = limits{
	process: process.DefaultLimits, pauses: DefaultPauses,
	first: 5 * time.Second, open: 15 * time.Second, reopen: 500 * time.Millisecond, drain: 30 * time.Second,
	probe: 10 * time.Second, answer: 2 * time.Second, slow: 3 * time.Second,
	// A call waits for less time than it may take itself, which is 15 s to begin a login
	// and 10 s for a refresh, so that whoever cannot be served learns it in time. A
	// provider that takes 2 s for each login serves 400 at once in that time. Who is signed in, and must be
	// asked about, has places that no number of strangers can take, rather than
	// precedence: with precedence, one person with many sessions could keep everybody
	// from signing in. What logout messages and metadata take is little, because
	// anybody may send them and no person waits.
	logins:   lineLimits{own: 8, most: 64, waiting: 1024, patience: 14 * time.Second},
	sessions: lineLimits{own: 6, most: 16, waiting: 512, patience: 8 * time.Second},
	others:   lineLimits{own: 2, most: 8, waiting: 64, patience: 8 * time.Second},
	// What three providers that hang can hold, and a little more. All in all a plugin
	// has at most 256 calls in flight, and 16 for each of its providers.
	shared: 256,
}
