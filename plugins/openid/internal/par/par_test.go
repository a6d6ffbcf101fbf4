package par

import (
	"errors"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

func TestOddAnswers(t *testing.T) {
	const reference = "urn:ietf:params:oauth:request_uri:abc"
	for body, accepted := range map[string]bool{
		`{"request_uri":"` + reference + `","error":null}`:           true,
		`{"request_uri":"` + reference + `","error":""}`:             true,
		`{"request_uri":"` + reference + `","Ttl":1,"ttl":2}`:        true,
		"\ufeff" + `{"request_uri":"` + reference + `"}`:             true,
		`{"request_uri":"` + reference + `","error":"server_error"}`: false,
		`{"request_uri":"` + reference + `","REQUEST_URI":"urn:x"}`:  false,
		`{"request_uri":"` + reference + `","request_uri":"urn:x"}`:  false,
	} {
		got, err := read(upstream.Answer{Status: 201, Body: []byte(body)})
		if (err == nil) != accepted || accepted && got != reference {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
}

// FuzzAnswer: the result is an error of a kind with a reason, or a reference that a URL can
// contain.
func FuzzAnswer(f *testing.F) {
	f.Add(201, `{"request_uri":"urn:ietf:params:oauth:request_uri:abc","expires_in":60}`)
	f.Add(200, `{"request_uri":"https://op.example/r/1"}`)
	f.Add(400, `{"error":"invalid_request","error_description":"no"}`)
	f.Add(201, `{"request_uri":"urn:a\u0000"}`)
	f.Add(503, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		reference, err := read(upstream.Answer{Status: status, Body: []byte(body)})
		if err != nil {
			if refusal, ok := errors.AsType[*sdk.Error](err); !ok || refusal.Reason == "" || reference != "" {
				t.Fatalf("%q, %v", reference, err)
			}
			return
		}
		if status != 200 && status != 201 || len(reference) > maxReference || strings.ContainsFunc(reference, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("status %d, accepted %q", status, reference)
		}
	})
}
