package web

import (
	"context"
	"github.com/doorward/doorward/sdk"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/labstack/echo/v4"
)

// Routes are all routes.
func (s *Server) Routes() []*echo.Route { return s.echo.Routes() }

// NewStoreHealth makes a StoreHealth.
func NewStoreHealth(storage func(ctx context.Context) error, logger hclog.Logger) *StoreHealth {
	return &StoreHealth{storeHealth{storage: storage, sampled: newSampler(logger)}}
}

// StoreHealth gives tests access to storeHealth.
type StoreHealth struct{ storeHealth }

// Ask checks the store.
func (h *StoreHealth) Ask(ctx context.Context) error { return h.check(ctx) }

// FillWaitingRoom makes as many clients wait with a large body as are allowed to.
func (s *Server) FillWaitingRoom() {
	s.bodyMemory.waiting = make([]*bodyWaiter, maxBodyWaiters)
	for i := range s.bodyMemory.waiting {
		s.bodyMemory.waiting[i] = &bodyWaiter{size: 1 << 60, ready: make(chan struct{})}
	}
}

// WaitForRequests makes the server wait longer for late requests when it stops.
func (s *Server) WaitForRequests(most time.Duration) { s.lateRequests = most }

// TakeAllRoom leaves no room for large bodies.
func (s *Server) TakeAllRoom() { s.bodyMemory.held = s.bodyMemory.total }

// KnownReason is the word under which a plugin's reason is counted.
func KnownReason(reason string) string { return knownReason(sdk.Reason(reason)) }

// CountedWords are the counted reasons of refusals and outcomes of refreshes.
func CountedWords() (words []string) {
	for _, row := range refusalReasons {
		words = append(words, row.reason)
	}
	for _, row := range refreshOutcomes {
		words = append(words, row.outcome)
	}
	return words
}
