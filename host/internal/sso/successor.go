package sso

import (
	"context"
	"errors"
	"fmt"
)

// A successor is the token that replaced another one. The store keeps it next to the hash
// of the old token, for as long as the grace lasts, sealed under a key that is derived
// from the old token itself (RFC 5869): a client that presents the old token gets the
// same successor, on any host, and nobody can open it with what is in the store.
const successorPurpose = "doorward successor v1"

func sealSuccessor(old, next Token) ([]byte, error) {
	aead, err := newAEAD([]byte(old), nil, successorPurpose)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, []byte(next), nil), nil
}

var errNoSuccessor = errors.New("the successor has been removed")

func openSuccessor(old Token, sealed []byte) (Token, error) {
	if len(sealed) == 0 {
		return "", errNoSuccessor
	}
	aead, err := newAEAD([]byte(old), nil, successorPurpose)
	if err != nil {
		return "", err
	}
	next, err := aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return "", fmt.Errorf("opening the successor of a token: %w", err)
	}
	return Token(next), nil
}

// forgetBatch is how many successors one transaction removes, so that logins wait for no
// more than that.
const forgetBatch = 500

// ForgetSuccessors removes the successors of tokens whose grace is over from the store:
// otherwise somebody with an old token and a copy of the database would have the current
// one. It does nothing while the clock may be wrong.
func (s *Service) ForgetSuccessors(ctx context.Context) error {
	if s.config.SetWithin(s.config.RefreshGrace) {
		return nil
	}
	before := s.config.Now().Add(-s.config.RefreshGrace)
	for {
		n, err := s.ports.Sessions.ForgetSuccessors(ctx, before, forgetBatch)
		if err != nil {
			return fmt.Errorf("removing the successors of tokens: %w", err)
		}
		if n < forgetBatch {
			return nil
		}
	}
}
