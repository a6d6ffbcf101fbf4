package provider

import (
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/host/internal/sso"
)

// limits bound how long and how much a plugin can make the host wait.
type limits struct {
	process process.Limits
	pauses  Pauses

	first  time.Duration // for all plugins, at the start of the host
	open   time.Duration // for one provider
	reopen time.Duration // before the next try to open a provider; doubles
	drain  time.Duration // for calls in flight on a replaced endpoint
	probe  time.Duration // between two probes of an idle plugin
	answer time.Duration // for the answer to a probe
	slow   time.Duration // a call that takes longer causes a probe

	logins, sessions, others lineLimits // of each provider

	// shared is how many calls of a plugin may be in flight beyond the lines' own
	// places.
	shared int
}

// lineLimits bound the calls of one line of a provider.
type lineLimits struct {
	own      int           // calls in flight that other lines cannot prevent
	most     int           // calls in flight
	waiting  int           // calls that wait at the same time
	patience time.Duration // how long each waits
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
	// A call waits for less time than it may take itself (15 s to begin a login, 10 s for
	// a refresh), so that a caller that cannot be served learns it in time. A provider
	// that takes 2 s for each login serves 400 of them in that time. Calls for users who
	// are signed in have reserved places that no number of strangers can take. They have
	// no priority: with priority, one user with many sessions could keep everybody from
	// signing in. Logout messages and metadata get few places, because anybody may send
	// them and no user waits for them.
	logins:   lineLimits{own: 8, most: 64, waiting: 1024, patience: 14 * time.Second},
	sessions: lineLimits{own: 6, most: 16, waiting: 512, patience: 8 * time.Second},
	others:   lineLimits{own: 2, most: 8, waiting: 64, patience: 8 * time.Second},
	// A little more than three providers that hang can hold. In total a plugin has at
	// most 256 calls in flight, and 16 for each of its providers.
	shared: 256,
}
