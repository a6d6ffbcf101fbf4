package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
)

// member is a member of a JSON object that is written verbatim, so that it can occur twice,
// in any order, with any escapes.
type member struct{ name, value string }

type members []member

func (m members) String() string {
	var parts []string
	for _, one := range m {
		parts = append(parts, one.name+":"+one.value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// with replaces the member of that name, or appends it.
func (m members) with(name, value string) members {
	m = slices.Clone(m)
	for i := range m {
		if m[i].name == quoted(name) {
			m[i].value = value
			return m
		}
	}
	return m.and(quoted(name), value)
}

// and appends a member verbatim.
func (m members) and(rawName, value string) members {
	return append(slices.Clone(m), member{rawName, value})
}

func (m members) without(name string) members {
	return slices.DeleteFunc(slices.Clone(m), func(one member) bool { return one.name == quoted(name) })
}

func quoted(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

var rawKeys = sync.OnceValue(func() (k struct {
	rsa, stranger *rsa.PrivateKey
	ec            *ecdsa.PrivateKey
	ed            ed25519.PrivateKey
},
) {
	k.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.stranger, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.ec, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, k.ed, _ = ed25519.GenerateKey(rand.Reader)
	return k
})

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// rawProvider is an OpenID provider of which a test writes every byte. Fields that are nil do
// what a good provider does.
type rawProvider struct {
	document func(members) members
	keys     func([]members) []members
	header   func(members) members
	claims   func(members) members
	sign     func(input string) []byte
	token    func(good string) string // the ID token as a whole
	answer   func(members) string     // of the token endpoint
	userInfo func(members) string
	label    string // the content type of the user info

	issuer      string
	nonce       string
	asked       int // at the token endpoint
	accessToken string
}

func rsaKey(id string, public *rsa.PublicKey) members {
	return members{}.with("kty", `"RSA"`).with("kid", quoted(id)).with("use", `"sig"`).with("alg", `"RS256"`).
		with("n", quoted(b64(public.N.Bytes()))).with("e", quoted(b64(big.NewInt(int64(public.E)).Bytes())))
}

func signRS256(key *rsa.PrivateKey, input string) []byte {
	sum := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return signature
}

func (p *rawProvider) goodKeys() []members {
	k := rawKeys()
	x, y := make([]byte, 32), make([]byte, 32)
	point, err := k.ec.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	copy(x, point[1:33])
	copy(y, point[33:])
	return []members{
		rsaKey("r", &k.rsa.PublicKey),
		members{}.with("kty", `"EC"`).with("kid", `"e"`).with("use", `"sig"`).with("crv", `"P-256"`).with("x", quoted(b64(x))).with("y", quoted(b64(y))),
		members{}.with("kty", `"OKP"`).with("kid", `"o"`).with("use", `"sig"`).with("crv", `"Ed25519"`).with("x", quoted(b64(k.ed.Public().(ed25519.PublicKey)))),
	}
}

func apply[T any](change func(T) T, to T) T {
	if change == nil {
		return to
	}
	return change(to)
}

func (p *rawProvider) idToken() string {
	now := time.Now().Unix()
	header := apply(p.header, members{}.with("alg", `"RS256"`).with("kid", `"r"`).with("typ", `"JWT"`))
	claims := apply(p.claims, members{}.with("iss", quoted(p.issuer)).with("sub", `"alice"`).with("aud", quoted(clientID)).
		with("exp", fmt.Sprint(now+300)).with("iat", fmt.Sprint(now)).with("nonce", quoted(p.nonce)).
		with("email", `"alice@example.com"`).with("email_verified", "true"))
	input := b64([]byte(header.String())) + "." + b64([]byte(claims.String()))
	sign := p.sign
	if sign == nil {
		sign = func(input string) []byte { return signRS256(rawKeys().rsa, input) }
	}
	return apply(p.token, input+"."+b64(sign(input)))
}

func (p *rawProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		document := members{}
		for name, value := range discoveryDocument(p.issuer, map[string]any{
			"authorization_endpoint": p.issuer + "/authorize", "token_endpoint": p.issuer + "/token", "userinfo_endpoint": p.issuer + "/userinfo",
			"jwks_uri": p.issuer + "/jwks", "id_token_signing_alg_values_supported": []string{"RS256", "PS256", "ES256", "EdDSA"},
		}) {
			encoded, _ := json.Marshal(value)
			document = document.with(name, string(encoded))
		}
		fmt.Fprint(w, apply(p.document, document))
	case "/jwks":
		var list []string
		for _, k := range apply(p.keys, p.goodKeys()) {
			list = append(list, k.String())
		}
		fmt.Fprintf(w, `{"keys":[%s]}`, strings.Join(list, ","))
	case "/token":
		p.asked++
		good := members{}.with("access_token", `"at-4711-of-this-login"`).with("token_type", `"Bearer"`).with("expires_in", "300").with("id_token", quoted(p.idToken()))
		if p.answer != nil {
			fmt.Fprint(w, p.answer(good))
			return
		}
		fmt.Fprint(w, good)
	case "/userinfo":
		p.accessToken = r.Header.Get("Authorization")
		if p.label != "" {
			w.Header().Set("Content-Type", p.label)
		}
		good := members{}.with("sub", `"alice"`).with("email", `"alice@example.com"`).with("email_verified", "true")
		if p.userInfo != nil {
			fmt.Fprint(w, p.userInfo(good))
			return
		}
		fmt.Fprint(w, good)
	default:
		http.NotFound(w, r)
	}
}

// signInAtRaw signs in with the raw provider.
func signInAtRaw(t *testing.T, p *rawProvider, values map[string]any) (sdk.Identity, error) {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.issuer = server.URL
	r, err := tryOpenRig(t, server.URL, time.Now, values)
	if err != nil {
		return sdk.Identity{}, err
	}
	step, err := r.Begin(t.Context(), sdk.BeginRequest{State: "state-of-this-login_0123456789"})
	if err != nil {
		return sdk.Identity{}, err
	}
	redirect := step.(sdk.Redirect)
	u, err := url.Parse(redirect.URL)
	if err != nil {
		t.Fatal(err)
	}
	p.nonce = u.Query().Get("nonce")
	query := url.Values{"code": {"the-code-of-this-login"}, "state": {"state-of-this-login_0123456789"}}
	return r.finish(sdk.ContinueRequest{State: "state-of-this-login_0123456789", Memory: redirect.Memory, Response: sdk.InboundRequest{
		Method: http.MethodGet, Query: query, RawQuery: query.Encode(),
	}})
}
