package sso

import (
	"context"
	"errors"
	"fmt"
)

// sealBatch is how many grants one transaction reseals, so that logins wait for no more
// than that.
const sealBatch = 100

// Reseal reseals under SECRET what is sealed under SECRET_PREVIOUS, and returns how
// many values it resealed; others reseal other kinds of values in the store. When all is
// done, SECRET_PREVIOUS is no longer needed, and a host starts without it.
//
// It can be interrupted, and continues when it is called again. Logins and refreshes
// continue in the meantime.
func (s *Service) Reseal(ctx context.Context, others ...func(context.Context) (int, error)) (int, error) {
	total, err := s.resealGrants(ctx)
	for _, other := range others {
		if err != nil {
			break
		}
		var n int
		n, err = other(ctx)
		total += n
	}
	if err != nil {
		return total, fmt.Errorf("resealing what is sealed under SECRET_PREVIOUS: %w", err)
	}
	// Last: until now, a host without SECRET_PREVIOUS must not start.
	return total, s.dropPreviousChecks(ctx)
}

func (s *Service) resealGrants(ctx context.Context) (total int, err error) {
	after := ""
	for {
		batch, err := s.ports.Sealed.SealedGrants(ctx, after, sealBatch)
		if err != nil {
			return total, err
		}
		if len(batch) == 0 {
			return total, nil
		}
		after = batch[len(batch)-1].SessionID
		var swaps []GrantSwap
		for _, grant := range batch {
			if renewed, ok := s.grants.vault.Renew(grant.Sealed, grantBinding(grant.SessionID)); ok {
				swaps = append(swaps, GrantSwap{SessionID: grant.SessionID, Old: grant.Sealed, New: renewed})
			}
		}
		if len(swaps) == 0 {
			continue
		}
		// A grant that a refresh stored in the meantime is not overwritten: it is under
		// SECRET already, and the older one has been used up at the provider.
		if err := s.ports.Sealed.SwapGrants(ctx, swaps); err != nil {
			return total, err
		}
		total += len(swaps)
	}
}

func (s *Service) dropPreviousChecks(ctx context.Context) error {
	checks, err := s.ports.Sealed.SecretChecks(ctx)
	if err != nil {
		return err
	}
	for _, check := range checks {
		if !check.opens(s.config.Secret) && check.opens(s.config.SecretPrevious) {
			err = errors.Join(err, s.ports.Sealed.DeleteSecretCheck(ctx, check.ID))
		}
	}
	return err
}
