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

// NewInvitationToken makes a token.
func NewInvitationToken() InvitationToken { return InvitationToken(NewToken()) }

// Claim is that of whoever has the token.
func (t InvitationToken) Claim() Claim {
	hash := Token(t).Hash()
	return Claim{Kind: ClaimByInvitation, Key: string(hash[:])}
}

// String keeps the token out of logs.
func (InvitationToken) String() string { return "[invitation]" }

// InvitationPath is where an invitation is opened, below the public URL.
const InvitationPath = "/invitation"

// InvitationParameter is the one of the query that has the token. What is in a path is in
// our log.
const InvitationParameter = "token"

// InvitationURL is the link that is given to who is invited.
func InvitationURL(publicURL string, token InvitationToken) string {
	return publicURL + InvitationPath + "?" + url.Values{InvitationParameter: {string(token)}}.Encode()
}

var (
	// ErrInvitation: the invitation is not there (any more): used, replaced, expired, or
	// never made.
	ErrInvitation = errors.New("the invitation is not valid")

	// ErrInvitedOther: who signed in has an account, and was invited to another one. A link
	// never moves.
	ErrInvitedOther = errors.New("who signed in has an account already, and was invited to another one")
)

// Invitation is what an attempt knows of the invitation that it was started from. The
// token itself is not in it.
type Invitation struct {
	Hash   string // of the token; empty: there is none
	UserID string // whose account the page named
}

// Open reports whether there is one.
func (i Invitation) Open() bool { return i.Hash != "" }

func (i Invitation) claim() Claim { return Claim{Kind: ClaimByInvitation, Key: i.Hash} }

// Invited returns whose account an invitation is for, or ErrInvitation. It uses nothing
// up: only a login that is completed does.
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

// invitation is that of a login that starts.
func (s *Service) invitation(ctx context.Context, token InvitationToken) (Invitation, error) {
	if token == "" {
		return Invitation{}, nil
	}
	user, err := s.Invited(ctx, token)
	return Invitation{Hash: token.Claim().Key, UserID: user.ID}, err
}
