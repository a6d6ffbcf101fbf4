package sso

import "errors"

// The refusals of this package, besides the kinds of the sdk.
var (
	// ErrUnknownProvider: no provider of that name is configured.
	ErrUnknownProvider = errors.New("unknown provider")

	// ErrAttemptInvalid: the attempt is missing, expired, altered, used before,
	// or belongs to another provider. The end user starts again.
	ErrAttemptInvalid = errors.New("login attempt is not valid")

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

	// ErrPluginFault: a mechanism answered with something that it must not.
	ErrPluginFault = errors.New("plugin fault")
)
