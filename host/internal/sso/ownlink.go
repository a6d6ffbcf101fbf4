package sso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
)

var (
	// ErrLinkingOff: the operator does not let people link identities by themselves.
	ErrLinkingOff = errors.New("people do not link identities by themselves here")

	// ErrOtherSession: an attempt to link was begun in another session than the browser has
	// now. Were it to go on, somebody could have others link to an account that is not
	// theirs, or sign in to it without knowing (login CSRF, RFC 9700 section 4.7).
	ErrOtherSession = errors.New("linking was begun in another session")
)

// Linking reports whether people may link further identities to their account.
func (s *Service) Linking() bool { return s.config.AccountLinking }

// checkLinker returns who an attempt to link is for, if the one good session that the
// browser holds is that which it was begun in.
func (s *Service) checkLinker(ctx context.Context, attempt Attempt, answer Answer) (Principal, error) {
	switch {
	case !answer.MayLink:
		return Principal{}, fmt.Errorf("%w: it links, and signs nobody in", ErrAttemptInvalid)
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
		case !isNo(err):
			return Principal{}, fmt.Errorf("looking up who links: %w", err)
		}
	}
	if good != 1 || holder.Session.ID != attempt.LinkTo {
		return Principal{}, ErrOtherSession
	}
	return holder, nil
}

// isNo reports whether a session was looked up and is not good.
func isNo(err error) bool {
	return errors.Is(err, ErrSessionInvalid) || errors.Is(err, ErrSessionNotNow) || errors.Is(err, ErrUserInactive)
}

// link ties the identity to whoever began the attempt. Nobody is signed in by it, and what
// the provider gave for asking again is not kept: no session came from it.
func (s *Service) link(ctx context.Context, p Provider, attempt Attempt, identity sdk.Identity, answer Answer, now time.Time) error {
	identity, _, err := accept(identity, now)
	if err != nil {
		return err
	}
	who, err := s.checkLinker(ctx, attempt, answer) // once more: the provider took its time
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

// Unlink unties an identity from the account of that person, if they can still sign in by
// another one, and returns how many sessions it ended: those that came by it.
//
// Errors: ErrLinkingOff, ErrLastLink, ErrNotFound, and whatever the store returns.
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

// linkEvent is the event of a person who links or unlinks an identity.
func (s *Service) linkEvent(ctx context.Context, kind EventKind, who Principal, link LinkedIdentity) Event {
	e := s.event(ctx, kind, ActorUser)
	e.Provider, e.Subject, e.UserID, e.SessionID = link.Provider, s.subjects.Hash(link.Provider, link.Subject), who.User.ID, who.Session.ID
	return e
}
