package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
	"github.com/doorward/doorward/host/internal/web/redirect"
	"github.com/doorward/doorward/sdk"
)

// Refusals of this package.
var (
	errCrossSite      = errors.New("request from another site")
	errInvalidPayload = errors.New("invalid payload")
	errNoCredentials  = errors.New("not signed in")
	errNoCookie       = errors.New("the browser did not send the cookie of this login")
	errDropped        = errors.New("the browser has cookies of other logins, but not of this one")
	errNoPasswords    = errors.New("this host has no local passwords")
	errUnsupported    = errors.New("unsupported content type")
)

// payloadError is an errInvalidPayload with a reason for the client.
type payloadError struct{ reason string }

func (e payloadError) Error() string { return "invalid payload: " + e.reason }
func (e payloadError) Unwrap() error { return errInvalidPayload }

// mediaError is an errUnsupported with a reason that says what is accepted instead.
type mediaError struct{ reason string }

func (e mediaError) Error() string { return errUnsupported.Error() + ": " + e.reason }
func (e mediaError) Unwrap() error { return errUnsupported }

// notOfType is the mediaError for a body whose content type is not among the accepted ones.
func notOfType(accepted string) error { return mediaError{"the content type must be " + accepted} }

// answer is the answer to an error: programs get the status and the code, people get the
// message.
type answer struct {
	status  int
	code    string
	message page.Message
}

