package upstream_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/upstream"
)

// TestUnreachable: a failure that only the operator can fix is not called temporary.
func TestUnreachable(t *testing.T) {
	denied := fmt.Errorf("dial tcp: %w", &outbound.DeniedError{Target: "idp.example", Found: "169.254.169.254", By: "metadata", Deny: "OUTBOUND_DENY", Allow: "OUTBOUND_ALLOW"})
	err := upstream.Unreachable("unreachable", "asking", denied)
	if !errors.Is(err, sdk.ErrMisconfigured) || errors.Is(err, sdk.ErrUnavailable) || !strings.Contains(err.Error(), "asking: dial tcp: connecting to idp.example (169.254.169.254) is denied") {
		t.Errorf("denied: %v", err)
	}
	err = upstream.Unreachable("unreachable", "", fmt.Errorf("broken\noff: %w", fs.ErrClosed))
	if !errors.Is(err, sdk.ErrUnavailable) || errors.Is(err, sdk.ErrMisconfigured) || err.Error() != "provider unavailable (unreachable): broken?off: file already closed" {
		t.Errorf("down: %v", err)
	}
}

// TestGetKeepsWhy: a denied address is still recognized as denied.
func TestGetKeepsWhy(t *testing.T) {
	_, err := upstream.Get(t.Context(), client(t, 0), "https://169.254.169.254/latest/meta-data/", nil)
	if !errors.Is(err, outbound.ErrAddressDenied) {
		t.Errorf("got %v", err)
	}
}
