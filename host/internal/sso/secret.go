package sso

import (
	"context"
	"errors"
	"fmt"
)

// SecretCheck is a constant that is sealed under one SECRET. The store has one for each
// SECRET under which anything in it may be sealed.
type SecretCheck struct {
	ID     string // random; also the salt of the key
	Sealed []byte
}

// SealedGrant is a stored grant.
type SealedGrant struct {
	SessionID string
	Sealed    []byte
}

// SealedSample contains what shows under which SECRET a store is sealed.
type SealedSample struct {
	Checks []SecretCheck
	Keys   []SigningKey  // newest first
	Grants []SealedGrant // some of them, at most MaxSampledGrants
}

// MaxSampledGrants bounds SealedSample.Grants.
const MaxSampledGrants = 100

// ConfirmSecret checks a store before anything else is done with it, and returns the
// checks to add. A store calls it in the transaction in which it adds them, and rolls
// that transaction back if it returns an error.
type ConfirmSecret func(SealedSample) (add []SecretCheck, err error)

// Sealed gives access to what is sealed in a store, so that it can be resealed.
type Sealed interface {
	// SecretChecks returns all checks.
	SecretChecks(ctx context.Context) ([]SecretCheck, error)

	// DeleteSecretCheck deletes a check. It is not an error if the check does not exist.
	DeleteSecretCheck(ctx context.Context, id string) error

	// SealedGrants returns at most limit grants that are not empty, ordered by session
	// ID, starting behind the session ID after.
	SealedGrants(ctx context.Context, after string, limit int) ([]SealedGrant, error)

	// SwapGrants replaces each grant that is still the old one, byte for byte.
	SwapGrants(ctx context.Context, swaps []GrantSwap) error

	// ForgetSecret removes all checks, signing keys and grants in one transaction, and
	// stores the event. It is for a lost SECRET, when nobody can open them any more.
	ForgetSecret(ctx context.Context, event Event) error
}

// GrantSwap replaces one sealed grant with another.
type GrantSwap struct {
	SessionID string
	Old, New  []byte
}

// ErrSecretChanged: the data in the database was sealed under another SECRET.
var ErrSecretChanged = errors.New("this database is sealed under another SECRET")

// changedAdvice tells the operator what to do about ErrSecretChanged.
const changedAdvice = "nothing was changed; set SECRET to the old value again, or keep the new one and set SECRET_PREVIOUS to the old one; " +
	"if the old one is lost, the data sealed under it is lost, too: end all sessions and start over with \"doorward session end --all --forget-secret\""

func secretChanged(what string, previous []byte) error {
	if len(previous) > 0 {
		what += ", not even with SECRET_PREVIOUS"
	}
	return fmt.Errorf("%w (%s): %s", ErrSecretChanged, what, changedAdvice)
}

// Confirming returns the ConfirmSecret of a host with these secrets: they must open all
// checks in the store. A store without checks is accepted if they open the last values
// that were sealed in it.
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
			// Values under SECRET_PREVIOUS will be resealed; until that is done, SECRET
			// alone must not be enough.
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

// openedBy says which secrets opened a value.
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

// adopt checks what a host without checks has sealed, which the secrets must open. That
// host created a new signing key at once if it could open none, so the newest key was
// created under its last SECRET.
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

// confirmed reports whether every check in the store opens now. Another node may run
// under a newer SECRET; then a value that this host cannot open may be intact.
func (s *Service) confirmed(ctx context.Context) (bool, error) {
	checks, err := s.ports.Sealed.SecretChecks(ctx)
	if err != nil {
		return false, fmt.Errorf("checking whether SECRET is confirmed: %w", err)
	}
	by, err := opened(checks, s.config.Secret, s.config.SecretPrevious)
	return err == nil && by.current, nil
}
