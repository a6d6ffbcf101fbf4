package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// forgery is a login with a provider whose every byte the test writes. A harmless one signs
// in as alice; all others must not sign in.
type forgery struct {
	name     string
	p        rawProvider
	options  map[string]any
	harmless bool
}

type forgeries []forgery

func (f *forgeries) refused(name string, p rawProvider)  { f.refusedWith(name, nil, p) }
func (f *forgeries) accepted(name string, p rawProvider) { f.acceptedWith(name, nil, p) }

func (f *forgeries) refusedWith(name string, options map[string]any, p rawProvider) {
	*f = append(*f, forgery{name: name, p: p, options: options})
}

func (f *forgeries) acceptedWith(name string, options map[string]any, p rawProvider) {
	*f = append(*f, forgery{name: name, p: p, options: options, harmless: true})
}

// TestForgeries are whole logins over HTTP, each with one thing wrong that openidtest,
// which makes JSON of maps, cannot write.
func TestForgeries(t *testing.T) {
	all := slices.Concat(algForgeries(), headerForgeries(), serialisationForgeries(), claimForgeries(), audienceForgeries(), timeForgeries(), issuerForgeries(),
		pssForgeries(), ecdsaForgeries(), eddsaForgeries(), keyForgeries(), answerForgeries(), userInfoForgeries(), demandForgeries(), addressForgeries())
	for _, f := range all {
		t.Run(f.name, func(t *testing.T) {
			got, err := signInAtRaw(t, &f.p, f.options)
			switch {
			case f.harmless && (err != nil || got.Subject != "alice" || got.Email != "alice@example.com"):
				t.Errorf("refused: %+v, %v", got, err)
			case !f.harmless && err == nil:
				t.Errorf("signed in as %+v", got)
			}
			if f.p.asked > 1 {
				t.Errorf("E07 %d token requests", f.p.asked)
			}
		})
	}
}

