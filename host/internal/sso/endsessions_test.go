package sso_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
)

// Ending millions of sessions may take longer than an operator waits. Those that were
// ended stay ended.
func TestEndSessionsThatIsBrokenOff(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sso.EndSessions(ctx, h.store, sso.SessionMatch{}, sso.Event{})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "run this again to end the rest") {
		t.Errorf("got %v", err)
	}
}
