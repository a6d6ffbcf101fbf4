package web

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/redirect"
	"github.com/doorward/doorward/sdk"
)

type errorEnvelope struct {
	Errors []errorEntry `json:"errors"`
}

type errorEntry struct {
	Message    string         `json:"message"`
	Extensions map[string]any `json:"extensions"`
}

// errorBody is the answer to programs: the code, the extensions that Directus has for it,
// and a text from this package. The texts of plugins and libraries go to the log only.
//
// The extension reason is a text for INVALID_PAYLOAD, SERVICE_UNAVAILABLE and
// UNSUPPORTED_MEDIA_TYPE, and a word from a fixed set for INVALID_CREDENTIALS, where
// Directus has no reason.
func (s *Server) errorBody(c echo.Context, a answer, err error) errorEnvelope {
	extensions, message := map[string]any{"code": a.code}, a.message.What
	switch a.code {
	case "ROUTE_NOT_FOUND":
		extensions["path"] = c.Request().URL.EscapedPath()
		if isDirectusRoute(a.message) {
			extensions["reason"] = a.message.Next
		}
	case "FORBIDDEN":
		if unknown, ok := errors.AsType[fieldsError](err); ok {
			extensions["reason"], message = unknown.Error(), unknown.Error()
		}
	case "INVALID_PAYLOAD":
		reason := payloadReason(err, a)
		extensions["reason"], message = reason, "Invalid payload. "+sentence(reason)
	case "UNSUPPORTED_MEDIA_TYPE":
		if m, ok := errors.AsType[mediaError](err); ok {
			extensions["reason"] = m.reason
		}
	case "REQUESTS_EXCEEDED":
		if limited, ok := errors.AsType[limitedError](err); ok {
			extensions["limit"] = limited.Points
			extensions["reset"] = limited.at.Add(limited.wait()).UTC().Format(time.RFC3339)
		}
	case "INVALID_PROVIDER_CONFIG":
		if p, err := s.ports.Logins.Provider(c.Param("provider")); err == nil {
			extensions["provider"] = p.Name
		}
	case "SERVICE_UNAVAILABLE":
		service := s.serviceOf(c, err)
		extensions["service"], extensions["reason"] = service, a.message.Title
		message = "Service " + strconv.Quote(service) + " is unavailable. " + sentence(a.message.Title)
	case "INVALID_CREDENTIALS":
		if word := credentialsReason(err); word != "" {
			extensions["reason"] = word
		}
	}
	extensions["request_id"] = requestID(c)
	return errorEnvelope{[]errorEntry{{Message: message, Extensions: extensions}}}
}

// credentialsReason returns the reason of a refusal, as one of the contract's words, or "".
func credentialsReason(err error) string {
	if errors.Is(err, sso.ErrUserInactive) {
		return string(sdk.ReasonAccountDisabled)
	}
	reason := sdk.ReasonOf(err)
	if _, known := deniedMessages[reason]; !known || !errors.Is(err, sdk.ErrDenied) {
		return ""
	}
	return string(reason)
}

// serviceOf names what is unavailable as Directus does: the driver of a provider, or "api"
// for this host itself. We add "database", and "provider" if the request does not name one.
func (s *Server) serviceOf(c echo.Context, err error) string {
	switch {
	case errors.Is(err, sso.ErrStoreUnavailable):
		return "database"
	case errors.Is(err, errOverloaded):
		return "api"
	}
	if p, err := s.ports.Logins.Provider(c.Param("provider")); err == nil {
		return p.Driver
	}
	return "provider"
}

// payloadReason says what is wrong with a request, in a text from this package.
func payloadReason(err error, a answer) string {
	if p, ok := errors.AsType[payloadError](err); ok {
		return p.reason
	}
	for _, known := range []error{sso.ErrAnswerTooLong, sso.ErrAnswerMissing, sso.ErrAttemptTooLarge, redirect.ErrNotAllowed} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return a.message.Title
}

// sentence turns a text into a sentence: with a capital and a period.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}