func hs256(key []byte) func(string) []byte {
	return func(input string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
}

func alg(name string) func(members) members { return claim("alg", quoted(name)) }

func algKid(name, kid string) func(members) members {
	return func(m members) members { return m.with("alg", quoted(name)).with("kid", quoted(kid)) }
}

// claim has a member of a header or of claims.
func claim(name, value string) func(members) members {
	return func(m members) members { return m.with(name, value) }
}

func addClaim(rawName, value string) func(members) members {
	return func(m members) members { return m.and(rawName, value) }
}

func stranger(input string) []byte { return signRS256(rawKeys().stranger, input) }

func nothing(string) []byte { return nil }

// us is the client ID in JSON.
func us() string { return quoted(clientID) }

func fromNow(seconds int64) int64 { return time.Now().Unix() + seconds }

func algForgeries() (f forgeries) {
	f.accepted("good", rawProvider{})
	for _, a := range []string{"none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "rs256", "Rs256", "RS256 ", " RS256", "RS256\u0000", "RS1", "RSA-OAEP", "dir", "A128KW", "PBES2-HS256+A128KW", "ES256K", "Ed448", "ed25519", "EDDSA", "eddsa", "RS256,none"} {
		f.refused("alg "+quoted(a)+" unsigned", rawProvider{header: alg(a), sign: nothing})
		f.refused("alg "+quoted(a)+" signed right", rawProvider{header: alg(a)})
	}
	for name, key := range map[string][]byte{
		"client secret": []byte(clientSecret),
		"empty":         {},
		"n":             rawKeys().rsa.N.Bytes(),
		"n b64":         []byte(b64(rawKeys().rsa.N.Bytes())),
		"jwk":           []byte(rsaKey("r", &rawKeys().rsa.PublicKey).String()),
		"client id":     []byte(clientID),
		"kid":           []byte("r"),
	} {
		f.refused("HS256 with "+name, rawProvider{header: alg("HS256"), sign: hs256(key)})
	}
	for _, o := range []string{"EdDSA", "Ed25519", "ES256"} {
		f.refused("RS256 signature called "+o, rawProvider{header: alg(o)})
	}
	f.refused("alg null", rawProvider{header: claim("alg", "null")})
	f.refused("alg list", rawProvider{header: claim("alg", `["RS256"]`)})
	f.refused("alg twice", rawProvider{header: addClaim(`"alg"`, `"none"`)})
	f.refused("alg in other case", rawProvider{header: addClaim(`"ALG"`, `"none"`)})
	f.refused("alg escaped twice", rawProvider{header: addClaim(`"\u0061lg"`, `"none"`)})
	return f
}

func headerForgeries() (f forgeries) {
	for _, v := range []string{`["exp"]`, `[]`, `null`, `["b64"]`, `"exp"`, `[1]`, `{}`} {
		f.refused("crit "+v, rawProvider{header: claim("crit", v)})
	}
	for _, v := range []string{`true`, `false`, `null`} {
		f.refused("b64 "+v, rawProvider{header: claim("b64", v)})
	}
	f.refused("CRIT", rawProvider{header: addClaim(`"CRIT"`, `["x"]`), sign: stranger})
	for name, v := range map[string]string{
		"jku": `"http://127.0.0.1:1/jwks"`,
		"x5u": `"http://127.0.0.1:1/x"`,
		"jwk": rsaKey("r", &rawKeys().stranger.PublicKey).String(),
		"x5c": `["MIIC"]`,
		"x5t": `"x"`,
	} {
		f.refused("stranger with "+name, rawProvider{header: claim(name, v), sign: stranger})
		f.accepted("right key with "+name, rawProvider{header: claim(name, v)})
	}
	for _, kid := range []string{"", "R", "r ", "r\u0000", "../r", "e", "o", "rr", "r'--"} {
		f.refused("stranger, kid "+quoted(kid), rawProvider{header: claim("kid", quoted(kid)), sign: stranger})
	}
	f.refused("kid of EC key with RS256", rawProvider{header: claim("kid", `"e"`)})
	for _, v := range []string{`"at+jwt"`, `"logout+jwt"`, `"dpop+jwt"`, `"JWE"`, `"application/at+jwt"`, `"secevent+jwt"`, `"oauth-authz-req+jwt"`, `"token-introspection+jwt"`, `["JWT"]`, `1`} {
		f.refused("typ "+v, rawProvider{header: claim("typ", v)})
	}
	f.refused("cty JWT nested", rawProvider{header: claim("cty", `"JWT"`), token: func(good string) string {
		in := b64([]byte(`{"alg":"RS256","kid":"r","cty":"JWT"}`)) + "." + b64([]byte(good))
		return in + "." + b64(signRS256(rawKeys().rsa, in))
	}})
	f.refused("header zip", rawProvider{header: claim("zip", `"DEF"`), sign: stranger})
	return f
}

func serialisationForgeries() (f forgeries) {
	for name, change := range map[string]func(string) string{
		"space before":      func(s string) string { return " " + s },
		"newline after":     func(s string) string { return s + "\n" },
		"newline inside":    func(s string) string { return s[:20] + "\n" + s[20:] },
		"crlf in signature": func(s string) string { return s + "\r\n" },
		"tab":               func(s string) string { return s + "\t" },
		"nul":               func(s string) string { return s + "\x00" },
		"padding":           func(s string) string { return s + "==" },
		"two dots more":     func(s string) string { return s + ".." },
		"one dot more":      func(s string) string { return s + "." },
		"dot before":        func(s string) string { return "." + s },
		"standard alphabet": func(s string) string { return strings.NewReplacer("-", "+", "_", "/").Replace(s) + "+" },
		"percent":           func(s string) string { return strings.Replace(s, ".", "%2E", 1) },
		"fullwidth dot":     func(s string) string { return strings.Replace(s, ".", "．", 1) },
		"json": func(s string) string {
			p := strings.Split(s, ".")
			return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, p[0], p[1], p[2])
		},
		"signature empty":  func(s string) string { return s[:strings.LastIndex(s, ".")+1] },
		"signature cut":    func(s string) string { return s[:len(s)-4] },
		"signature longer": func(s string) string { return s + "AAAA" },
		"payload swapped": func(s string) string {
			p := strings.Split(s, ".")
			return p[0] + "." + b64([]byte(`{"sub":"root"}`)) + "." + p[2]
		},
		"header swapped": func(s string) string {
			p := strings.Split(s, ".")
			return b64([]byte(`{"alg":"RS256","kid":"r" }`)) + "." + p[1] + "." + p[2]
		},
		"utf16":  func(s string) string { return "\ufeff" + s },
		"bearer": func(s string) string { return "Bearer " + s },
		"quoted": func(s string) string { return `"` + s + `"` },
		"tilde":  func(s string) string { return s + "~" },
		"sd-jwt": func(s string) string { return s + "~WyJ4Iiwic3ViIiwicm9vdCJd~" },
	} {
		f.refused("token "+name, rawProvider{token: change})
	}
	return f
}
