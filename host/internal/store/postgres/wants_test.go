package postgres

import (
	"errors"
	"strings"
	"testing"
)

// wantIs can be called from any goroutine.
func wantIs(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

// wantSays checks that an error's text has the parts, and does not have the password.
func wantSays(t *testing.T, what string, got error, parts ...string) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, part := range parts {
		if !strings.Contains(got.Error(), part) {
			t.Errorf("%s: %q is not in: %v", what, part, got)
		}
	}
	if strings.Contains(got.Error(), password) {
		t.Errorf("%s: the password is in: %v", what, got)
	}
}

// password is used wherever a test needs one.
const password = "hunter2"
