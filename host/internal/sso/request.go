package sso

import (
	"context"
	"net/netip"
)

// Request is what the host knows of the request that is answered.
type Request struct {
	// Address is from where it comes, as far as that can be believed. Those who wait for
	// a provider are served by turns of their addresses.
	Address netip.Addr

	ID string // as the log has it
}

type requestKey struct{}

// WithRequest says which request is answered under ctx.
func WithRequest(ctx context.Context, request Request) context.Context {
	return context.WithValue(ctx, requestKey{}, request)
}

// RequestOf returns the request of WithRequest; the zero Request if there is none.
func RequestOf(ctx context.Context) Request {
	request, _ := ctx.Value(requestKey{}).(Request)
	return request
}

// ClientAddress returns the address of the request; the zero Addr if it is not known.
func ClientAddress(ctx context.Context) netip.Addr { return RequestOf(ctx).Address }
