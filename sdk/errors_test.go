package sdk_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/doorward/doorward/sdk"
)

func TestErrors(t *testing.T) {
	for kind, refuse := range map[error]func(sdk.Reason, string, ...any) error{
		sdk.ErrDenied: sdk.Denied, sdk.ErrInvalidResponse: sdk.InvalidResponse,
		sdk.ErrUnavailable: sdk.Unavailable, sdk.ErrMisconfigured: sdk.Misconfigured,
	} {
		err := fmt.Errorf("outer: %w", refuse("why", "reading %s: %w and %w", "x", io.EOF, io.ErrClosedPipe))
		for _, want := range []error{kind, io.EOF, io.ErrClosedPipe} {
			if !errors.Is(err, want) {
				t.Errorf("%v: is not %v", err, want)
			}
		}
		for _, other := range []error{sdk.ErrDenied, sdk.ErrInvalidResponse, sdk.ErrUnavailable, sdk.ErrMisconfigured} {
			if other != kind && errors.Is(err, other) {
				t.Errorf("%v: is %v, too", err, other)
			}
		}
		if got := sdk.ReasonOf(err); got != "why" {
			t.Errorf("%v: reason %q", err, got)
		}
		want := "outer: " + kind.Error() + " (why): reading x: EOF and io: read/write on closed pipe"
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

func TestErrorWithLittle(t *testing.T) {
	for want, err := range map[string]error{
		"denied":           &sdk.Error{Kind: sdk.ErrDenied},
		"denied: x":        sdk.Denied("", "x"),
		"denied (why)":     &sdk.Error{Kind: sdk.ErrDenied, Reason: "why"},
		"error of no kind": &sdk.Error{},
	} {
		if err.Error() != want || errors.Is(err, io.EOF) {
			t.Errorf("got %q, want %q", err, want)
		}
	}
	if got := sdk.ReasonOf(io.EOF); got != "" {
		t.Errorf("reason of another error: %q", got)
	}
}
