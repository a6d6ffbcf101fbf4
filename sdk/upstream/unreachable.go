package upstream

import (
	"errors"

	"github.com/doorward/doorward/sdk"
)

// Unreachable makes the error for a request without a response. It is an
// [sdk.ErrUnavailable], or an [sdk.ErrMisconfigured] if the connection failed for a reason
// that only the operator can change: a denied address, a proxy that refuses. Doing can be
// empty. The text is cut and printable.
func Unreachable(reason sdk.Reason, doing string, err error) error {
	text := Quoted(err.Error())
	if doing != "" {
		text = doing + ": " + text
	}
	quoted := &quotedError{text, err}
	if errors.Is(err, sdk.ErrMisconfigured) {
		return sdk.Misconfigured(reason, "%w", quoted)
	}
	return sdk.Unavailable(reason, "%w", quoted)
}

// quotedError is an error with a text that is fit to be part of another error.
type quotedError struct {
	text  string
	cause error
}

func (e *quotedError) Error() string { return e.text }
func (e *quotedError) Unwrap() error { return e.cause }
