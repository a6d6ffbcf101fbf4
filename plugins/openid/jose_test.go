package main

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/sdk"
)

func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// compactJWS has a header of our choice and a signature that nobody checks here.
func compactJWS(header string) string {
	return segment(header) + "." + segment(`{"sub":"a"}`) + "." + segment("signature")
}

func TestParseCompact(t *testing.T) {
	for _, test := range []struct {
		name, raw string
		reason    sdk.Reason // empty: accepted
		kid       string
	}{
		{name: "plain", raw: compactJWS(`{"alg":"RS256","kid":"k"}`), kid: "k"},
		{name: "typ JWT", raw: compactJWS(`{"alg":"RS256","typ":"JWT"}`)},
		{name: "typ jwt", raw: compactJWS(`{"alg":"RS256","typ":"jwt"}`)},
		{name: "typ application/jwt", raw: compactJWS(`{"alg":"RS256","typ":"application/jwt"}`)},
		{name: "F13 kid absent", raw: compactJWS(`{"alg":"RS256"}`)},
		{name: "G02 keys offered", raw: compactJWS(`{"alg":"RS256","jwk":{"kty":"oct"},"jku":"https://evil.example","x5u":"https://evil.example","x5c":["AA=="]}`)},

		{name: "F12 alg none", raw: compactJWS(`{"alg":"none"}`), reason: reasonJWTAlg},
		{name: "F12 alg None", raw: compactJWS(`{"alg":"None"}`), reason: reasonJWTAlg},
		{name: "G01 alg HS256", raw: compactJWS(`{"alg":"HS256"}`), reason: reasonJWTAlg},
		{name: "G04 alg RS384", raw: compactJWS(`{"alg":"RS384"}`), reason: reasonJWTAlg},
		{name: "G04 alg PS256", raw: compactJWS(`{"alg":"PS256"}`), reason: reasonJWTAlg},
		{name: "G04 alg ES256K", raw: compactJWS(`{"alg":"ES256K"}`), reason: reasonJWTAlg},
		{name: "G04 alg EdDSA", raw: compactJWS(`{"alg":"EdDSA"}`), reason: reasonJWTAlg},
		{name: "G04 alg rs256", raw: compactJWS(`{"alg":"rs256"}`), reason: reasonJWTAlg},
		{name: "G04 alg missing", raw: compactJWS(`{"kid":"k"}`), reason: reasonJWTAlg},
		{name: "G04 alg list", raw: compactJWS(`{"alg":["RS256"]}`), reason: reasonJWTAlg},
		{name: "G04 ALG", raw: compactJWS(`{"ALG":"RS256"}`), reason: reasonJWTAlg},
		{name: "F31 alg twice", raw: compactJWS(`{"alg":"RS256","alg":"RS256"}`), reason: reasonJWTMalformed},
		{name: "F31 alg in two spellings", raw: compactJWS(`{"alg":"RS256","Alg":"none"}`), reason: reasonJWTMalformed},

		{name: "G03 kid path", raw: compactJWS(`{"alg":"RS256","kid":"../../dev/null"}`), kid: "../../dev/null"},
		{name: "G03 kid null", raw: compactJWS(`{"alg":"RS256","kid":null}`), reason: reasonJWTKeyID},
		{name: "G03 kid number", raw: compactJWS(`{"alg":"RS256","kid":1}`), reason: reasonJWTKeyID},
		{name: "G03 kid empty", raw: compactJWS(`{"alg":"RS256","kid":""}`), reason: reasonJWTKeyID},
		{name: "G03 kid 10 KB", raw: compactJWS(`{"alg":"RS256","kid":"` + strings.Repeat("k", 10<<10) + `"}`), reason: reasonJWTKeyID},

		{name: "F25 typ at+jwt", raw: compactJWS(`{"alg":"RS256","typ":"at+jwt"}`), reason: reasonJWTType},
		{name: "F25 typ application/at+jwt", raw: compactJWS(`{"alg":"RS256","typ":"application/at+jwt"}`), reason: reasonJWTType},
		{name: "F25 typ logout+jwt", raw: compactJWS(`{"alg":"RS256","typ":"logout+jwt"}`), reason: reasonJWTType},
		{name: "F25 typ number", raw: compactJWS(`{"alg":"RS256","typ":1}`), reason: reasonJWTType},

		{name: "G06 JSON serialization", raw: `{"protected":"` + segment(`{"alg":"RS256"}`) + `","payload":"e30","signature":"AA"}`, reason: reasonJWTMalformed},
		{name: "G06 JSON serialization with dots", raw: `{"a":"..","protected":"` + segment(`{"alg":"RS256"}`) + `"}`, reason: reasonJWTMalformed},
		{name: "G06 detached", raw: segment(`{"alg":"RS256"}`) + ".." + segment("signature"), reason: reasonJWTMalformed},
		{name: "G06 b64 false", raw: compactJWS(`{"alg":"RS256","b64":false}`), reason: reasonJWTCritical},
		{name: "G06 b64 true", raw: compactJWS(`{"alg":"RS256","b64":true}`), reason: reasonJWTCritical},
		{name: "G07 crit", raw: compactJWS(`{"alg":"RS256","crit":["x"],"x":1}`), reason: reasonJWTCritical},
		{name: "G07 crit empty", raw: compactJWS(`{"alg":"RS256","crit":[]}`), reason: reasonJWTCritical},
		{name: "G07 crit null", raw: compactJWS(`{"alg":"RS256","crit":null}`), reason: reasonJWTCritical},

		{name: "G08 padding", raw: compactJWS(`{"alg":"RS256"}`) + "=", reason: reasonJWTMalformed},
		{name: "G08 line break", raw: compactJWS(`{"alg":"RS256"}`) + "\n", reason: reasonJWTMalformed},
		{name: "G08 line break inside", raw: "eyJh\r" + compactJWS(`{"alg":"RS256"}`)[len("eyJh"):], reason: reasonJWTMalformed},
		{name: "G08 leading space", raw: " " + compactJWS(`{"alg":"RS256"}`), reason: reasonJWTMalformed},
		{name: "G08 standard alphabet", raw: segment(`{"alg":"RS256"}`) + ".e30.ab+/", reason: reasonJWTMalformed},
		{name: "G08 unused bits", raw: segment(`{"alg":"RS256"}`) + ".e30.AB", reason: reasonJWTMalformed},
		{name: "G08 unused bits in the payload", raw: segment(`{"alg":"RS256"}`) + ".e31.AA", reason: reasonJWTMalformed},

		{name: "G09 empty", raw: "", reason: reasonJWTMalformed},
		{name: "G09 two dots", raw: "..", reason: reasonJWTMalformed},
		{name: "G09 no signature", raw: segment(`{"alg":"RS256"}`) + ".e30.", reason: reasonJWTMalformed},
		{name: "G09 no header", raw: ".e30.AA", reason: reasonJWTMalformed},
		{name: "G09 two parts", raw: segment(`{"alg":"RS256"}`) + ".e30", reason: reasonJWTMalformed},
		{name: "G09 four parts", raw: compactJWS(`{"alg":"RS256"}`) + ".AA", reason: reasonJWTMalformed},
		{name: "G09 million dots", raw: strings.Repeat(".", 1_000_000), reason: reasonJWTTooLarge},
		{name: "G09 all dots that are read", raw: strings.Repeat(".", maxJWT), reason: reasonJWTMalformed},
		{name: "G09 1 MB header", raw: compactJWS(`{"alg":"RS256","x":"` + strings.Repeat("x", 1<<20) + `"}`), reason: reasonJWTTooLarge},
		{name: "G09 header is no object", raw: compactJWS(`["RS256"]`), reason: reasonJWTMalformed},
		{name: "G09 header is no JSON", raw: compactJWS(`alg=RS256`), reason: reasonJWTMalformed},
		{name: "F33 encrypted", raw: "a.b.c.d.e", reason: reasonJWTEncrypted},
	} {
		t.Run(test.name, func(t *testing.T) {
			header, err := parseCompact(test.raw, "RS256")
			if test.reason != "" {
				checkReason(t, err, sdk.ErrInvalidResponse, test.reason)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if header.kid != test.kid || header.alg != "RS256" {
				t.Errorf("got %+v", header)
			}
		})
	}
}

// TestParseCompactIsFast measures nothing finer than what a quadratic reader
// would miss by far.
func TestParseCompactIsFast(t *testing.T) {
	const many = 10
	hostile := []string{strings.Repeat(".", 64<<20), compactJWS(`{"alg":"RS256","x":` + strings.Repeat("[", 40_000) + strings.Repeat("]", 40_000) + "}")[:maxJWT]}
	start := time.Now()
	for range many {
		for _, raw := range hostile {
			if _, err := parseCompact(raw, "RS256"); err == nil {
				t.Fatal("accepted")
			}
		}
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("G09 %d hostile tokens took %v", many*len(hostile), took)
	}
}

// FuzzParseCompact holds the parser against go-jose: what we accept must be read
// there as the same header, from exactly one serialization.
func FuzzParseCompact(f *testing.F) {
	for _, header := range []string{
		`{"alg":"RS256","kid":"k","typ":"JWT"}`, `{"alg":"RS256","crit":["exp"]}`, `{"alg":"none"}`,
		`{"alg":"RS256","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}`, `{"alg":"RS256","kid":1}`,
	} {
		f.Add(compactJWS(header))
	}
	f.Add(`{"payload":"e30","protected":"eyJhbGciOiJSUzI1NiJ9","signature":"AA"}`)
	f.Add("..")
	f.Add("eyJhbGciOiJSUzI1NiIsImA0YCI6MX0.000000000000000.000000000000")
	f.Fuzz(func(t *testing.T, raw string) {
		header, err := parseCompact(raw, "RS256")
		if err != nil {
			if sdk.ReasonOf(err) == "" {
				t.Fatalf("no reason: %v", err)
			}
			return
		}
		jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			return // go-jose looks into members that we ignore, such as jwk
		}
		if got := jws.Signatures[0].Protected; got.KeyID != header.kid || got.Algorithm != header.alg {
			t.Fatalf("go-jose reads %+v, we read %+v", got, header)
		}
		for part := range strings.SplitSeq(raw, ".") {
			decoded, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil || base64.RawURLEncoding.EncodeToString(decoded) != part {
				t.Fatalf("a second spelling was accepted: %q", part)
			}
		}
	})
}
