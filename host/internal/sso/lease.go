package sso

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/doorward/doorward/sdk"
)

// GrantLease is a request that one host alone may ask a provider with the grant of a
// session.
type GrantLease struct {
	SessionID string
	Token     TokenHash // the current one
	AskedAt   time.Time // of the session when it was looked up; zero: any
	Holder    string    // any name of the host
	For       time.Duration
}

// ErrLeased: another host has the lease of a grant.
var ErrLeased = errors.New("another host is asking the provider about this session")

// errNoLease: the provider was not asked, because this host may not ask, or does not know
// whether it may.
var errNoLease = errors.New("no lease of the grant")

// leaseTimeout bounds taking a lease, which is one small write.
const leaseTimeout = 5 * time.Second

// leaseFor is how long a lease lasts if its host dies: as long as the provider may be
// asked, plus the time to store the answer.
var leaseFor = capabilityTimeout(sdk.CapabilityRefresh) + endTimeout

// A host that waits for another one waits for the lease and outlast, so that it notices
// if the other one has died. It polls after pollFirst, and then less and less often.
const (
	outlast   = 2 * time.Second
	pollFirst = 20 * time.Millisecond
	pollLast  = 250 * time.Millisecond
)

// lease is the lease of one exchange. While held is false, the provider of the session is
// not asked, which costs nothing.
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

// take returns the sealed grant to ask with. Only the grant that is read under the lease
// may be used: the previous holder may have replaced it. Every error wraps errNoLease.
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
		l.held = true // or it is unknown
	}
	if err != nil {
		return nil, fmt.Errorf("leasing the grant of session %s: %w: %w", l.SessionID, errNoLease, err)
	}
	return sealed, nil
}

// release is called when an exchange fails. If release fails, the lease expires by
// itself.
func (l *lease) release(waiting context.Context) {
	if !l.held {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(waiting), leaseTimeout)
	defer cancel()
	_ = l.grants.ReleaseGrant(ctx, l.SessionID, l.Holder)
}

// waitForLease waits until no other host has the lease of a session: the host has
// exchanged the token, given up, or died and its lease has expired. After until the error
// is ErrBusy.
func (s *Service) waitForLease(ctx context.Context, sessionID string, until <-chan time.Time) error {
	for pause := pollFirst; ; pause = min(2*pause, pollLast) {
		again := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // guessing it is useless
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
