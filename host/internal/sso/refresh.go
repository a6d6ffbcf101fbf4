package sso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
)

// verdict is what a provider says about a session.
type verdict struct {
	user     User
	notAfter time.Time // zero: no bound
	unasked  error     // why the provider could not say; nil: it says yes
}

// ask asks the provider of a session whether it is still good, once for all who
// ask at the same time: a refresh token at the provider may be good only once.
//
// A provider that cannot say is no reason to sign everybody out, so that is no
// error. One that says no is an error that wraps ErrSessionInvalid, and the
// session has ended.
func (s *Service) ask(ctx context.Context, stored SessionToken) (verdict, error) {
	return s.refreshes.do(ctx, stored.Session.ID, func() (verdict, error) {
		// A client that goes away must not break this off half way: the provider
		// may have replaced the grant already.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), waitFor(sdk.CapabilityRefresh)+endTimeout)
		defer cancel()
		return s.askNow(ctx, stored)
	})
}

func (s *Service) askNow(ctx context.Context, stored SessionToken) (verdict, error) {
	session := stored.Session
	at, err := s.ports.AtProviders.AtProvider(ctx, session.ID)
	if errors.Is(err, ErrNotFound) {
		return verdict{}, ErrSessionInvalid
	}
	if err != nil {
		return verdict{}, fmt.Errorf("looking up the grant: %w", err)
	}
	identity, err := s.refreshed(ctx, session, at)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return verdict{user: stored.User}, nil
	case errors.Is(err, sdk.ErrDenied):
		refused := fmt.Errorf("%w: provider %s says no to session %s: %w", ErrSessionInvalid, session.Provider, session.ID, err)
		return verdict{}, errors.Join(refused, s.end(ctx, session.ID))
	case err != nil:
		return verdict{user: stored.User, unasked: err}, nil
	case identity.Subject != at.Subject:
		// Somebody else's answer: nobody can tell whose session this is now.
		wrong := fault("a refresh of session %s at provider %s told of another subject than the login", session.ID, session.Provider)
		return verdict{}, errors.Join(fmt.Errorf("%w: %w", ErrSessionInvalid, wrong), s.end(ctx, session.ID))
	}
	return s.follow(ctx, stored, identity)
}

// refreshed calls the mechanism. errors.ErrUnsupported: there is nothing to ask.
func (s *Service) refreshed(ctx context.Context, session Session, at AtProvider) (sdk.Identity, error) {
	grant, err := s.grants.open(session.ID, at.SealedGrant)
	if err != nil {
		return sdk.Identity{}, err
	}
	if len(grant) == 0 {
		return sdk.Identity{}, fmt.Errorf("a session without a grant: %w", errors.ErrUnsupported)
	}
	ctx, cancel := context.WithTimeout(ctx, waitFor(sdk.CapabilityRefresh))
	defer cancel()
	m, err := s.ports.Providers.Mechanism(ctx, session.Provider)
	if err != nil {
		return sdk.Identity{}, err
	}
	refresher, err := sdk.As[sdk.Refresher](m, sdk.CapabilityRefresh)
	if err != nil {
		return sdk.Identity{}, err
	}
	answer, err := refresher.Refresh(ctx, grant)
	if err != nil {
		return sdk.Identity{}, err
	}
	identity, _, err := accept(answer.Identity, s.config.Now())
	return identity, err
}

// follow takes over what the provider says now.
func (s *Service) follow(ctx context.Context, stored SessionToken, identity sdk.Identity) (verdict, error) {
	if len(identity.Grant) > 0 {
		err := s.ports.AtProviders.ReplaceGrant(ctx, stored.Session.ID, s.grants.seal(stored.Session.ID, identity.Grant))
		if errors.Is(err, ErrNotFound) {
			return verdict{}, ErrSessionInvalid
		}
		if err != nil {
			return verdict{}, fmt.Errorf("storing the new grant: %w", err)
		}
	}
	p, err := s.Provider(stored.Session.Provider)
	if err != nil {
		return verdict{}, fmt.Errorf("%w: %w", ErrSessionInvalid, err)
	}
	user := stored.User
	mapIdentity(&user, p, identity)
	if user != stored.User {
		if err := s.ports.Users.UpdateUser(ctx, user); err != nil {
			return verdict{}, fmt.Errorf("updating the user: %w", err)
		}
	}
	return verdict{user: user, notAfter: identity.ExpiresAt}, nil
}
