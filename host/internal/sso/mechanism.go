package sso

import (
	"context"
	"fmt"

	"github.com/doorward/doorward/sdk"
)

// acquireMechanism waits until it is the caller's turn to make one call to
// the mechanism of a provider. A caller that does not wait long enough gets ErrBusy, like
// one whose turn does not come: in both cases no call was made.
func (s *Service) acquireMechanism(ctx context.Context, provider string, line Line) (sdk.Mechanism, func(), error) {
	m, done, err := s.ports.Providers.Mechanism(ctx, provider, line)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w: %w", ErrBusy, ctx.Err(), err)
	}
	return m, done, err
}
