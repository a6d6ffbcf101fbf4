package sso

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// A Claim says how a first login may take an account that nobody signs in to yet. It
// works once: when the account gets its first link, all its claims are removed.
type Claim struct {
	Kind      ClaimKind
	Provider  string    // the login's provider; empty for an invitation: any
	Key       string    // what the login must have, byte for byte; the hash of an invitation
	ExpiresAt time.Time // zero: never
}

// ClaimKind is the meaning of a claim's Key.
type ClaimKind string

// The kinds of claims. They are stored in databases.
const (
	ClaimByInvitation ClaimKind = "invitation" // the hash of an InvitationToken
	ClaimByEmail      ClaimKind = "email"      // a verified e-mail address, as ClaimedEmail writes it
	ClaimByIdentifier ClaimKind = "identifier" // identifier in another system, as ClaimedIdentifier writes it
)

// A Claimant is a user that a login could take, with the first kind of claim, by name,
// that matches the login.
type Claimant struct {
	User
	By ClaimKind
}

// Claims finds accounts by their claims. A login takes an account in CreateSession.
type Claims interface {
	// Claimants returns the users with that claim (Kind, Provider and Key) if it has not
	// expired at now, at most ten, in the order in which they were stored.
	Claimants(ctx context.Context, claim Claim, now time.Time) ([]User, error)
}

// EmailClaim is a claim by the verified e-mail address of a login at the provider. It is
// an error if the address could be read as two different mailboxes (D04).
func EmailClaim(provider, email string) (Claim, error) {
	if !oneMailbox(email) {
		return Claim{}, errors.New("must be a plain e-mail address: one @, ASCII only, no quotes")
	}
	return Claim{Kind: ClaimByEmail, Provider: provider, Key: foldAddress(email)}, nil
}

// IdentifierClaim is a claim by the external_identifier that Directus stored: it matches
// the subject of a login, one of its aliases, or, if the provider has
// LinkByVerifiedEmail, its verified e-mail address.
func IdentifierClaim(provider, identifier string) Claim {
	return Claim{Kind: ClaimByIdentifier, Provider: provider, Key: foldIdentifier(identifier)}
}

// foldIdentifier ignores case as Directus does, except for letters that would become
// ASCII letters: otherwise anyone with a Kelvin sign in their name could pass for
// somebody with a k.
func foldIdentifier(text string) string {
	return strings.Map(func(r rune) rune {
		if lower := unicode.ToLower(r); r <= unicode.MaxASCII || lower > unicode.MaxASCII {
			return lower
		}
		return r
	}, text)
}

// ErrSeveralClaims: a login could take more than one account, so it takes none.
var ErrSeveralClaims = errors.New("several accounts are waiting for this login")

// claims returns the claims that the login could match. A login that started from an
// invitation can take only the account of the invitation.
func (d decision) claims() []Claim {
	if d.invitation.Open() {
		return []Claim{d.invitation.claim()}
	}
	p, identity := d.provider, d.identity
	names := append([]string{identity.Subject}, identity.Aliases...)
	list := []Claim{}
	if mayLink(p, identity) {
		list = append(list, Claim{Kind: ClaimByEmail, Provider: p.Name, Key: foldAddress(identity.Email)})
		names = append(names, identity.Email)
	}
	for _, name := range names {
		list = append(list, IdentifierClaim(p.Name, name))
	}
	return list
}

// whoClaims chooses the waiting account that this login takes, and returns it before and
// after the login. Only an operator can make accounts wait, so it does not matter whether
// registration is open.
func (d decision) whoClaims(waiting []Claimant) (claimed Claimant, user User, err error) {
	if d.unknown != nil {
		return Claimant{}, User{}, d.unknown
	}
	if len(waiting) > 1 {
		ids := make([]string, len(waiting))
		for i, user := range waiting {
			ids[i] = user.ID
		}
		return Claimant{}, User{}, fmt.Errorf("%w at provider %s: %w: %s; to admit the user: doorward user link USER --provider %s --subject%s",
			ErrNotRegistered, d.provider.Name, ErrSeveralClaims, strings.Join(ids, ", "), d.provider.Name, subjectFlag(d.provider.SubjectOf(d.identity.Subject)))
	}
	claimed, user = waiting[0], waiting[0].User
	if d.invitation.Open() && user.Status == UserInvited {
		user.Status = UserActive
	}
	if err := user.MaySignIn(); err != nil {
		return Claimant{}, User{}, err
	}
	d.update(&user)
	user.Provider, user.Subject = d.provider.Name, d.provider.SubjectOf(d.identity.Subject)
	user.LastAccess = d.now
	return claimed, user, nil
}
