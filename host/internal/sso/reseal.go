package sso

import (
	"context"
	"errors"
	"fmt"
)

// sealBatch is how many grants one transaction seals anew, so that logins wait for
// no more than that.
const sealBatch = 100

// SealAnew seals under SECRET what is sealed under SECRET_PREVIOUS, and returns how
// many things that were; others are those who seal something else in the store, and
// do the same. When all is done, SECRET_PREVIOUS is not needed any more, and a host
// starts without it.
//
// It may be broken off, and goes on when it is called again. Logins and refreshes
// go on meanwhile.
func (s *Service) SealAnew(ctx context.Context, others ...func(context.Context) (int, error)) (int, error) {
	total, err := s.sealGrantsAnew(ctx)
	for _, other := range others {
		if err != nil {
			break
		}
		var n int
		n, err = other(ctx)
		total += n
	}
	if err != nil {
		return total, fmt.Errorf("sealing anew what is sealed under SECRET_PREVIOUS: %w", err)
	}
	// Last: until here, a host without SECRET_PREVIOUS must not start.
	return total, s.dropPreviousChecks(ctx)
}

func (s *Service) sealGrantsAnew(ctx context.Context) (total int, err error) {
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
		// A refresh that stored another grant meanwhile is not overwritten: that
		// one is under SECRET already, and ours is used up at the provider.
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
