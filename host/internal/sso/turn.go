package sso

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/doorward/doorward/sdk"
)

// turn waits until it is the caller's turn to make one call to the mechanism of a
// provider. A caller that does not wait so long gets ErrBusy, like one whose turn
// does not come: in both cases nobody was asked.
func (s *Service) turn(ctx context.Context, provider string, line Line) (sdk.Mechanism, func(), error) {
	m, done, err := s.ports.Providers.Mechanism(ctx, provider, line)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w: %w", ErrBusy, ctx.Err(), err)
	}
	return m, done, err
}

type clientAddressKey struct{}

// WithClientAddress says from where the request comes that is answered under ctx,
// as far as that can be believed. Those who wait for a provider are served by turns
// of their addresses.
func WithClientAddress(ctx context.Context, address netip.Addr) context.Context {
	return context.WithValue(ctx, clientAddressKey{}, address)
}

// ClientAddress returns the address of WithClientAddress; the zero Addr if there is
// none.
func ClientAddress(ctx context.Context) netip.Addr {
	address, _ := ctx.Value(clientAddressKey{}).(netip.Addr)
	return address
}
