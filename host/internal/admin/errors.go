package admin

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

var (
	errNoRoute  = errors.New("this path does not exist")
	errMethod   = errors.New("this path does not support the method of the request")
	errNoKey    = errors.New("the request has no key: send Authorization: Bearer and a key; doorward key add makes one")
	errTooMany  = errors.New("too many wrong keys; try again in a second")
	errInternal = errors.New("the operation failed; the log of the host says why")
)

// answers is the one table from errors to statuses and codes. The first row that matches
// counts. Codes are those of Directus where it has one.
var answers = []struct {
	err    error
	status int
	code   string
}{
	{people.ErrInvalid, http.StatusBadRequest, "INVALID_PAYLOAD"},
	{people.ErrKeyInvalid, http.StatusUnauthorized, "INVALID_CREDENTIALS"},
	{errNoKey, http.StatusUnauthorized, "INVALID_CREDENTIALS"},
	{people.ErrForbidden, http.StatusForbidden, "FORBIDDEN"},
	{sso.ErrNotFound, http.StatusNotFound, "NOT_FOUND"},
	{errNoRoute, http.StatusNotFound, "ROUTE_NOT_FOUND"},
	{errMethod, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED"},
	{people.ErrFull, http.StatusConflict, "LIMIT_EXCEEDED"},
	{people.ErrTaken, http.StatusConflict, "RECORD_NOT_UNIQUE"},
	{errTooLarge, http.StatusRequestEntityTooLarge, "CONTENT_TOO_LARGE"},
	{errNotJSON, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE"},
	{errTooMany, http.StatusTooManyRequests, "REQUESTS_EXCEEDED"},
	{errInternal, http.StatusInternalServerError, "INTERNAL_SERVER_ERROR"},
}

// The body of an error.
type (
	failure struct {
		Errors []failureEntry `json:"errors"`
	}
	failureEntry struct {
		Message    string     `json:"message" doc:"for people"`
		Extensions extensions `json:"extensions"`
	}
	extensions struct {
		Code   string  `json:"code" doc:"for programs"`
		Member *string `json:"member" doc:"which part of the request is wrong; null: no single part"`
	}
)

// refuse answers with an error.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, code := http.StatusInternalServerError, "INTERNAL_SERVER_ERROR"
	known := false
	for _, row := range answers {
		if errors.Is(err, row.err) {
			status, code, known = row.status, row.code, true
			break
		}
	}
	if !known {
		if errors.Is(err, sso.ErrStoreUnavailable) && !errors.Is(err, sso.ErrOutcomeUnknown) {
			status, code = http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE"
		}
		s.log("administration failed", "path", r.URL.EscapedPath(), "error", err)
		if !s.trusted { // file paths and database errors are for the operator only
			err = errInternal
		}
	}
	ext := extensions{Code: code}
	if wrong, ok := errors.AsType[*people.InvalidError](err); ok {
		ext.Member = &wrong.Member
	}
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="doorward"`)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	}
	write(w, status, failure{[]failureEntry{{Message: err.Error(), Extensions: ext}}})
}

func write(w http.ResponseWriter, status int, body any) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails if the client has gone away
}
