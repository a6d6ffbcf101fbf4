package oauth2test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Misbehaviour is one way in which a server breaks a rule, or does something unusual but
// allowed.
type Misbehaviour struct {
	Name    string
	What    string
	At      Endpoint
	Refused bool // whether a correct client refuses; otherwise the login works
	Alter   Alteration
}

// Misbehave turns on the misbehaviour with this name until Behave. It returns an error for
// an unknown name.
func (s *Server) Misbehave(name string) error {
	list := Misbehaviours()
	at := slices.IndexFunc(list, func(m Misbehaviour) bool { return m.Name == name })
	if at < 0 {
		return fmt.Errorf("no misbehaviour %q", name)
	}
	s.Alter(list[at].At, list[at].Alter)
	return nil
}

// Misbehaviours returns all named misbehaviours.
func Misbehaviours() []Misbehaviour {
	list := []Misbehaviour{
		{"token-form", "the token answer is a form", Token, false, func(_ *Server, _ *http.Request, rep *Reply) { rep.Form = true }},
		{"token-text", "JSON called text/plain", Token, false, label("text/plain")},
		{"token-expires-text", "expires_in is a text", Token, false, member("expires_in", "3600")},
		{"token-expires-empty", "expires_in is an empty text", Token, false, member("expires_in", "")},
		{"token-expires-negative", "expires_in is negative", Token, false, member("expires_in", -1)},
		{"token-scope-list", "scope is a list", Token, false, member("scope", []string{"a", "b"})},
		{"token-id-token", "an ID token that was not requested", Token, false, member("id_token", "a.b.c")},
		{"token-error-200", "an error and a token, with status 200", Token, true, member("error", "bad_verification_code")},
		{"token-error-object", "an error that is an object, with status 200", Token, true, member("error", map[string]any{"message": "no", "code": 190})},
		{"token-html", "a page with status 200", Token, true, page200},
		{"token-type-mac", "a token of another type", Token, true, member("token_type", "mac")},
		{"token-type-missing", "no token_type", Token, true, without("token_type")},
		{"token-missing", "no access_token", Token, true, without("access_token")},
		{"token-twice", "access_token in two spellings", Token, true, member("Access_Token", "another")},
		{"token-newline", "a token with a line break", Token, true, member("access_token", "a\r\nX-Evil: 1")},
		{"profile-null-email", "email is null", Profile, false, member("email", nil)},
		{"profile-more", "members that nobody knows", Profile, false, member("unknown", map[string]any{"a": []int{1}})},
		{"profile-missing", "an error instead of a profile, with status 200", Profile, true, func(_ *Server, _ *http.Request, rep *Reply) {
			rep.Members = map[string]any{"message": "Bad credentials"}
		}},
		{"profile-error-200", "a profile with an error", Profile, true, member("error", "temporarily_unavailable")},
		{"profile-html", "a page with status 200", Profile, true, page200},
		{"profile-twice", "id in two spellings", Profile, true, member("ID", "666")},
		{"profile-text", "a profile that does not say that it is JSON", Profile, true, label("text/plain")},
		{"profile-endless", "a profile of 2 MiB", Profile, true, member("a", strings.Repeat("x", 2<<20))},
		{"profile-401", "the API does not accept the token", Profile, true, status(http.StatusUnauthorized)},
		{"profile-500", "the API fails", Profile, true, status(http.StatusInternalServerError)},
		{"profile-429", "too many requests", Profile, true, status(http.StatusTooManyRequests)},
	}
	for _, at := range []Endpoint{Token, Profile} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			list = append(list, Misbehaviour{
				fmt.Sprintf("%s-redirect-%d", at, code), "a redirect to another server", at, true,
				func(s *Server, _ *http.Request, rep *Reply) {
					*rep = Reply{Status: code, Header: http.Header{"Location": {s.Trap()}}}
				},
			})
		}
	}
	return list
}

func member(name string, value any) Alteration {
	return func(_ *Server, _ *http.Request, rep *Reply) { rep.Members[name] = value }
}

func without(name string) Alteration {
	return func(_ *Server, _ *http.Request, rep *Reply) { delete(rep.Members, name) }
}

func label(contentType string) Alteration {
	return func(_ *Server, _ *http.Request, rep *Reply) { rep.Header.Set("Content-Type", contentType) }
}

func status(code int) Alteration {
	return func(_ *Server, _ *http.Request, rep *Reply) { rep.Status = code }
}

func page200(_ *Server, _ *http.Request, rep *Reply) {
	*rep = Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<!doctype html><title>Sign in to the network</title>"}
}
