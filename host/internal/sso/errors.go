package sso

import (
	"errors"
	"fmt"
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

	// ErrSessionInvalid: there is no such session any more.
	ErrSessionInvalid = errors.New("session is not valid")

	// ErrTokenReplaced is an ErrSessionInvalid: the token was replaced by another,
	// at a time that the clock has not reached. A clock goes on, so nothing that
	// cannot be undone may follow from this.
	ErrTokenReplaced = fmt.Errorf("%w: its token was replaced, and the clock has been set back since", ErrSessionInvalid)

	// ErrTokenExpired: an access token of ours has expired.
	ErrTokenExpired = errors.New("access token has expired")

	// ErrTokenInvalid: something that is no access token of ours.
	ErrTokenInvalid = errors.New("access token is not valid")

	// ErrPluginFault: a mechanism answered with something that it must not.
	ErrPluginFault = errors.New("plugin fault")
)
