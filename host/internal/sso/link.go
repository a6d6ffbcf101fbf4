package sso

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/doorward/doorward/sdk"
)

// ErrSeveralUsers: more than one user matches, so none is linked.
var ErrSeveralUsers = errors.New("several users have that e-mail address")

// Links stores which (provider, subject) belongs to which user. A link never moves to
// another user.
type Links interface {
	// LinkByEmail links the one user with that e-mail address to a provider and a
	// subject, and reports whether it did. Addresses are compared ignoring the case of
	// ASCII letters. A user matches if EmailVerifiedBy is one of the trusted providers,
	// and if the user has no link to this provider: a second subject with the address of
	// an existing user can be a mailbox that was given to somebody else.
	//
	// Nothing changes if nobody matches, or if the link exists already. ErrSeveralUsers
	// if several users match, and ErrUserInactive if the one may not sign in.
	LinkByEmail(ctx context.Context, link EmailLink) (linked bool, err error)
}

// EmailLink is the input of LinkByEmail.
type EmailLink struct {
	Provider, Subject string
	Email             string
	Trusted           []string // providers

	Event Event // of the link; about its user
}

// linkByEmail links an identity without an account to the user's existing account, if the
// operator trusts the providers on both sides with that. The address of the account must
// be verified, too: otherwise an attacker who created an account with somebody else's
// address would share it with them from their first login on (D02, D03).
func (s *Service) linkByEmail(ctx context.Context, p Provider, subject string, identity sdk.Identity) (linked bool, err error) {
	if !mayLink(p, identity) {
		return false, nil
	}
	link := EmailLink{Provider: p.Name, Subject: subject, Email: identity.Email, Event: s.event(ctx, EventUserLinked, ActorUser)}
	link.Event.Provider, link.Event.Subject, link.Event.Reason = p.Name, s.subjects.Hash(p.Name, subject), ReasonVerifiedEmail
	for _, other := range s.ports.Providers.List() {
		if other.LinkByVerifiedEmail {
			link.Trusted = append(link.Trusted, other.Name)
		}
	}
	linked, err = s.ports.Links.LinkByEmail(ctx, link)
	switch {
	case errors.Is(err, ErrSeveralUsers):
		return false, fmt.Errorf("%w at provider %s: %w, so subject %.200q is linked to none of them", ErrNotRegistered, p.Name, err, identity.Subject)
	case err != nil:
		return false, fmt.Errorf("linking subject %.200q at provider %s by its e-mail address: %w", identity.Subject, p.Name, err)
	}
	return linked, nil
}

func mayLink(p Provider, identity sdk.Identity) bool {
	return p.LinkByVerifiedEmail && identity.EmailVerified && oneMailbox(identity.Email)
}

// oneMailbox reports whether an address can mean only one mailbox: one @, ASCII only, no
// quotes (D04). Other addresses could be read as two different mailboxes.
func oneMailbox(email string) bool {
	local, domain, _ := strings.Cut(email, "@")
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"(),:;<>@[\]`, r) }
	return local != "" && domain != "" && !strings.ContainsFunc(local, odd) && !strings.ContainsFunc(domain, odd) && !strings.HasSuffix(domain, ".")
}
