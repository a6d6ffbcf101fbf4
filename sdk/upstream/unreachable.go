package upstream

import (
	"errors"

	"github.com/doorward/doorward/sdk"
)

// Unreachable makes an error of a request that had no answer. It is an
// [sdk.ErrUnavailable], or an [sdk.ErrMisconfigured] if the connection was not made for
// a reason that only the operator can change: an address that is denied, a proxy that
// refuses. Doing may be empty. The text is bounded and printable.
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

// quotedError is an error with a text that is fit for ours.
type quotedError struct {
	text  string
	cause error
}

func (e *quotedError) Error() string { return e.text }
func (e *quotedError) Unwrap() error { return e.cause }
