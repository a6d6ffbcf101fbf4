package sso

import (
	"context"
	"errors"
	"fmt"
)

// SecretCheck is a constant that is sealed under one SECRET. The store has one for
// each SECRET that anything in it may be sealed under.
type SecretCheck struct {
	ID     string // random; also the salt of the key
	Sealed []byte
}

// SealedGrant is a grant as it is stored.
type SealedGrant struct {
	SessionID string
	Sealed    []byte
}

// SealedSample is what tells under which SECRET a store is sealed.
type SealedSample struct {
	Checks []SecretCheck
	Keys   []SigningKey  // newest first
	Grants []SealedGrant // some of them, at most MaxSampledGrants
}

// MaxSampledGrants bounds SealedSample.Grants.
const MaxSampledGrants = 100

// ConfirmSecret looks at a store before anything is done with it, and returns the
// checks to be added to it. A store calls it in the transaction in which it adds
// them, and undoes that transaction if it returns an error.
type ConfirmSecret func(SealedSample) (add []SecretCheck, err error)

// Sealed is what is sealed in a store, so that it can be sealed anew.
type Sealed interface {
	// SecretChecks returns all checks.
	SecretChecks(ctx context.Context) ([]SecretCheck, error)

	// DeleteSecretCheck is no error if there is no such check.
	DeleteSecretCheck(ctx context.Context, id string) error

	// SealedGrants returns at most limit grants that are not empty, by the session
	// IDs, from the first after a session ID on.
	SealedGrants(ctx context.Context, after string, limit int) ([]SealedGrant, error)

	// SwapGrant replaces a grant if it still is the old one, byte for byte.
	SwapGrants(ctx context.Context, swaps []GrantSwap) error

	// ForgetSecret removes, in one transaction, all checks, signing keys and
	// grants, and keeps the event. It is for when SECRET is lost, and nobody can open them.
	ForgetSecret(ctx context.Context, event Event) error
}

// GrantSwap replaces one sealed grant by another.
type GrantSwap struct {
	SessionID string
	Old, New  []byte
}

// ErrSecretChanged: what is in the database was sealed under another SECRET.
var ErrSecretChanged = errors.New("SECRET is not the one that this database is sealed under")

// changedAdvice is what the operator can do about ErrSecretChanged.
const changedAdvice = "nothing was changed; set SECRET to the old value again, or keep the new one and set SECRET_PREVIOUS to the old one; " +
	"if the old one is lost, nobody can open what it sealed: end all sessions and start afresh with \"doorward session end --all --forget-secret\""

func secretChanged(what string, previous []byte) error {
	if len(previous) > 0 {
		what += ", with SECRET_PREVIOUS neither"
	}
	return fmt.Errorf("%w (%s): %s", ErrSecretChanged, what, changedAdvice)
}

// Confirming returns how a host with these secrets confirms them: they must open
// all checks in the store. A store from before there were checks is taken over if
// they open what was sealed in it last.
func Confirming(secret, previous []byte) ConfirmSecret {
	return func(sample SealedSample) ([]SecretCheck, error) {
		known, err := opened(sample.Checks, secret, previous)
		if err != nil {
			return nil, err
		}
		if len(sample.Checks) == 0 {
			if err := adopt(sample, secret, previous); err != nil {
				return nil, err
			}
			// What is there will be sealed anew; until that is done, SECRET alone
			// must not do.
			if len(previous) > 0 {
				return newChecks(secret, previous)
			}
		}
		if known.current {
			return nil, nil
		}
		return newChecks(secret)
	}
}

// openedBy says which secrets opened something.
type openedBy struct{ current, previous bool }

func opened(checks []SecretCheck, secret, previous []byte) (by openedBy, err error) {
	for _, check := range checks {
		switch {
		case check.opens(secret):
			by.current = true
		case len(previous) > 0 && check.opens(previous):
			by.previous = true
		default:
			return by, secretChanged("a check does not open", previous)
		}
	}
	return by, nil
}

// adopt looks at what a host without checks has sealed, which the secrets must open.
// That host made a new signing key at once if it could open none, so the newest one
// was made under the SECRET that it ran with last.
func adopt(sample SealedSample, secret, previous []byte) error {
	keys, err := NewVault(secret, previous, SigningKeyPurpose)
	if err != nil {
		return err
	}
	grants, err := newGrants(secret, previous)
	if err != nil {
		return err
	}
	if len(sample.Keys) > 0 {
		newest := sample.Keys[0]
		if _, _, err := keys.Open(newest.Sealed, []byte(newest.ID)); err != nil {
			return secretChanged("the newest signing key does not open", previous)
		}
		return nil
	}
	for _, grant := range sample.Grants {
		if _, err := grants.open(grant.SessionID, grant.Sealed); err == nil {
			return nil
		}
	}
	if len(sample.Grants) > 0 {
		return secretChanged("no grant opens", previous)
	}
	return nil
}

const checkPurpose = "doorward secret check v1"

var checkedText = []byte("this database is sealed under this SECRET")

func newChecks(secrets ...[]byte) ([]SecretCheck, error) {
	var checks []SecretCheck
	for _, secret := range secrets {
		id := string(NewToken())
		aead, err := newAEAD(secret, []byte(id), checkPurpose)
		if err != nil {
			return nil, err
		}
		checks = append(checks, SecretCheck{ID: id, Sealed: aead.Seal(nil, nil, checkedText, []byte(id))})
	}
	return checks, nil
}

// opens reports whether the check was sealed under the secret.
func (c SecretCheck) opens(secret []byte) bool {
	aead, err := newAEAD(secret, []byte(c.ID), checkPurpose)
	if err != nil {
		return false
	}
	_, err = aead.Open(nil, nil, c.Sealed, []byte(c.ID))
	return err == nil
}

// confirmed reports whether every check in the store opens now. Another node may
// run under a newer SECRET, and then what we cannot open is not to blame.
func (s *Service) confirmed(ctx context.Context) (bool, error) {
	checks, err := s.ports.Sealed.SecretChecks(ctx)
	if err != nil {
		return false, fmt.Errorf("looking whether SECRET is confirmed: %w", err)
	}
	by, err := opened(checks, s.config.Secret, s.config.SecretPrevious)
	return err == nil && by.current, nil
}
