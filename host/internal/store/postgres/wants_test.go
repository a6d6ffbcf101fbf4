package postgres

import (
	"errors"
	"strings"
	"testing"
)

// wantIs is for any goroutine.
func wantIs(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

// wantSays looks for parts of an error's text, and for what must not be in it.
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

// password stands in whatever holds one.
const password = "hunter2"
