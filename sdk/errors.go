package sdk

import (
	"errors"
	"fmt"
)

// The kinds of expected refusals. Test for them with errors.Is; make them with [Denied],
// [InvalidResponse], [Unavailable] and [Misconfigured].
//
// Exactly one kind crosses the wire: that of the outermost [Error], or if there is no
// [Error], the first of these that errors.Is finds.
var (
	// ErrDenied: the provider or a rule refuses this end user.
	ErrDenied = errors.New("denied")

	// ErrInvalidResponse: the message that came back from the provider is forged,
	// replayed, expired or malformed.
	ErrInvalidResponse = errors.New("invalid response")

	// ErrUnavailable: the provider cannot be reached, or fails. Trying again
	// later may help.
	ErrUnavailable = errors.New("provider unavailable")

	// ErrMisconfigured: the operator must change something, here or at the
	// provider. The text says what.
	ErrMisconfigured = errors.New("provider misconfigured")
)

// A Reason is a stable snake_case word of at most [MaxReason] bytes that says why a login
// was refused. The host has its own page for each of the reasons below; any other reason
// is only logged and counted. A word of another form is dropped.
type Reason string

// MaxReason bounds a Reason in bytes.
const MaxReason = 64

// Limits of the texts of an error. Longer texts are cut, and more problems are left
// out.
const (
	MaxDetail     = 2 << 10 // bytes of a text for the operator
	MaxProblems   = 100     // options.Problems
	MaxOptionName = 128     // bytes of the name of an option
	MaxProblem    = 512     // bytes of the text of one problem
)

// The reasons of ErrDenied.
const (
	ReasonBadCredentials  Reason = "bad_credentials"
	ReasonCancelled       Reason = "cancelled"
	ReasonAccountDisabled Reason = "account_disabled"
	ReasonAccountLocked   Reason = "account_locked"
	ReasonPasswordExpired Reason = "password_expired"
	ReasonNotAllowed      Reason = "not_allowed"

	// For directories, which tell more.
	ReasonAccountExpired     Reason = "account_expired"
	ReasonLogonNotPermitted  Reason = "logon_not_permitted" // not at this time, or not from here
	ReasonPasswordMustChange Reason = "password_must_change"

	// For a Prompt for a one-time code that is shown again.
	ReasonCodeWrong   Reason = "code_wrong"
	ReasonCodeExpired Reason = "code_expired" // a new code is on its way, or must be requested

	// For a Prompt for a new password that is shown again.
	ReasonPasswordsDiffer  Reason = "passwords_differ"  // the two new ones
	ReasonPasswordRejected Reason = "password_rejected" // too weak, too young, or used before
)

// Reasons lists the reasons above, for each of which the host has its own page.
func Reasons() []Reason {
	return []Reason{
		ReasonBadCredentials, ReasonCancelled, ReasonAccountDisabled, ReasonAccountLocked, ReasonPasswordExpired, ReasonNotAllowed,
		ReasonAccountExpired, ReasonLogonNotPermitted, ReasonPasswordMustChange, ReasonPasswordsDiffer, ReasonPasswordRejected,
		ReasonCodeWrong, ReasonCodeExpired,
	}
}

// Error is a refusal of one of the four kinds. Its text is for the operator's
// log, never for the browser, and must not contain secrets such as a token, code,
// password or assertion.
//
// Kind, Reason and Detail reach the host; the cause stays in the plugin.
type Error struct {
	Kind   error // ErrDenied, ErrInvalidResponse, ErrUnavailable or ErrMisconfigured; any other is a fault
	Reason Reason
	Detail string
	cause  error
}

// Error returns kind, reason and detail.
func (e *Error) Error() string {
	text := "error of no kind"
	if e.Kind != nil {
		text = e.Kind.Error()
	}
	if e.Reason != "" {
		text += " (" + string(e.Reason) + ")"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Unwrap lets errors.Is find the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}

// Denied makes an ErrDenied. The format may use %w, as in fmt.Errorf.
func Denied(reason Reason, format string, args ...any) error {
	return newError(ErrDenied, reason, fmt.Errorf(format, args...))
}

// InvalidResponse makes an ErrInvalidResponse. The reason is a word such as
// "nonce_mismatch", for the log and the count of refusals.
func InvalidResponse(reason Reason, format string, args ...any) error {
	return newError(ErrInvalidResponse, reason, fmt.Errorf(format, args...))
}

// Unavailable makes an ErrUnavailable.
func Unavailable(reason Reason, format string, args ...any) error {
	return newError(ErrUnavailable, reason, fmt.Errorf(format, args...))
}

// Misconfigured makes an ErrMisconfigured. In the text, name the option and say
// what to write instead.
func Misconfigured(reason Reason, format string, args ...any) error {
	return newError(ErrMisconfigured, reason, fmt.Errorf(format, args...))
}

// ReasonOf returns the reason of the first Error in err's tree, or "".
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ""
}

func newError(kind error, reason Reason, cause error) error {
	return &Error{Kind: kind, Reason: reason, Detail: cause.Error(), cause: cause}
}
