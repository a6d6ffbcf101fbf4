package forwardauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/doorward/doorward/host/internal/sso"
)

// errNotSignedIn: the request has no valid credentials of Doorward.
var errNotSignedIn = errors.New("not signed in")

const (
	// maxCookies is more than a browser stores for a site. If a request has more, no cookie
	// is read.
	maxCookies = 1024

	// maxSameName is the number of session cookies that are read. A sub-domain can set
	// additional ones, so the first is not always the right one.
	maxSameName = 4

	// tokenLength is the length of a session token: 32 bytes in base64url.
	tokenLength = 43

	maxBearer = 4 << 10
)

// authenticate returns the user who makes a request. The error is errNotSignedIn, or why the
// user cannot be determined.
//
// If there is a bearer token of Doorward, only the token counts, and the cookie is not used
// if the token is invalid. Other credentials in Authorization are for the application.
func (s *Server) authenticate(r *http.Request) (Person, error) {
	switch lines := r.Header["Authorization"]; {
	case len(lines) > 1:
		return Person{}, errNotSignedIn // it is unclear which one the application would use
	case len(lines) == 1:
		if token := s.bearer(lines[0]); token != "" {
			p, err := s.ports.People.AuthenticateAccess(r.Context(), token)
			return p, notSignedInIf(err)
		}
	}
	return s.sessionOwner(r.Context(), r.Header["Cookie"])
}

// bearer returns the bearer token of Doorward in a value of Authorization, or an empty text.
func (s *Server) bearer(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if token = strings.Trim(token, " "); strings.EqualFold(scheme, "Bearer") && s.isOurs(token) {
		return token
	}
	return ""
}

// isOurs reports whether a token claims to be issued by this host. The signature is not
// checked.
func (s *Server) isOurs(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > maxBearer {
		return false
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var said struct {
		Issuer string `json:"iss"`
	}
	return json.Unmarshal(claims, &said) == nil && said.Issuer == s.config.Issuer
}

// sessionOwner returns the user of the only valid session token among the cookies. If two
// tokens are valid, somebody has planted one of them, and it is unclear which.
func (s *Server) sessionOwner(ctx context.Context, lines []string) (Person, error) {
	var room [maxSameName]string
	var who Person
	good, failure := 0, errNotSignedIn
	for _, token := range cookiesNamed(s.config.CookieName, lines, room[:0]) {
		p, err := s.ports.People.Authenticate(ctx, sso.Token(token))
		switch err = notSignedInIf(err); {
		case err == nil:
			who, good = p, good+1
		case !errors.Is(err, errNotSignedIn):
			failure = err
		}
	}
	if good == 1 && failure == errNotSignedIn { //nolint:errorlint // compares identity
		return who, nil
	}
	return Person{}, failure
}

// notSignedInIf converts errors about invalid credentials to errNotSignedIn.
func notSignedInIf(err error) error {
	if err == nil {
		return nil
	}
	for _, no := range []error{
		sso.ErrSessionInvalid, sso.ErrSessionNotNow, sso.ErrUserInactive, sso.ErrTokenInvalid, sso.ErrTokenExpired,
	} {
		if errors.Is(err, no) {
			return errNotSignedIn
		}
	}
	return err
}

// cookiesNamed appends the values of cookies with this name that have the form of a token, so
// that most other values need no look-up.
func cookiesNamed(name string, lines, to []string) []string {
	count := 0
	for _, line := range lines {
		for line != "" {
			if count++; count > maxCookies {
				return nil
			}
			var cookie string
			cookie, line, _ = strings.Cut(line, ";")
			cookie = strings.Trim(cookie, " \t")
			if len(cookie) != len(name)+1+tokenLength || cookie[len(name)] != '=' || cookie[:len(name)] != name {
				continue
			}
			if value := cookie[len(name)+1:]; isToken(value) {
				if len(to) == maxSameName {
					return nil
				}
				to = append(to, value)
			}
		}
	}
	return to
}

// isTokenByte contains the characters of base64url. It is a table because comparisons took
// the largest part of the time for a cookie.
var isTokenByte = func() (is [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		is[c] = true
	}
	return is
}()

func isToken(text string) bool {
	for i := range len(text) {
		if !isTokenByte[text[i]] {
			return false
		}
	}
	return true
}
