package sso

import (
	"context"
	"errors"
)

// Holder returns the user of a session token or refresh token, current or only just
// replaced. It changes nothing.
//
// Errors: ErrSessionInvalid, ErrSessionNotNow, ErrUserInactive, and any error of the
// store.
func (s *Service) Holder(ctx context.Context, token Token) (Principal, error) {
	who, err := s.Authenticate(ctx, token)
	if !errors.Is(err, ErrSessionInvalid) { // otherwise it may be of the other kind
		return who, err
	}
	now := s.config.Now()
	stored, err := s.lookUp(ctx, token, KindRefresh, now)
	if err != nil {
		return Principal{}, err
	}
	if err := s.checkUsable(stored, now); err != nil {
		return Principal{}, err
	}
	if err := stored.User.MaySignIn(); err != nil {
		return Principal{}, err
	}
	return Principal{User: stored.User, Session: stored.Session}, nil
}
