package web

import (
	"context"
	"github.com/doorward/doorward/sdk"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/labstack/echo/v4"
)

// Routes are all there are.
func (s *Server) Routes() []*echo.Route { return s.echo.Routes() }

// NewStoreHealth makes what asks a store.
func NewStoreHealth(storage func(ctx context.Context) error, logger hclog.Logger) *StoreHealth {
	return &StoreHealth{storeHealth{storage: storage, sampled: newSampler(logger)}}
}

// StoreHealth lets tests ask.
type StoreHealth struct{ storeHealth }

// Ask asks.
func (h *StoreHealth) Ask(ctx context.Context) error { return h.check(ctx) }

// FillWaitingRoom makes as many wait with a large body as may.
func (s *Server) FillWaitingRoom() {
	s.bodyMemory.waiting = make([]*bodyWaiter, maxBodyWaiters)
	for i := range s.bodyMemory.waiting {
		s.bodyMemory.waiting[i] = &bodyWaiter{size: 1 << 60, ready: make(chan struct{})}
	}
}

// WaitForRequests has the server wait longer for requests at its end.
func (s *Server) WaitForRequests(most time.Duration) { s.lateRequests = most }

// TakeAllRoom leaves none for large bodies.
func (s *Server) TakeAllRoom() { s.bodyMemory.held = s.bodyMemory.total }

// KnownReason is what a reason of a plugin counts as.
func KnownReason(reason string) string { return knownReason(sdk.Reason(reason)) }

// CountedWords are the reasons of refusals, and the outcomes of refreshes, that are counted.
func CountedWords() (words []string) {
	for _, row := range refusalReasons {
		words = append(words, row.reason)
	}
	for _, row := range refreshOutcomes {
		words = append(words, row.outcome)
	}
	return words
}
