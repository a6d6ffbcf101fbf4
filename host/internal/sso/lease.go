package sso

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/doorward/doorward/sdk"
)

// GrantLease says that one host alone may ask a provider with the grant of a session.
type GrantLease struct {
	SessionID string
	Token     TokenHash // the current one
	AskedAt   time.Time // of the session, as it was looked up; zero: whatever it is
	Holder    string    // the host, whatever it calls itself
	For       time.Duration
}

// ErrLeased: another host has the lease of a grant.
var ErrLeased = errors.New("another host is asking the provider about this session")

// errNoLease: the provider was not asked, because this host may not, or cannot tell
// whether it may.
var errNoLease = errors.New("no lease of the grant")

// leaseTimeout bounds the taking of a lease, which is one small write.
const leaseTimeout = 5 * time.Second

// leaseFor is how long a lease lasts by itself, if the host that has it dies: as long
// as the provider may be asked, and then what it answered may take to be stored.
var leaseFor = waitFor(sdk.CapabilityRefresh) + endTimeout

// Whoever waits for another host outlasts its lease by outlast, so that a host that died
// is found to have. They look after pollFirst, and then less and less often.
const (
	outlast   = 2 * time.Second
	pollFirst = 20 * time.Millisecond
	pollLast  = 250 * time.Millisecond
)

// lease is that of one exchange. The zero value of held is that of a session whose
// provider is not asked, which costs nothing.
type lease struct {
	GrantLease
	grants ProviderSessions
	held   bool
}

func (s *Service) leaseOf(session Session, token Token) *lease {
	return &lease{
		GrantLease: GrantLease{SessionID: session.ID, Token: token.Hash(), AskedAt: session.AskedAt, Holder: s.name, For: leaseFor},
		grants:     s.ports.AtProviders,
	}
}

// take returns the sealed grant to ask with. It must be the one that is read under the
// lease: whoever had it before may have replaced it. Every error wraps errNoLease.
func (l *lease) take(waiting context.Context) (sealed []byte, err error) {
	if err := waiting.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoLease, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(waiting), leaseTimeout)
	defer cancel()
	sealed, err = l.grants.LeaseGrant(ctx, l.GrantLease)
	switch {
	case errors.Is(err, ErrNotFound):
		err = ErrSessionInvalid
	case !errors.Is(err, ErrSpent) && !errors.Is(err, ErrLeased):
		l.held = true // or nobody knows
	}
	if err != nil {
		return nil, fmt.Errorf("leasing the grant of session %s: %w: %w", l.SessionID, errNoLease, err)
	}
	return sealed, nil
}

// letGo is for an exchange that came to nothing. If it fails, the lease ends by itself.
func (l *lease) letGo(waiting context.Context) {
	if !l.held {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(waiting), leaseTimeout)
	defer cancel()
	_ = l.grants.ReleaseGrant(ctx, l.SessionID, l.Holder)
}

// afterLease waits until no other host has the lease of a session: it exchanged the
// token, it gave up, or it died and its time is over. After until that is ErrBusy.
func (s *Service) afterLease(ctx context.Context, sessionID string, until <-chan time.Time) error {
	for pause := pollFirst; ; pause = min(2*pause, pollLast) {
		again := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // nobody gains by guessing it
		select {
		case <-again.C:
		case <-until:
			again.Stop()
			return fmt.Errorf("%w: %w", ErrBusy, ErrLeased)
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		}
		leased, err := s.ports.AtProviders.GrantLeased(ctx, sessionID, s.name)
		if err != nil {
			return fmt.Errorf("waiting for another host to ask about session %s: %w", sessionID, err)
		}
		if !leased {
			return nil
		}
	}
}
