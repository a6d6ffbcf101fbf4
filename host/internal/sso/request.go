package sso

import (
	"context"
	"net/netip"
)

// Request is what the host knows of the current request.
type Request struct {
	// Address is the client's address, as far as it can be trusted. Requests that wait
	// for a provider take turns by their addresses.
	Address netip.Addr

	ID string // as in the log
}

type requestKey struct{}

// WithRequest returns a context with the current request.
func WithRequest(ctx context.Context, request Request) context.Context {
	return context.WithValue(ctx, requestKey{}, request)
}

// RequestOf returns the request of WithRequest, or the zero Request.
func RequestOf(ctx context.Context) Request {
	request, _ := ctx.Value(requestKey{}).(Request)
	return request
}

// ClientAddress returns the address of the request; the zero Addr if it is unknown.
func ClientAddress(ctx context.Context) netip.Addr { return RequestOf(ctx).Address }
