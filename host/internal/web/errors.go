package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

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
	errNoCookie       = errors.New("the browser did not bring back the cookie of this login")
	errNoPasswords    = errors.New("there are no local passwords")
	errUnsupported    = errors.New("unsupported content type")
)

// payloadError is an errInvalidPayload with a reason that the client may see.
type payloadError struct{ reason string }

func (e payloadError) Error() string { return "invalid payload: " + e.reason }
func (e payloadError) Unwrap() error { return errInvalidPayload }

// answer is how an error is told: by status and code to programs, by message
// to people.
type answer struct {
	status  int
	code    string
	message page.Message
}

// answers is the one table from error to answer; the first that matches counts.
// Codes and statuses are those of the seed system.
var answers = []struct {
	err    error
	answer answer
}{
	{errCrossSite, answer{http.StatusForbidden, "FORBIDDEN", page.MessageCrossSite}},
	{errNoCookie, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageNoCookie}},
	{errNoCredentials, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageSessionEnded}},
	{errInvalidPayload, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageBadRequest}},
	{errLogoutMessage, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageLogoutMessage}},
	{errors.ErrUnsupported, answer{http.StatusNotFound, "ROUTE_NOT_FOUND", page.MessageNotFound}},
	{errUnsupported, answer{http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", page.MessageBadRequest}},
	{errNoPasswords, answer{http.StatusNotFound, "ROUTE_NOT_FOUND", page.MessageNotFound}},
	{redirect.ErrNotAllowed, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageBadRedirect}},
	{sso.ErrAnswerTooLong, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageNotAccepted}},
	{sso.ErrAnswerMissing, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageNotAccepted}},
	{sso.ErrAttemptTooLarge, answer{http.StatusBadRequest, "INVALID_PAYLOAD", page.MessageBadRedirect}},
	{sso.ErrUnknownProvider, answer{http.StatusNotFound, "ROUTE_NOT_FOUND", page.MessageUnknownProvider}},
	{sso.ErrAttemptInvalid, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageAttemptExpired}},
	{sso.ErrSpent, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageAttemptExpired}},
	{sso.ErrNotRegistered, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageNotRegistered}},
	{sso.ErrUserInactive, answer{http.StatusUnauthorized, "USER_SUSPENDED", page.MessageAccountDisabled}},
	{sso.ErrTokenExpired, answer{http.StatusUnauthorized, "TOKEN_EXPIRED", page.MessageSessionEnded}},
	{sso.ErrTokenInvalid, answer{http.StatusForbidden, "INVALID_TOKEN", page.MessageSessionEnded}},
	{sso.ErrSessionInvalid, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageSessionEnded}},
	{sso.ErrPluginFault, answer{http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", page.MessageInternal}},
	{sdk.ErrDenied, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageDenied}},
	{sdk.ErrInvalidResponse, answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", page.MessageInvalidResponse}},
	{sdk.ErrUnavailable, answer{http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", page.MessageUnavailable}},
	{sdk.ErrMisconfigured, answer{http.StatusServiceUnavailable, "INVALID_PROVIDER_CONFIG", page.MessageMisconfigured}},
	{context.DeadlineExceeded, answer{http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", page.MessageUnavailable}},
}

// deniedMessages refine the page of sdk.ErrDenied by its reason.
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
	a := answerTo(err)
	s.logError(c, a, err)
	if c.Request().Method == http.MethodHead {
		_ = c.NoContent(a.status)
		return
	}
	if wantsHTML(c) {
		err = s.renderFailure(c, a)
	} else {
		err = c.JSON(a.status, errorBody(c, a, err))
	}
	if err != nil {
		s.logger.Debug("writing an answer", "error", err, "request_id", requestID(c))
	}
}

// logError logs what the operator may have to do something about. What clients
// get wrong by themselves is debug.
func (s *Server) logError(c echo.Context, a answer, err error) {
	args := []any{"code", a.code, "path", c.Request().URL.EscapedPath(), "error", oneLine(err), "request_id", requestID(c)}
	if a.status == http.StatusInternalServerError {
		s.logger.Error("request failed", args...)
		return
	}
	s.logger.Debug("request refused", args...)
}

func (s *Server) renderFailure(c echo.Context, a answer) error {
	failure := page.Failure{Message: a.message, ID: requestID(c), HomeURL: s.path("/login")}
	return s.render(c, a.status, failure, formsStay)
}

type errorEnvelope struct {
	Errors []errorEntry `json:"errors"`
}

type errorEntry struct {
	Message    string         `json:"message"`
	Extensions map[string]any `json:"extensions"`
}

// errorBody tells programs the code and a text of our own. Texts of plugins and
// libraries stay in the log.
func errorBody(c echo.Context, a answer, err error) errorEnvelope {
	extensions := map[string]any{"code": a.code}
	switch a.code {
	case "ROUTE_NOT_FOUND":
		extensions["path"] = c.Request().URL.EscapedPath()
	case "INVALID_PAYLOAD":
		extensions["reason"] = payloadReason(err, a)
	case "SERVICE_UNAVAILABLE":
		extensions["service"] = "provider"
		extensions["reason"] = a.message.Title
	}
	if reason := sdk.ReasonOf(err); errors.Is(err, sdk.ErrDenied) && deniedMessages[reason] != (page.Message{}) {
		extensions["reason"] = string(reason)
	}
	extensions["request_id"] = requestID(c)
	return errorEnvelope{[]errorEntry{{Message: a.message.What, Extensions: extensions}}}
}

// payloadReason says what is wrong with a request, in a text of our own.
func payloadReason(err error, a answer) string {
	if p, ok := errors.AsType[payloadError](err); ok {
		return p.reason
	}
	for _, known := range []error{sso.ErrAnswerTooLong, sso.ErrAnswerMissing} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return a.message.Title
}

// oneLine makes an error fit for one line of a log: what a provider or a client
// wrote may hold line breaks.
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
