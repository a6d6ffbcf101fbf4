package userinfo

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// noKeys answers each request with an empty key set.
type noKeys struct{}

func (noKeys) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"keys":[]}`))}, nil
}

// FuzzRead: with any response and no key, nothing signed is accepted, and nothing unsigned if
// a signature is required; an error is of a known kind with a bounded text.
func FuzzRead(f *testing.F) {
	for _, body := range []string{`{"sub":"a"}`, `{"sub":"a","SUB":"b"}`, "\ufeff{}", `<html>`, josetest.Compact(`{"alg":"RS256"}`), "a.b.c.d.e", ``, `[]`} {
		f.Add("application/json", []byte(body), false)
		f.Add("application/jwt", []byte(body), true)
	}
	keys := jose.NewStore("https://op.example/jwks", &http.Client{Transport: noKeys{}}, time.Now, slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, contentType string, body []byte, signed bool) {
		alg := map[bool]string{true: "RS256"}[signed] // one of the option's: the operator writes it
		answer := upstream.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {contentType}}, Body: body}
		object, err := read(t.Context(), answer, keys, Expectation{Subject: "a", Alg: alg, Names: []string{"sub"}, Now: time.Now()})
		if err == nil {
			if alg != "" || object == nil {
				t.Fatalf("%q is accepted", body)
			}
			return
		}
		if _, ok := errors.AsType[*sdk.Error](err); !ok || len(err.Error()) > 2000 || strings.ContainsAny(err.Error(), "\n\r\x1b") {
			t.Fatalf("%q", err)
		}
	})
}

// TestIsAbout: the same text, or the same digits.
func TestIsAbout(t *testing.T) {
	for _, test := range []struct {
		body, subject string
		about         bool
	}{
		{`{"sub":"35"}`, "35", true}, {`{"sub":35}`, "35", true}, {`{"sub":35.0}`, "35", false}, {`{"sub":3.5e1}`, "35", false}, {`{"sub":"035"}`, "35", false},
		{`{"sub":35}`, "36", false}, {`{"sub":null}`, "", false}, {`{"sub":["35"]}`, "35", false}, {`{}`, "", false}, {`{"sub":true}`, "true", false},
	} {
		object, err := read(t.Context(), upstream.Answer{Status: http.StatusOK, Body: []byte(test.body)}, nil, Expectation{})
		if err != nil || isAbout(object["sub"], test.subject) != test.about {
			t.Errorf("F16 %s about %q: %v, %v", test.body, test.subject, !test.about, err)
		}
	}
}
