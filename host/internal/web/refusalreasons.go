package web

import (
	"context"
	"errors"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/redirect"
	"github.com/doorward/doorward/host/internal/web/tally"
	"github.com/doorward/doorward/sdk"
)

// refusalReasons is the only table from errors to the words that are counted; the first
// match counts. A provider's denial is counted under its own reason, if that is a known
// one.
var refusalReasons = []struct {
	err    error
	reason string
}{
	{errLimited, "limited"},
	{errCrossSite, "cross_site"},
	{errNoCookie, "no_cookie"},
	{errDropped, "no_cookie"},
	{errInvalidPayload, "bad_request"},
	{errUnsupported, "bad_request"},
	{redirect.ErrNotAllowed, "bad_request"},
	{sso.ErrAnswerTooLong, "bad_request"},
	{sso.ErrAnswerMissing, "bad_request"},
	{sso.ErrAttemptTooLarge, "bad_request"},
	{sso.ErrUnknownProvider, "unknown_provider"},
	{sso.ErrAttemptExpired, "attempt_expired"},
	{sso.ErrAttemptOver, "attempt_over"},
	{sso.ErrAttemptInvalid, "attempt_invalid"},
	{sso.ErrSpent, "used_before"},
	{sso.ErrNotRegistered, "not_registered"},
	{sso.ErrUserInactive, "user_inactive"},
	{sso.ErrPluginFault, "plugin_fault"},
	{sdk.ErrDenied, "denied"},
	{sdk.ErrInvalidResponse, "invalid_response"},
	{sso.ErrBusy, "busy"},
	{errOverloaded, "busy"},
	{sdk.ErrUnavailable, "unavailable"},
	{sdk.ErrMisconfigured, "misconfigured"},
	{sso.ErrStoreUnavailable, "internal"},
	{context.DeadlineExceeded, "unavailable"},
	{context.Canceled, "client_left"},
}

// refusalReason is the word for an error, from a fixed set.
func refusalReason(err error) string {
	for _, row := range refusalReasons {
		if !errors.Is(err, row.err) {
			continue
		}
		if reason := knownReason(sdk.ReasonOf(err)); row.reason == "denied" && reason != tally.Other {
			return reason
		}
		return row.reason
	}
	return "internal"
}

// knownReason is a reason if it is in the contract, otherwise tally.Other: plugins can send
// any.
func knownReason(reason sdk.Reason) string {
	if _, ok := deniedMessages[reason]; ok {
		return string(reason)
	}
	return tally.Other
}

// countRefused counts a refused login, or a refused try in one.
func (s *Server) countRefused(provider, reason string) {
	if _, err := s.ports.Logins.Provider(provider); err != nil {
		provider = ""
	}
	s.config.Tally.Refused(provider, reason)
}

// refreshOutcomes is the only table from the errors of a refresh to the words that are
// counted.
var refreshOutcomes = []struct {
	err     error
	outcome string
}{
	{sso.ErrTokenReused, "token_reused"},
	{sso.ErrUserInactive, "user_inactive"},
	{sso.ErrSessionNotNow, "not_now"},
	{sdk.ErrDenied, "provider_refused"},
	{sso.ErrPluginFault, "plugin_fault"},
	{sso.ErrSessionInvalid, "no_session"},
	{sso.ErrBusy, "busy"},
	{context.Canceled, "client_left"},
}

func refreshOutcome(done *sso.SignedIn, err error) string {
	for _, row := range refreshOutcomes {
		if errors.Is(err, row.err) {
			return row.outcome
		}
	}
	switch {
	case err != nil:
		return "internal"
	case done.Unasked != nil:
		return "provider_silent"
	default:
		return "ok"
	}
}
