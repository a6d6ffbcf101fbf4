package sso

import (
	"errors"
	"fmt"

	"github.com/doorward/doorward/sdk"
)

// The refusals of this package, besides the kinds of the sdk.
var (
	// ErrUnknownProvider: no provider of that name is configured.
	ErrUnknownProvider = errors.New("unknown provider")

	// ErrAttemptInvalid: the attempt is missing, expired, altered, used before,
	// or belongs to another provider. The end user starts again.
	ErrAttemptInvalid = errors.New("login attempt is not valid")

	// ErrAttemptExpired is an ErrAttemptInvalid: the end user took too long.
	ErrAttemptExpired = fmt.Errorf("%w: expired", ErrAttemptInvalid)

	// ErrAttemptOver is an ErrAttemptInvalid: the login was completed or refused
	// before, or the same answer is being dealt with.
	ErrAttemptOver = fmt.Errorf("%w: used before", ErrAttemptInvalid)

	// ErrOtherPublicURL is an ErrAttemptInvalid: the answer arrived at another public URL
	// than that where the login began.
	ErrOtherPublicURL = fmt.Errorf("%w: begun at another public URL", ErrAttemptInvalid)

	// ErrOnePublicURL: the provider knows us by a document, which has the URLs below
	// Config.PublicURL alone, and so nothing can begin elsewhere.
	ErrOnePublicURL = errors.New("the provider knows PUBLIC_URL only")

	// ErrAnswerTooLong: more was entered than sdk.MaxAnswer bytes.
	ErrAnswerTooLong = errors.New("an answer is too long")

	// ErrAnswerMissing: a field that is not optional was left empty, or any field
	// was answered more than once.
	ErrAnswerMissing = errors.New("an answer is missing or given twice")

	// ErrNotRegistered: the provider vouches for somebody who has no account,
	// and none may be created.
	ErrNotRegistered = errors.New("no account, and registration is closed")

	// ErrUserInactive: the account exists and may not sign in.
	ErrUserInactive = errors.New("account is not active")

	// ErrUserSuspended is an ErrUserInactive: somebody has suspended the account.
	ErrUserSuspended = fmt.Errorf("%w: suspended", ErrUserInactive)

	// ErrSessionInvalid: there is no such session any more. That is for good.
	ErrSessionInvalid = errors.New("session is not valid")

	// ErrSessionNotNow: the session is there and is not good now. Its provider is
	// not configured, or it has expired by a clock that may be wrong. Either can
	// pass, so whoever gets this refuses, and removes nothing.
	ErrSessionNotNow = errors.New("session is not good now")

	// ErrTokenExpired: an access token of ours has expired.
	ErrTokenExpired = errors.New("access token has expired")

	// ErrTokenInvalid: something that is no access token of ours.
	ErrTokenInvalid = errors.New("access token is not valid")

	// ErrBusy: a call was not made, because the provider does not keep up with
	// those before it, or because the caller did not wait. Nothing has happened at
	// the provider, nothing is spent, and the same request may be made again. It
	// wraps sdk.ErrUnavailable.
	ErrBusy = fmt.Errorf("too many wait for the provider: %w", sdk.ErrUnavailable)

	// ErrOutcomeUnknown: a store does not know whether it has written something, because
	// its caller went away while that was under way, or because the commit was not
	// confirmed. It is stored as a whole, or not at all, and may only come to be after
	// this answer. So nobody is told that they are signed in, nor that nothing happened,
	// and what a client holds stays: a token that was exchanged leads to its successor,
	// and a once-ID may be spent.
	//
	// If the caller went away, it comes with the error of the context. That error alone
	// says that nothing was written, and nothing will be.
	ErrOutcomeUnknown = errors.New("whether it was stored is not known")

	// ErrStoreUnavailable: the database did not do its work, because it is away, locked,
	// full, read-only or damaged. Nothing was written, unless the error is an
	// ErrOutcomeUnknown as well.
	ErrStoreUnavailable = errors.New("the database is not available")

	// ErrPluginFault: a mechanism answered with something that it must not.
	ErrPluginFault = errors.New("plugin fault")
)

// StoreUnavailable marks err, which says why, as an [ErrStoreUnavailable], and leaves its
// text as it is. It is nil for nil.
func StoreUnavailable(err error) error {
	if err == nil {
		return nil
	}
	return storeUnavailable{err}
}

type storeUnavailable struct{ error }

func (e storeUnavailable) Unwrap() []error { return []error{ErrStoreUnavailable, e.error} }
