package sso

import (
	"errors"
	"fmt"

	"github.com/doorward/doorward/sdk"
)

// The refusals of this package, in addition to the error kinds of the sdk.
var (
	// ErrUnknownProvider: no provider of that name is configured.
	ErrUnknownProvider = errors.New("unknown provider")

	// ErrAttemptInvalid: the attempt is missing, expired, altered, used before, or
	// belongs to another provider. The user has to start again.
	ErrAttemptInvalid = errors.New("login attempt is not valid")

	// ErrAttemptExpired is an ErrAttemptInvalid: the user took too long.
	ErrAttemptExpired = fmt.Errorf("%w: expired", ErrAttemptInvalid)

	// ErrAttemptOver is an ErrAttemptInvalid: the login was completed or refused before,
	// or the same answer is being processed.
	ErrAttemptOver = fmt.Errorf("%w: used before", ErrAttemptInvalid)

	// ErrOtherPublicURL is an ErrAttemptInvalid: the answer arrived at another public URL
	// than the one where the login began.
	ErrOtherPublicURL = fmt.Errorf("%w: begun at another public URL", ErrAttemptInvalid)

	// ErrOnePublicURL: the provider knows the host by a document that contains only URLs
	// below Config.PublicURL, so no login can begin at another public URL.
	ErrOnePublicURL = errors.New("the provider knows PUBLIC_URL only")

	// ErrAnswerTooLong: an answer has more than sdk.MaxAnswer bytes.
	ErrAnswerTooLong = errors.New("an answer is too long")

	// ErrAnswerMissing: a field that is not optional was left empty, or any field
	// was answered more than once.
	ErrAnswerMissing = errors.New("an answer is missing or given twice")

	// ErrNotRegistered: the provider confirms somebody who has no account, and no account
	// may be created.
	ErrNotRegistered = errors.New("no account, and registration is closed")

	// ErrUserInactive: the account exists and may not sign in.
	ErrUserInactive = errors.New("account is not active")

	// ErrUserSuspended is an ErrUserInactive: an operator has suspended the account.
	ErrUserSuspended = fmt.Errorf("%w: suspended", ErrUserInactive)

	// ErrSessionInvalid: the session does not exist any more. That is permanent.
	ErrSessionInvalid = errors.New("session is not valid")

	// ErrSessionNotNow: the session exists, but is not valid now. Its provider is not
	// configured, or it has expired according to a clock that may be wrong. Both can
	// pass, so callers refuse and remove nothing.
	ErrSessionNotNow = errors.New("session is not valid now")

	// ErrTokenExpired: an access token of this host has expired.
	ErrTokenExpired = errors.New("access token has expired")

	// ErrTokenInvalid: not an access token of this host.
	ErrTokenInvalid = errors.New("access token is not valid")

	// ErrBusy: a call was not made, because the provider does not keep up with earlier
	// calls, or because the caller did not wait. The provider was not called, nothing is
	// spent, and the same request can be repeated. It wraps sdk.ErrUnavailable.
	ErrBusy = fmt.Errorf("too many calls wait for the provider: %w", sdk.ErrUnavailable)

	// ErrOutcomeUnknown: a store does not know whether it has written something, because
	// the caller went away in the meantime, or because the commit was not confirmed. The
	// write is stored completely or not at all, and may still complete after this error.
	// So nobody is told that they are signed in, or that nothing happened, and clients
	// keep their tokens: a token that was exchanged leads to its successor, and a once-ID
	// may be spent.
	//
	// If the caller went away, the context's error is wrapped as well. The context's
	// error alone means that nothing was written, and nothing will be.
	ErrOutcomeUnknown = errors.New("it is unknown whether the data was stored")

	// ErrStoreUnavailable: the database did not do its work, because it is unreachable,
	// locked, full, read-only or damaged. Nothing was written, unless the error is also
	// an ErrOutcomeUnknown.
	ErrStoreUnavailable = errors.New("the database is not available")

	// ErrPluginFault: a mechanism returned something that the contract forbids.
	ErrPluginFault = errors.New("plugin fault")
)

// StoreUnavailable marks err as an [ErrStoreUnavailable], and leaves its text as it is.
// It returns nil for nil.
func StoreUnavailable(err error) error {
	if err == nil {
		return nil
	}
	return storeUnavailable{err}
}

type storeUnavailable struct{ error }

func (e storeUnavailable) Unwrap() []error { return []error{ErrStoreUnavailable, e.error} }
