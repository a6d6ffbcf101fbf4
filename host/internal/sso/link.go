package sso

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/doorward/doorward/sdk"
)

// ErrSeveralUsers: more than one user could be meant, so that none is.
var ErrSeveralUsers = errors.New("several users have that e-mail address")

// Links keeps which (provider, subject) leads to which user. A link never moves to
// another user.
type Links interface {
	// LinkByEmail links the one user with that e-mail address to a provider and a
	// subject, and reports whether it did. Addresses are compared without regard to the
	// case of ASCII letters. A user counts whose EmailVerifiedBy is one of the trusted
	// providers, and who has no link to this provider: a second subject with the address
	// of somebody there can be a mailbox that was given to somebody else.
	//
	// Nothing changes if nobody counts, or if there is such a link already. ErrSeveralUsers
	// if several count, and ErrUserInactive if the one may not sign in.
	LinkByEmail(ctx context.Context, link EmailLink) (linked bool, err error)
}

// EmailLink is what LinkByEmail goes by.
type EmailLink struct {
	Provider, Subject string
	Email             string
	Trusted           []string // providers

	Event Event // of the link; about the user whom it leads to
}

// linkByEmail links who has no account here to their account, if the operator trusts the
// providers on both sides with that. The address of the account must be verified, too:
// else whoever made an account with the address of somebody else would share it with
// them from their first login on (D02, D03).
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
		return false, fmt.Errorf("%w at provider %s: %w, and that of subject %.200q is linked to none of them", ErrNotRegistered, p.Name, err, identity.Subject)
	case err != nil:
		return false, fmt.Errorf("linking subject %.200q at provider %s by its e-mail address: %w", identity.Subject, p.Name, err)
	}
	return linked, nil
}

func mayLink(p Provider, identity sdk.Identity) bool {
	return p.LinkByVerifiedEmail && identity.EmailVerified && oneMailbox(identity.Email)
}

// oneMailbox reports whether an address can be told from all others by its bytes: one @,
// ASCII only, nothing quoted (D04). Of the rest, two readers could see two mailboxes.
func oneMailbox(email string) bool {
	local, domain, _ := strings.Cut(email, "@")
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"(),:;<>@[\]`, r) }
	return local != "" && domain != "" && !strings.ContainsFunc(local, odd) && !strings.ContainsFunc(domain, odd) && !strings.HasSuffix(domain, ".")
}
