package sso

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// A Claim is by what a first login may take an account that nobody signs in to yet. It is
// good once: with the first link that the account gets, all its claims are gone.
type Claim struct {
	Kind      ClaimKind
	Provider  string    // whose login may take it; empty for an invitation: whoever's
	Key       string    // what the login must bring, byte for byte; of an invitation the hash
	ExpiresAt time.Time // zero: never
}

// ClaimKind says what the Key of a claim is.
type ClaimKind string

// The kinds of claims. They are in databases.
const (
	ClaimByInvitation ClaimKind = "invitation" // the hash of an InvitationToken
	ClaimByEmail      ClaimKind = "email"      // a verified e-mail address, as ClaimedEmail writes it
	ClaimByIdentifier ClaimKind = "identifier" // what another system knew them by, as ClaimedIdentifier writes it
)

// A Claimant is a user who waits for a login, with the first kind of claim, by name, that
// the login could take them by.
type Claimant struct {
	User
	By ClaimKind
}

// Claims keeps what accounts may be taken by. A login takes one by CreateSession.
type Claims interface {
	// Claimants returns the users that have such a claim (Kind, Provider and Key) that has
	// not expired at now, in the order in which they were stored, and at most ten.
	Claimants(ctx context.Context, claim Claim, now time.Time) ([]User, error)
}

// EmailClaim is a claim by the verified e-mail address of a provider's login. It is an
// error if two readers could see two mailboxes in the address (D04).
func EmailClaim(provider, email string) (Claim, error) {
	if !oneMailbox(email) {
		return Claim{}, errors.New("must be a plain e-mail address: one @, ASCII letters, nothing quoted")
	}
	return Claim{Kind: ClaimByEmail, Provider: provider, Key: foldAddress(email)}, nil
}

// IdentifierClaim is a claim by what Directus stored as external_identifier: by the
// subject of a login, by one of its aliases, or, where the provider is one of
// LinkByVerifiedEmail, by its verified e-mail address.
func IdentifierClaim(provider, identifier string) Claim {
	return Claim{Kind: ClaimByIdentifier, Provider: provider, Key: foldIdentifier(identifier)}
}

// foldIdentifier compares as Directus does, without case, but for letters that would
// become ASCII ones: whoever can have a Kelvin sign in their name would be somebody with
// a k.
func foldIdentifier(text string) string {
	return strings.Map(func(r rune) rune {
		if lower := unicode.ToLower(r); r <= unicode.MaxASCII || lower > unicode.MaxASCII {
			return lower
		}
		return r
	}, text)
}

// ErrSeveralClaims: a login could take more than one account, so that it takes none.
var ErrSeveralClaims = errors.New("several accounts are waiting for this login")

// claims are those by which the login may take an account. One that was started from an
// invitation takes the account of that and no other.
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

// whoClaims says which of the accounts that wait for this login it takes, as it was and
// as it becomes. Only the operator makes them wait, so whether registration is open does
// not matter.
func (d decision) whoClaims(waiting []Claimant) (claimed Claimant, user User, err error) {
	if d.unknown != nil {
		return Claimant{}, User{}, d.unknown
	}
	if len(waiting) > 1 {
		ids := make([]string, len(waiting))
		for i, user := range waiting {
			ids[i] = user.ID
		}
		return Claimant{}, User{}, fmt.Errorf("%w at provider %s: %w: %s; to let them in: doorward user link USER --provider %s --subject%s",
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
