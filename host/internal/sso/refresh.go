package sso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
)

// verdict is the provider's answer about a session.
type verdict struct {
	user     User
	groups   Groups
	notAfter time.Time // zero: no bound
	unasked  error     // why the provider could not say; nil: it said yes
}

// unchanged is the verdict that leaves everything as stored.
func unchanged(stored SessionToken, unasked error) verdict {
	return verdict{user: stored.User, groups: stored.Session.Groups, unasked: unasked}
}

// askProvider asks the provider of a session whether it is still valid.
//
// A provider that cannot say is not a reason to sign everybody out, so that is not an
// error. If the provider was not asked, because too many calls wait for it, that is an
// error: otherwise an attacker who keeps the host busy could refresh sessions that the
// provider has ended. If the provider says no, the error wraps ErrSessionInvalid, and the
// session has ended. ErrLeased: another host is asking; ErrSpent: another host has asked,
// and the token was exchanged.
func (s *Service) askProvider(waiting context.Context, stored SessionToken, l *lease) (verdict, error) {
	session := stored.Session
	p, err := s.providerOf(session.Provider)
	if err != nil {
		return verdict{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(waiting), endTimeout)
	defer cancel()
	at, err := s.ports.AtProviders.AtProvider(ctx, session.ID)
	if errors.Is(err, ErrNotFound) {
		return verdict{}, ErrSessionInvalid
	}
	if err != nil {
		return verdict{}, fmt.Errorf("looking up the grant: %w", err)
	}
	identity, undecided, err := s.callRefresh(waiting, session, at, l)
	same := p.SubjectOf(identity.Subject) == p.SubjectOf(at.Subject)
	if undecided != nil && same {
		return s.keepGrant(waiting, stored, identity, undecided, l)
	}
	switch {
	case errors.Is(err, errNoLease):
		return verdict{}, err
	case errors.Is(err, ErrBusy):
		return verdict{}, fmt.Errorf("asking provider %s about session %s: %w", session.Provider, session.ID, err)
	case errors.Is(err, errors.ErrUnsupported):
		return unchanged(stored, nil), nil
	case errors.Is(err, ErrSealed):
		return s.endUnreadable(ctx, stored, l, err)
	case errors.Is(err, sdk.ErrDenied) && s.mayBeWrongClock(err):
		return verdict{}, fmt.Errorf("%w: provider %s says no, but the clock was just set: %w", ErrSessionNotNow, session.Provider, err)
	case errors.Is(err, sdk.ErrDenied):
		refused := fmt.Errorf("%w: provider %s says no to session %s: %w", ErrSessionInvalid, session.Provider, session.ID, err)
		event := s.ending(ctx, ActorProvider, ReasonProviderRefused)
		event.Detail = string(sdk.ReasonOf(err))
		return verdict{}, s.endAsked(ctx, l, refused, event)
	case err != nil:
		return unchanged(stored, err), nil
	case !same && foldAddress(identity.Subject) == foldAddress(at.Subject):
		return verdict{}, fmt.Errorf("%w: provider %s returns the user in another case, and identifier_ignore_case has been turned off", ErrSessionNotNow, session.Provider)
	case !same:
		// The answer is about somebody else: nobody can tell whose session this is now.
		wrong := fault("the refresh of session %s at provider %s returned another subject than the login", session.ID, session.Provider)
		return verdict{}, s.endAsked(ctx, l, fmt.Errorf("%w: %w", ErrSessionInvalid, wrong), s.ending(ctx, ActorProvider, ReasonOtherSubject))
	}
	return s.follow(waiting, stored, identity, l)
}

// endUnreadable ends a session whose grant does not open although SECRET is the right
// one: it was altered, or belongs to another session, and the provider can never be asked
// again.
func (s *Service) endUnreadable(ctx context.Context, stored SessionToken, l *lease, why error) (verdict, error) {
	confirmed, err := s.confirmed(ctx)
	if err != nil {
		return verdict{}, err
	}
	if !confirmed {
		return unchanged(stored, why), nil
	}
	return verdict{}, s.endAsked(ctx, l, fmt.Errorf("%w: %w", ErrSessionInvalid, why), s.ending(ctx, ActorHost, ReasonGrantUnreadable))
}

// endAsked ends a session that its provider refused, and returns why. It is ErrLeased if
// the lease had expired and another host has asked again: the refusal may come from the
// grant of this host having been spent by then, so the other host's answer counts.
func (s *Service) endAsked(ctx context.Context, l *lease, why error, event Event) error {
	if !l.held { // the provider was not asked
		return errors.Join(why, s.end(ctx, l.SessionID, event))
	}
	err := s.ports.AtProviders.EndLeased(ctx, l.SessionID, l.Holder, event)
	if errors.Is(err, ErrLeased) {
		return fmt.Errorf("ending session %s: %w", l.SessionID, err)
	}
	return errors.Join(why, err)
}

// mayBeWrongClock reports whether a refusal may come from a clock that was set recently:
// mechanisms use the same one.
func (s *Service) mayBeWrongClock(err error) bool {
	switch sdk.ReasonOf(err) {
	case sdk.ReasonAccountExpired, sdk.ReasonPasswordExpired, sdk.ReasonLogonNotPermitted:
		return s.config.SetWithin(settleFor)
	default:
		return false
	}
}

// callRefresh calls the mechanism when it is its turn. errors.ErrUnsupported: there is
// nothing to ask. undecided is why the provider could not say; then the identity may
// still have a grant to keep.
func (s *Service) callRefresh(waiting context.Context, session Session, at AtProvider, l *lease) (identity sdk.Identity, undecided, err error) {
	if len(at.SealedGrant) == 0 {
		return sdk.Identity{}, nil, fmt.Errorf("a session without a grant: %w", errors.ErrUnsupported)
	}
	if _, err := s.grants.open(session.ID, at.SealedGrant); err != nil {
		return sdk.Identity{}, nil, err
	}
	m, done, err := s.acquireMechanism(waiting, session.Provider, LineSessions)
	if err != nil {
		return sdk.Identity{}, nil, err
	}
	defer done()
	refresher, err := sdk.As[sdk.Refresher](m, sdk.CapabilityRefresh)
	if err != nil {
		return sdk.Identity{}, nil, err
	}
	// Only now, when only the provider is left to wait for.
	sealed, err := l.take(waiting)
	if err != nil {
		return sdk.Identity{}, nil, err
	}
	grant, err := s.grants.open(session.ID, sealed)
	if err != nil {
		return sdk.Identity{}, nil, err
	}
	// A client that goes away must not break this off half way: the provider may
	// have replaced the grant already.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(waiting), capabilityTimeout(sdk.CapabilityRefresh))
	defer cancel()
	answer, err := refresher.Refresh(ctx, grant)
	if err != nil {
		return sdk.Identity{}, nil, err
	}
	identity, _, err = acceptIdentity(answer.Identity, s.config.Now())
	return identity, answer.Undecided, err
}

// keepGrant keeps what the provider gave in place of the grant, although it could not
// say whether the session is still good.
func (s *Service) keepGrant(waiting context.Context, stored SessionToken, identity sdk.Identity, undecided error, l *lease) (verdict, error) {
	if err := s.replaceGrant(waiting, l, identity.Grant); err != nil {
		return verdict{}, err
	}
	return unchanged(stored, undecided), nil
}

// replaceGrant returns ErrLeased if our lease was over, and another host asked again.
// What it was told counts then.
func (s *Service) replaceGrant(waiting context.Context, l *lease, grant []byte) error {
	if len(grant) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(waiting), endTimeout)
	defer cancel()
	err := s.ports.AtProviders.ReplaceGrant(ctx, l.SessionID, l.Holder, s.grants.seal(l.SessionID, grant))
	if errors.Is(err, ErrNotFound) {
		return ErrSessionInvalid
	}
	if err != nil {
		return fmt.Errorf("storing the new grant: %w", err)
	}
	return nil
}

