package sso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
)

var (
	// ErrLinkingOff: the operator does not allow people to link identities themselves.
	ErrLinkingOff = errors.New("linking identities is turned off")

	// ErrOtherSession: an attempt to link began in another session than the browser has
	// now. If it continued, an attacker could make others link their identity to the
	// attacker's account, or sign in to it without noticing (login CSRF, RFC 9700 section
	// 4.7).
	ErrOtherSession = errors.New("linking began in another session")
)

// Linking reports whether people may link further identities to their account.
func (s *Service) Linking() bool { return s.config.AccountLinking }

// checkLinker returns the user of an attempt to link, if the browser's one valid session
// is the session in which the attempt began.
func (s *Service) checkLinker(ctx context.Context, attempt Attempt, answer Answer) (Principal, error) {
	switch {
	case !answer.MayLink:
		return Principal{}, fmt.Errorf("%w: it can only link an identity, not sign anybody in", ErrAttemptInvalid)
	case !s.config.AccountLinking:
		return Principal{}, ErrLinkingOff
	}
	var holder Principal
	good := 0
	for _, token := range answer.Replaces {
		who, err := s.Authenticate(ctx, token)
		switch {
		case err == nil:
			holder, good = who, good+1
		case !isRefusal(err):
			return Principal{}, fmt.Errorf("looking up who links: %w", err)
		}
	}
	if good != 1 || holder.Session.ID != attempt.LinkTo {
		return Principal{}, ErrOtherSession
	}
	return holder, nil
}

// isRefusal reports whether a session was looked up and is not valid.
func isRefusal(err error) bool {
	return errors.Is(err, ErrSessionInvalid) || errors.Is(err, ErrSessionNotNow) || errors.Is(err, ErrUserInactive)
}

// link links the identity to the user who began the attempt. Nobody is signed in by it,
// and the provider's grant is not kept, because no session came from it.
func (s *Service) link(ctx context.Context, p Provider, attempt Attempt, identity sdk.Identity, answer Answer, now time.Time) error {
	identity, _, err := acceptIdentity(identity, now)
	if err != nil {
		return err
	}
	who, err := s.checkLinker(ctx, attempt, answer) // again: the call may have taken long
	if err != nil {
		return err
	}
	linked := LinkedIdentity{p.Name, p.SubjectOf(identity.Subject)}
	err = s.ports.Accounts.LinkOwn(ctx, OwnLink{
		LinkedIdentity: linked, Alias: identity.Subject, SessionID: who.Session.ID, UserID: who.User.ID,
		Once: onceIDs(p, attempt, identity), Now: now, Event: s.linkEvent(ctx, EventUserLinked, who, linked),
	})
	if err != nil {
		return fmt.Errorf("linking an identity at provider %s to user %s: %w", p.Name, who.User.ID, err)
	}
	return nil
}

// Unlink removes an identity from the user's account, if they can still sign in with
// another one, and returns how many sessions it ended: those that the link created.
//
// Errors: ErrLinkingOff, ErrLastLink, ErrNotFound, and any error of the store.
func (s *Service) Unlink(ctx context.Context, who Principal, link LinkedIdentity) (ended int, err error) {
	if !s.config.AccountLinking {
		return 0, ErrLinkingOff
	}
	ended, err = s.ports.Accounts.UnlinkOwn(ctx, who.User.ID, link, s.providerNames(), s.linkEvent(ctx, EventUserUnlinked, who, link))
	if err != nil {
		return 0, fmt.Errorf("unlinking an identity at provider %s from user %s: %w", link.Provider, who.User.ID, err)
	}
	return ended, nil
}

func (s *Service) providerNames() (names []string) {
	for _, p := range s.ports.Providers.List() {
		names = append(names, p.Name)
	}
	return names
}

// linkEvent creates the event of a user who links or unlinks an identity.
func (s *Service) linkEvent(ctx context.Context, kind EventKind, who Principal, link LinkedIdentity) Event {
	e := s.event(ctx, kind, ActorUser)
	e.Provider, e.Subject, e.UserID, e.SessionID = link.Provider, s.subjects.Hash(link.Provider, link.Subject), who.User.ID, who.Session.ID
	return e
}