// answers maps errors to answers. The first match counts.
// Codes and statuses are those of Directus.
var answers = []struct {
	err    error
	answer answer
}{
	{errCrossSite, answer{http.StatusForbidden, "FORBIDDEN", page.MessageCrossSite}},
	{errNoCookie, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageNoCookie}},
	{errDropped, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageAttemptDropped}},
	{errNoCredentials, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageSessionEnded}},
	{errInvalidPayload, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageBadRequest}},
	{errLogoutMessage, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageLogoutMessage}},
	{errors.ErrUnsupported, answer{http.StatusNotFound, "ROUTE_NOT_FOUND", page.MessageNotFound}},
	{errUnsupported, answer{http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", page.MessageBadRequest}},
	{errNoPasswords, answer{http.StatusNotFound, "ROUTE_NOT_FOUND", page.MessageNoPasswords}},
	{redirect.ErrNotAllowed, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageBadRedirect}},
	{sso.ErrAnswerTooLong, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageNotAccepted}},
	{sso.ErrAnswerMissing, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageNotAccepted}},
	{sso.ErrAttemptTooLarge, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageBadRedirect}},
	{sso.ErrUnknownProvider, answer{http.StatusNotFound, "ROUTE_NOT_FOUND", page.MessageUnknownProvider}},
	{sso.ErrAttemptExpired, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageAttemptExpired}},
	{sso.ErrAttemptOver, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageAttemptOver}},
	{sso.ErrAttemptInvalid, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageAttemptInvalid}},
	{sso.ErrSpent, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageAttemptOver}},
	{sso.ErrInvitation, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageInvitation}},
	{sso.ErrInvitedOther, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageInvitedOther}},
	{sso.ErrNotRegistered, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageNotRegistered}},
	{sso.ErrUserSuspended, answer{http.StatusUnauthorized, "USER_SUSPENDED", page.MessageAccountDisabled}},
	{sso.ErrUserInactive, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageAccountDisabled}},
	{sso.ErrLinkTaken, answer{http.StatusConflict, "RECORD_NOT_UNIQUE", page.MessageLinkTaken}},
	{sso.ErrTooManyLinks, answer{http.StatusConflict, "FORBIDDEN", page.MessageTooManyLinks}},
	{sso.ErrLastLink, answer{http.StatusConflict, "FORBIDDEN", page.MessageLastLink}},
	{sso.ErrLinkingOff, answer{http.StatusForbidden, "FORBIDDEN", page.MessageLinkingOff}},
	{sso.ErrOnePublicURL, answer{http.StatusConflict, "FORBIDDEN", page.MessageElsewhere}},
	{sso.ErrOtherSession, answer{http.StatusForbidden, "FORBIDDEN", page.MessageOtherSession}},
	{sso.ErrTokenExpired, answer{http.StatusUnauthorized, "TOKEN_EXPIRED", page.MessageAccessExpired}},
	{sso.ErrTokenInvalid, answer{http.StatusForbidden, "INVALID_TOKEN", page.MessageSessionEnded}},
	{sso.ErrSessionInvalid, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageSessionEnded}},
	{sso.ErrSessionNotNow, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageSessionEnded}},
	{sso.ErrPluginFault, answer{http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", page.MessageInternal}},
	{sdk.ErrDenied, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageDenied}},
	{sdk.ErrInvalidResponse, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageInvalidResponse}},
	// The answer says neither that the login succeeded nor that nothing happened, and removes
	// no cookie. This row comes before the one of the context's error, which it also matches.
	{sso.ErrOutcomeUnknown, answer{http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", page.MessageInternal}},
	{errForbiddenField, answer{http.StatusForbidden, "FORBIDDEN", page.MessageForbiddenField}},
	{errProfileLimited, answer{http.StatusTooManyRequests, "REQUESTS_EXCEEDED", page.MessageTooManyChanges}},
	{sso.ErrStoreUnavailable, answer{http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", page.MessageNoStore}},
	{errLimited, answer{http.StatusTooManyRequests, "REQUESTS_EXCEEDED", page.MessageTooManyAttempts}},
	{sso.ErrBusy, answer{http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", page.MessageBusy}},
	{errOverloaded, answer{http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", page.MessageOverloaded}},
	{sdk.ErrUnavailable, answer{http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", page.MessageUnavailable}},
	{sdk.ErrMisconfigured, answer{http.StatusServiceUnavailable, "INVALID_PROVIDER_CONFIG", page.MessageMisconfigured}},
	{context.DeadlineExceeded, answer{http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", page.MessageUnavailable}},
}

// deniedMessages are the messages for the reasons of sdk.ErrDenied.
var deniedMessages = map[sdk.Reason]page.Message{
	sdk.ReasonBadCredentials:  page.MessageBadCredentials,
	sdk.ReasonCancelled:       page.MessageCancelled,
	sdk.ReasonAccountDisabled: page.MessageAccountDisabled,
	sdk.ReasonAccountLocked:   page.MessageAccountLocked,
	sdk.ReasonPasswordExpired: page.MessagePasswordExpired,
	sdk.ReasonNotAllowed:      page.MessageNotAllowed,

	sdk.ReasonAccountExpired:     page.MessageAccountExpired,
	sdk.ReasonLogonNotPermitted:  page.MessageLogonNotPermitted,
	sdk.ReasonPasswordMustChange: page.MessagePasswordMustChange,
	sdk.ReasonPasswordsDiffer:    page.MessagePasswordsDiffer,
	sdk.ReasonPasswordRejected:   page.MessagePasswordRejected,
	sdk.ReasonCodeWrong:          page.MessageCodeWrong,
	sdk.ReasonCodeExpired:        page.MessageCodeExpired,
}

func answerTo(err error) answer {
	for _, row := range answers {
		if !errors.Is(err, row.err) {
			continue
		}
		if message, ok := deniedMessages[sdk.ReasonOf(err)]; ok && row.answer.message == page.MessageDenied {
			row.answer.message = message
		}
		if limited, ok := errors.AsType[limitedError](err); ok && row.err == errLimited { //nolint:errorlint // the error of this row
			row.answer.message = page.TooManyAttempts(limited.wait())
		}
		return row.answer
	}
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		return answerToHTTP(he.Code)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return answerToHTTP(http.StatusRequestEntityTooLarge)
	}
	return answerToHTTP(http.StatusInternalServerError)
}

func answerToHTTP(status int) answer {
	switch status {
	case http.StatusNotFound:
		return answer{status, "ROUTE_NOT_FOUND", page.MessageNotFound}
	case http.StatusMethodNotAllowed:
		return answer{status, "METHOD_NOT_ALLOWED", page.MessageMethodNotAllowed}
	case http.StatusRequestEntityTooLarge:
		return answer{status, "CONTENT_TOO_LARGE", page.MessageTooLarge}
	default:
		return answer{http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", page.MessageInternal}
	}
}

// answerError is the one place where an error becomes an answer.
func (s *Server) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	a := explainNotFound(c, answerTo(err))
	setRetryAfter(c, err)
	if wantsHTML(c) {
		err = s.renderFailure(c, a, err)
	} else {
		s.logError(c, a, err)
		err = c.JSON(a.status, s.errorBody(c, a, err))
	}
	if err != nil {
		s.logger.Debug("writing an answer", "error", err, "request_id", requestID(c))
	}
}

// isOurFault reports whether the operator of this host has to act on an error, and neither
// the client nor the provider.
func isOurFault(a answer, err error) bool {
	return a.status == http.StatusInternalServerError || errors.Is(err, sso.ErrStoreUnavailable)
}

// logError logs an error that the operator may have to act on. Mistakes of programs are
// logged at debug level.
func (s *Server) logError(c echo.Context, a answer, err error) {
	args := []any{"code", a.code, "path", loggedPath(c), "error", oneLine(err)}
	gone := errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil
	if isOurFault(a, err) && !gone {
		s.sampled.error(c, c.Param("provider"), "request failed", args...)
		return
	}
	s.sampled.debug(c, c.Param("provider"), "request refused", args...)
}

func (s *Server) renderFailure(c echo.Context, a answer, err error) error {
	failure := page.Failure{Message: a.message, HomeURL: s.path(c, "/login")}
	what := "request refused"
	if isOurFault(a, err) {
		what = "request failed"
	}
	provider := ""
	if p, err := s.ports.Logins.Provider(c.Param("provider")); err == nil {
		provider = p.Name
	}
	if s.logShown(c, provider, what, a, err) {
		failure.ID = requestID(c)
	}
	return s.render(c, a.status, failure, formsStay)
}

// retryBusy is the Retry-After, in seconds, when too many requests wait: a provider that
// keeps up serves a full queue in a few seconds, and large requests do not take longer.
const retryBusy = "5"

// setRetryAfter says when the client may repeat a request that was not served (RFC 9110
// section 10.2.3).
func setRetryAfter(c echo.Context, err error) {
	if errors.Is(err, sso.ErrBusy) || errors.Is(err, errOverloaded) {
		c.Response().Header().Set(echo.HeaderRetryAfter, retryBusy)
	}
	if limited, ok := errors.AsType[limitedError](err); ok {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(limited.wait().Seconds())))
	}
}

// logShown logs an error that is shown as a page, and reports whether the line was written
// at the level in force. Only then does the page show the ID of the request, as a reference
// for support. Anyone can cause such pages, so the lines of each page are sampled. The
// provider must be a configured one, or empty.
func (s *Server) logShown(c echo.Context, provider, what string, a answer, err error) bool {
	level := hclog.Info
	switch {
	case isOurFault(a, err):
		level = hclog.Error
	case c.Request().Context().Err() != nil:
		level = hclog.Debug // the client has gone and sees no page
	case errors.Is(err, sso.ErrBusy): // a flood, which has its own line in the log
	case what == "sign-in refused" && a.code != "INVALID_PAYLOAD":
		level = hclog.Warn
	}
	if level > hclog.Debug && !s.sampled.admit(kindOfLine{level, what + ": " + a.message.Title, provider}, c.RealIP()) {
		level = hclog.Debug
	}
	args := []any{"code", a.code, "reason", string(sdk.ReasonOf(err)), "path", loggedPath(c), "error", oneLine(err), "ip", c.RealIP(), "request_id", requestID(c)}
	if provider != "" {
		args = append([]any{"provider", provider}, args...)
	}
	s.logger.Log(level, what, args...)
	return level >= s.logger.GetLevel()
}

// loggedPath returns the beginning of the path, which identifies the request.
func loggedPath(c echo.Context) string {
	path := c.Request().URL.EscapedPath()
	return path[:min(len(path), 256)]
}

// oneLine makes an error fit on one line of the log: text from a provider or a client may
// contain line breaks.
func oneLine(err error) string {
	if errors.Is(err, errPanic) {
		return err.Error()
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, fmt.Sprint(err))
}
