package jose

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

var onlyRS256 = Accept{Algs: []string{"RS256"}, Option: "the_option"}

func TestParseCompact(t *testing.T) {
	for _, test := range []struct {
		name, raw string
		reason    sdk.Reason // empty: accepted
		kid       string
	}{
		{name: "plain", raw: josetest.Compact(`{"alg":"RS256","kid":"k"}`), kid: "k"},
		{name: "typ JWT", raw: josetest.Compact(`{"alg":"RS256","typ":"JWT"}`)},
		{name: "typ jwt", raw: josetest.Compact(`{"alg":"RS256","typ":"jwt"}`)},
		{name: "typ application/jwt", raw: josetest.Compact(`{"alg":"RS256","typ":"application/jwt"}`)},
		{name: "typ JWS", raw: josetest.Compact(`{"alg":"RS256","typ":"JWS"}`)},
		{name: "typ JOSE", raw: josetest.Compact(`{"alg":"RS256","typ":"JOSE"}`)},
		{name: "typ null", raw: josetest.Compact(`{"alg":"RS256","typ":null}`)},
		{name: "two spellings of what nobody reads", raw: josetest.Compact(`{"alg":"RS256","x5t":"a","X5T":"b"}`)},
		{name: "F13 kid absent", raw: josetest.Compact(`{"alg":"RS256"}`)},
		{name: "G02 keys offered", raw: josetest.Compact(`{"alg":"RS256","jwk":{"kty":"oct"},"jku":"https://evil.example","x5u":"https://evil.example","x5c":["AA=="]}`)},

		{name: "F12 alg none", raw: josetest.Compact(`{"alg":"none"}`), reason: ReasonAlg},
		{name: "F12 alg None", raw: josetest.Compact(`{"alg":"None"}`), reason: ReasonAlg},
		{name: "G01 alg HS256", raw: josetest.Compact(`{"alg":"HS256"}`), reason: ReasonAlg},
		{name: "G04 alg RS384", raw: josetest.Compact(`{"alg":"RS384"}`), reason: ReasonAlg},
		{name: "G04 alg PS256", raw: josetest.Compact(`{"alg":"PS256"}`), reason: ReasonAlg},
		{name: "G04 alg ES256K", raw: josetest.Compact(`{"alg":"ES256K"}`), reason: ReasonAlg},
		{name: "G04 alg EdDSA", raw: josetest.Compact(`{"alg":"EdDSA"}`), reason: ReasonAlg},
		{name: "G04 alg rs256", raw: josetest.Compact(`{"alg":"rs256"}`), reason: ReasonAlg},
		{name: "G04 alg missing", raw: josetest.Compact(`{"kid":"k"}`), reason: ReasonAlg},
		{name: "G04 alg list", raw: josetest.Compact(`{"alg":["RS256"]}`), reason: ReasonAlg},
		{name: "G04 ALG", raw: josetest.Compact(`{"ALG":"RS256"}`), reason: ReasonAlg},
		{name: "F31 alg twice", raw: josetest.Compact(`{"alg":"RS256","alg":"RS256"}`), reason: ReasonMalformed},
		{name: "F31 alg in two spellings", raw: josetest.Compact(`{"alg":"RS256","Alg":"none"}`), reason: ReasonMalformed},

		{name: "G03 kid path", raw: josetest.Compact(`{"alg":"RS256","kid":"../../dev/null"}`), kid: "../../dev/null"},
		{name: "G03 kid null", raw: josetest.Compact(`{"alg":"RS256","kid":null}`)},
		{name: "G03 kid half a surrogate pair", raw: josetest.Compact(`{"alg":"RS256","kid":"\ud800"}`), reason: ReasonKeyID},
		{name: "half a surrogate pair in what nobody reads", raw: josetest.Compact(`{"alg":"RS256","x":"\ud800"}`)},
		{name: "G03 kid number", raw: josetest.Compact(`{"alg":"RS256","kid":1}`), reason: ReasonKeyID},
		{name: "G03 kid empty", raw: josetest.Compact(`{"alg":"RS256","kid":""}`)},
		{name: "G03 kid 10 KB", raw: josetest.Compact(`{"alg":"RS256","kid":"` + strings.Repeat("k", 10<<10) + `"}`), reason: ReasonKeyID},

		{name: "G03 kid in two spellings", raw: josetest.Compact(`{"alg":"RS256","kid":"a","KID":"b"}`), reason: ReasonMalformed},
		{name: "F25 typ in two spellings", raw: josetest.Compact(`{"alg":"RS256","Typ":"JWT","typ":"at+jwt"}`), reason: ReasonMalformed},
		{name: "F25 typ at+jwt", raw: josetest.Compact(`{"alg":"RS256","typ":"at+jwt"}`), reason: ReasonType},
		{name: "F25 typ application/at+jwt", raw: josetest.Compact(`{"alg":"RS256","typ":"application/at+jwt"}`), reason: ReasonType},
		{name: "F25 typ logout+jwt", raw: josetest.Compact(`{"alg":"RS256","typ":"logout+jwt"}`), reason: ReasonType},
		{name: "F25 typ number", raw: josetest.Compact(`{"alg":"RS256","typ":1}`), reason: ReasonType},

		{name: "G06 JSON serialization", raw: `{"protected":"` + josetest.Segment(`{"alg":"RS256"}`) + `","payload":"e30","signature":"AA"}`, reason: ReasonMalformed},
		{name: "G06 JSON serialization with dots", raw: `{"a":"..","protected":"` + josetest.Segment(`{"alg":"RS256"}`) + `"}`, reason: ReasonMalformed},
		{name: "G06 detached", raw: josetest.Segment(`{"alg":"RS256"}`) + ".." + josetest.Segment("signature"), reason: ReasonMalformed},
		{name: "G06 b64 false", raw: josetest.Compact(`{"alg":"RS256","b64":false}`), reason: ReasonCritical},
		{name: "G06 b64 true", raw: josetest.Compact(`{"alg":"RS256","b64":true}`), reason: ReasonCritical},
		{name: "G07 crit", raw: josetest.Compact(`{"alg":"RS256","crit":["x"],"x":1}`), reason: ReasonCritical},
		{name: "G07 crit empty", raw: josetest.Compact(`{"alg":"RS256","crit":[]}`), reason: ReasonCritical},
		{name: "G07 crit null", raw: josetest.Compact(`{"alg":"RS256","crit":null}`), reason: ReasonCritical},

		{name: "G08 padding", raw: josetest.Compact(`{"alg":"RS256"}`) + "=", reason: ReasonMalformed},
		{name: "G08 line break", raw: josetest.Compact(`{"alg":"RS256"}`) + "\n", reason: ReasonMalformed},
		{name: "G08 line break inside", raw: "eyJh\r" + josetest.Compact(`{"alg":"RS256"}`)[len("eyJh"):], reason: ReasonMalformed},
		{name: "G08 leading space", raw: " " + josetest.Compact(`{"alg":"RS256"}`), reason: ReasonMalformed},
		{name: "G08 standard alphabet", raw: josetest.Segment(`{"alg":"RS256"}`) + ".e30.ab+/", reason: ReasonMalformed},
		{name: "G08 unused bits", raw: josetest.Segment(`{"alg":"RS256"}`) + ".e30.AB", reason: ReasonMalformed},
		{name: "G08 unused bits in the payload", raw: josetest.Segment(`{"alg":"RS256"}`) + ".e31.AA", reason: ReasonMalformed},

		{name: "G09 empty", raw: "", reason: ReasonMalformed},
		{name: "G09 two dots", raw: "..", reason: ReasonMalformed},
		{name: "G09 no signature", raw: josetest.Segment(`{"alg":"RS256"}`) + ".e30.", reason: ReasonMalformed},
		{name: "G09 no header", raw: ".e30.AA", reason: ReasonMalformed},
		{name: "G09 two parts", raw: josetest.Segment(`{"alg":"RS256"}`) + ".e30", reason: ReasonMalformed},
		{name: "G09 four parts", raw: josetest.Compact(`{"alg":"RS256"}`) + ".AA", reason: ReasonMalformed},
		{name: "G09 million dots", raw: strings.Repeat(".", 1_000_000), reason: ReasonTooLarge},
		{name: "G09 all dots that are read", raw: strings.Repeat(".", maxJWT), reason: ReasonMalformed},
		{name: "G09 1 MB header", raw: josetest.Compact(`{"alg":"RS256","x":"` + strings.Repeat("x", 1<<20) + `"}`), reason: ReasonTooLarge},
		{name: "G09 header is no object", raw: josetest.Compact(`["RS256"]`), reason: ReasonMalformed},
		{name: "G09 header is no JSON", raw: josetest.Compact(`alg=RS256`), reason: ReasonMalformed},
		{name: "F33 encrypted", raw: "a.b.c.d.e", reason: ReasonEncrypted},
	} {
		t.Run(test.name, func(t *testing.T) {
			header, err := parseCompact(test.raw, onlyRS256)
			if test.reason != "" {
				plugintest.Refused(t, err, sdk.ErrInvalidResponse, test.reason)
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

// TestAlgorithmRefused: the text names the option that would accept the algorithm, if there
// is one.
func TestAlgorithmRefused(t *testing.T) {
	for alg, want := range map[string]string{
		"ES256": "set the_option", "Ed25519": "set the_option", "HS256": "client secret", "HS512": "client secret", "none": "not accepted", "ES256K": "not accepted",
	} {
		_, err := parseCompact(josetest.Compact(`{"alg":"`+alg+`"}`), onlyRS256)
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, ReasonAlg)
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "the_option") != (want == "set the_option") {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

// TestParseCompactIsFast has a generous limit, which only a quadratic parser exceeds.
func TestParseCompactIsFast(t *testing.T) {
	const many = 10
	hostile := []string{strings.Repeat(".", 64<<20), josetest.Compact(`{"alg":"RS256","x":` + strings.Repeat("[", 40_000) + strings.Repeat("]", 40_000) + "}")[:maxJWT]}
	start := time.Now()
	for range many {
		for _, raw := range hostile {
			if _, err := parseCompact(raw, onlyRS256); err == nil {
				t.Fatal("accepted")
			}
		}
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("G09 %d hostile tokens took %v", many*len(hostile), took)
	}
}

// FuzzParseCompact compares the parser with go-jose: go-jose must read the same header from
// every accepted token, in exactly one serialization.
func FuzzParseCompact(f *testing.F) {
	for _, header := range []string{
		`{"alg":"RS256","kid":"k","typ":"JWT"}`, `{"alg":"RS256","crit":["exp"]}`, `{"alg":"none"}`,
		`{"alg":"RS256","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}`, `{"alg":"RS256","kid":1}`,
	} {
		f.Add(josetest.Compact(header))
	}
	f.Add(`{"payload":"e30","protected":"eyJhbGciOiJSUzI1NiJ9","signature":"AA"}`)
	f.Add("..")
	f.Add("eyJhbGciOiJSUzI1NiIsImA0YCI6MX0.000000000000000.000000000000")
	f.Fuzz(func(t *testing.T, raw string) {
		header, err := parseCompact(raw, onlyRS256)
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
		got := jws.Signatures[0].Protected
		if got.KeyID != header.kid || got.Algorithm != header.alg || string(jws.UnsafePayloadWithoutVerification()) != string(header.payload) {
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
