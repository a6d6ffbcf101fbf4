package openidtest

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Misbehaviours of the ID token's header.
const (
	HeaderJWK        Misbehaviour = "header-jwk"
	HeaderX5C        Misbehaviour = "header-x5c"
	HeaderJKU        Misbehaviour = "header-jku"
	HeaderX5U        Misbehaviour = "header-x5u"
	HeaderJKUIgnored Misbehaviour = "header-jku-ignored"

	CritUnknown       Misbehaviour = "crit-unknown"
	CritEmpty         Misbehaviour = "crit-empty"
	HeaderTwice       Misbehaviour = "header-twice"
	HeaderHuge        Misbehaviour = "header-huge"
	HeaderArray       Misbehaviour = "header-array"
	HeaderInvalidUTF8 Misbehaviour = "header-invalid-utf8"

	TypAccessToken       Misbehaviour = "typ-access-token"
	TypMissing           Misbehaviour = "typ-missing"
	LogoutTokenAsID      Misbehaviour = "logout-token-as-id-token"
	AccessTokenAsIDToken Misbehaviour = "access-token-as-id-token"
)

func headerBehaviours() []behaviour {
	return []behaviour{
		{name: HeaderJWK, rows: "G02", text: "a stranger signs and puts the key into the header", jws: signWithEmbeddedKey},
		{name: HeaderX5C, rows: "G02", text: "a stranger signs and puts a certificate into the header", jws: signWithCertificate},
		{name: HeaderJKU, rows: "G02", text: "a stranger signs and names a key set of their own (counted as Trap)", jws: signAsStranger("jku", "stranger-jwks")},
		{name: HeaderX5U, rows: "G02", text: "a stranger signs and names a certificate of their own (counted as Trap)", jws: signAsStranger("x5u", "certificate")},
		{name: HeaderJKUIgnored, rows: "G02", legal: true, text: "the right key signs, and jku names a stranger's key set, which is not asked for (counted as Trap)",
			jws: func(s *signing) error { return setHeader(s, "jku", s.provider.url("/trap/stranger-jwks")) }},

		{name: CritUnknown, rows: "G07", text: "crit names an extension that is not supported",
			jws: func(s *signing) error {
				s.header["crit"], s.header["urn:example:seal"] = []string{"urn:example:seal"}, true
				return nil
			}},
		{name: CritEmpty, rows: "G07", text: "crit is empty, which RFC 7515 section 4.1.11 forbids",
			jws: func(s *signing) error { return setHeader(s, "crit", []string{}) }},
		{name: HeaderTwice, rows: "F31 G04", text: "alg is there twice: none, then the right one",
			jws: editHeader(func(b []byte) []byte { return prepend(b, `"alg":"none"`) })},
		{name: HeaderHuge, rows: "G09", text: "the header has 1 MiB",
			jws: func(s *signing) error { return setHeader(s, "note", strings.Repeat("a", mebibyte)) }},
		{name: HeaderArray, rows: "G09", text: "the header is an array around the right object",
			jws: editHeader(func(b []byte) []byte { return append(append([]byte("["), b...), ']') })},
		{name: HeaderInvalidUTF8, rows: "F31", text: "the header is not UTF-8",
			jws: editHeader(func(b []byte) []byte { return appendMember(b, "\"note\":\"\xff\xfe\"") })},

		{name: TypAccessToken, rows: "F25", text: "typ is at+jwt, and all the rest right",
			jws: func(s *signing) error { return setHeader(s, "typ", "at+jwt") }},
		{name: TypMissing, rows: "F25", legal: true, text: "typ is left out, as most providers do", jws: withoutHeader("typ")},
		{name: LogoutTokenAsID, rows: "F25", text: "the ID token is a logout token for the end user: typ logout+jwt, events, no nonce",
			claims: becomeLogoutToken,
			jws:    func(s *signing) error { return setHeader(s, "typ", logoutTokenType) }},
		{name: AccessTokenAsIDToken, rows: "F25", text: "the ID token is an access token of RFC 9068: typ at+jwt, client_id, scope, no nonce",
			claims: becomeAccessToken,
			jws:    func(s *signing) error { return setHeader(s, "typ", "at+jwt") }},
	}
}

func setHeader(s *signing, name string, value any) error {
	s.header[name] = value
	return nil
}

func withoutHeader(name string) func(*signing) error {
	return func(s *signing) error {
		delete(s.header, name)
		return nil
	}
}

func editHeader(edit func([]byte) []byte) func(*signing) error {
	return func(s *signing) error {
		s.editHeader = edit
		return nil
	}
}

// impersonate signs RS256 with a stranger's key under the kid of the right one.
func impersonate(s *signing) (key, error) {
	stranger, err := strangerKey(jose.RS256)
	if err != nil {
		return key{}, err
	}
	stranger.id = s.provider.keys.signing(jose.RS256).id
	s.use(stranger)
	return stranger, nil
}

func signWithEmbeddedKey(s *signing) error {
	stranger, err := impersonate(s)
	if err != nil {
		return err
	}
	public, err := stranger.publicJWK()
	if err != nil {
		return err
	}
	return setHeader(s, "jwk", public)
}

func signWithCertificate(s *signing) error {
	stranger, err := impersonate(s)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    s.provider.Now().Add(-time.Hour),
		NotAfter:     s.provider.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, stranger.private.Public(), stranger.private)
	if err != nil {
		return fmt.Errorf("making certificate: %w", err)
	}
	return setHeader(s, "x5c", []string{base64.StdEncoding.EncodeToString(der)})
}

func signAsStranger(parameter, bait string) func(*signing) error {
	return func(s *signing) error {
		if _, err := impersonate(s); err != nil {
			return err
		}
		return setHeader(s, parameter, s.provider.url("/trap/"+bait))
	}
}

func becomeLogoutToken(_ *login, c map[string]any) {
	for _, name := range []string{"nonce", "at_hash", "auth_time"} {
		delete(c, name)
	}
	c["jti"] = randomText(16)
	c["events"] = map[string]any{logoutEvent: map[string]any{}}
}

func becomeAccessToken(l *login, c map[string]any) {
	for _, name := range []string{"nonce", "at_hash", "auth_time", "sid"} {
		delete(c, name)
	}
	maps.Copy(c, map[string]any{"jti": randomText(16), "client_id": l.client.ID, "scope": strings.Join(l.request.scope, " ")})
}