// follow updates user and session with the provider's answer.
func (s *Service) follow(waiting context.Context, stored SessionToken, identity sdk.Identity, l *lease) (verdict, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(waiting), endTimeout)
	defer cancel()
	if err := s.replaceGrant(waiting, l, identity.Grant); err != nil {
		return verdict{}, err
	}
	p, err := s.providerOf(stored.Session.Provider) // it may have been removed in the meantime
	if err != nil {
		return verdict{}, err
	}
	decision, err := s.decision(ctx, p, identity, s.config.Now())
	if err != nil {
		return verdict{}, err
	}
	if decision.unknown != nil {
		return unchanged(stored, decision.unknown), nil
	}
	user := stored.User
	if decision.update(&user); user != stored.User {
		// As stored now: an operator may have changed the user while the provider was
		// asked.
		if user, _, err = s.ports.Users.ChangeUser(ctx, user.ID, func(u *User) ([]Event, error) {
			before := *u
			decision.update(u)
			return s.roleFollowed(ctx, stored.Session, before, *u), nil
		}); err != nil {
			return verdict{}, fmt.Errorf("updating the user: %w", err)
		}
	}
	return verdict{user: user, groups: GroupsOf(identity), notAfter: identity.ExpiresAt}, nil
}

// roleFollowed returns the event of a role that changed at a refresh, or none.
func (s *Service) roleFollowed(ctx context.Context, session Session, before, after User) []Event {
	if before.Role == after.Role {
		return nil
	}
	e := s.event(ctx, EventRoleChanged, ActorProvider).For(session)
	e.Detail = RoleDetail(before.Role, after.Role)
	return []Event{e}
}
