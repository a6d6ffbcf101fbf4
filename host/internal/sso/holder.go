package sso

import "context"

// Holder returns who holds a token of a session of either kind: a session token as
// of Authenticate, or the current refresh token. It changes nothing.
//
// Errors: ErrSessionInvalid, ErrSessionNotNow, ErrUserInactive, and whatever the store returns.
func (s *Service) Holder(ctx context.Context, token Token) (Principal, error) {
	if who, err := s.Authenticate(ctx, token); err == nil {
		return who, nil
	}
	stored, err := s.lookUp(ctx, token, KindRefresh, s.config.Now())
	switch {
	case err != nil:
		return Principal{}, err
	case !stored.SpentAt.IsZero():
		return Principal{}, ErrSessionInvalid
	case stored.User.Status != UserActive:
		return Principal{}, ErrUserInactive
	}
	return Principal{User: stored.User, Session: stored.Session}, nil
}
