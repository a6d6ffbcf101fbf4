package sso

import "context"

// LogoutUser ends all sessions of a user, on all devices, and returns how many. It does
// so even if the client goes away in the meantime.
func (s *Service) LogoutUser(ctx context.Context, userID string) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	return EndSessions(ctx, s.ports.Sessions, SessionMatch{User: userID}, s.ending(ctx, ActorUser, ReasonLoggedOutOfAll))
}
