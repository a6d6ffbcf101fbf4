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

// errNobody: the request has no credentials of this host, or no valid ones.
var errNobody = errors.New("nobody is signed in")

const (
	// maxCookies is more than a browser keeps for a site. In a request with more, none is
	// read.
	maxCookies = 1024

	// maxSameName is how many cookies with the host's name are read. A sub-domain can
	// plant further ones, so the first is not always the host's.
	maxSameName = 4

	// tokenLength is that of a session token: 32 bytes in base64url.
	tokenLength = 43

	maxBearer = 4 << 10
)

// person returns the user of a request: errNobody if there is none, or the error of the
// lookup.
//
// If there is one of the host's bearer tokens, only it counts, and there is no fall-back
// to the cookie if it is invalid. Other credentials in Authorization are for the
// application.
func (s *Server) person(r *http.Request) (Person, error) {
	switch lines := r.Header["Authorization"]; {
	case len(lines) > 1:
		return Person{}, errNobody // it is unclear which one the application would use
	case len(lines) == 1:
		if token := s.bearer(lines[0]); token != "" {
			p, err := s.ports.People.AuthenticateAccess(r.Context(), token)
			return p, nobodyIf(err)
		}
	}
	return s.holder(r.Context(), r.Header["Cookie"])
}

// bearer returns the host's bearer token in a value of Authorization; empty if there is
// none.
func (s *Server) bearer(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if token = strings.Trim(token, " "); strings.EqualFold(scheme, "Bearer") && s.isOurs(token) {
		return token
	}
	return ""
}

// isOurs reports whether a token claims to be issued by this host; the claim is not
// verified.
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

// holder returns the user of the one valid session token among the cookies. If two are
// valid, somebody has planted one, and nobody can tell which.
func (s *Server) holder(ctx context.Context, lines []string) (Person, error) {
	var room [maxSameName]string
	var who Person
	good, failure := 0, errNobody
	for _, token := range cookiesNamed(s.config.CookieName, lines, room[:0]) {
		p, err := s.ports.People.Authenticate(ctx, sso.Token(token))
		switch err = nobodyIf(err); {
		case err == nil:
			who, good = p, good+1
		case !errors.Is(err, errNobody):
			failure = err
		}
	}
	if good == 1 && failure == errNobody { //nolint:errorlint // compares the identical value
		return who, nil
	}
	return Person{}, failure
}

// nobodyIf converts errors about invalid credentials to errNobody.
func nobodyIf(err error) error {
	if err == nil {
		return nil
	}
	for _, no := range []error{
		sso.ErrSessionInvalid, sso.ErrSessionNotNow, sso.ErrUserInactive, sso.ErrTokenInvalid, sso.ErrTokenExpired,
	} {
		if errors.Is(err, no) {
			return errNobody
		}
	}
	return err
}

// cookiesNamed appends the values of the first cookies of a name that can be tokens.
// Tokens are recognized by their form, so most other values cost no lookup.
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

// ofTokens are the characters of base64url. It is a table because comparisons were the
// most expensive part of reading a cookie.
var ofTokens = func() (is [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		is[c] = true
	}
	return is
}()

func isToken(text string) bool {
	for i := range len(text) {
		if !ofTokens[text[i]] {
			return false
		}
	}
	return true
}
