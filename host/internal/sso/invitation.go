package sso

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// InvitationToken is the secret of a one-time link: 256 random bits in base64url. Only
// its hash is ever stored.
type InvitationToken string

// NewInvitationToken returns a new token.
func NewInvitationToken() InvitationToken { return InvitationToken(NewToken()) }

// Claim returns the claim that the token matches.
func (t InvitationToken) Claim() Claim {
	hash := Token(t).Hash()
	return Claim{Kind: ClaimByInvitation, Key: string(hash[:])}
}

// String keeps the token out of logs.
func (InvitationToken) String() string { return "[invitation]" }

// InvitationPath is the path that opens an invitation, below the public URL.
const InvitationPath = "/invitation"

// InvitationParameter is the query parameter with the token. A path would appear in the
// host's log.
const InvitationParameter = "token"

// InvitationURL returns the link for the invited user.
func InvitationURL(publicURL string, token InvitationToken) string {
	return publicURL + InvitationPath + "?" + url.Values{InvitationParameter: {string(token)}}.Encode()
}

var (
	// ErrInvitation: the invitation does not exist, or does not exist any more: it was
	// used, replaced, or has expired.
	ErrInvitation = errors.New("the invitation is not valid")

	// ErrInvitedOther: the user already has an account, and was invited to another one.
	// Links are never moved.
	ErrInvitedOther = errors.New("the user already has an account, and was invited to another one")
)

// Invitation is what an attempt contains of the invitation that started it. It does not
// contain the token.
type Invitation struct {
	Hash   string // of the token; empty: no invitation
	UserID string // of the account that the page showed
}

// Open reports whether there is an invitation.
func (i Invitation) Open() bool { return i.Hash != "" }

func (i Invitation) claim() Claim { return Claim{Kind: ClaimByInvitation, Key: i.Hash} }

// Invited returns the account of an invitation, or ErrInvitation. It does not use up the
// invitation; only a completed login does.
func (s *Service) Invited(ctx context.Context, token InvitationToken) (User, error) {
	if len(token) != tokenLength {
		return User{}, ErrInvitation
	}
	found, err := s.ports.Claims.Claimants(ctx, token.Claim(), s.config.Now())
	if err != nil {
		return User{}, fmt.Errorf("looking up an invitation: %w", err)
	}
	if len(found) != 1 {
		return User{}, ErrInvitation
	}
	if found[0].Status != UserInvited {
		return found[0], found[0].MaySignIn()
	}
	return found[0], nil
}

// invitation returns the invitation of a login that starts.
func (s *Service) invitation(ctx context.Context, token InvitationToken) (Invitation, error) {
	if token == "" {
		return Invitation{}, nil
	}
	user, err := s.Invited(ctx, token)
	return Invitation{Hash: token.Claim().Key, UserID: user.ID}, err
}
