package tokenresponse

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/oauth2/internal/fieldpath"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

func answer(status int, contentType, body string) upstream.Answer {
	return upstream.Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
}

// TestAnswers reads responses that were also tested with x/oauth2 alone.
func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer upstream.Answer
		kind   error // nil: accepted
		reason sdk.Reason
	}{
		{"good", answer(200, "application/json", `{"access_token":"a","token_type":"bearer"}`), nil, ""},
		{"form", answer(200, "application/x-www-form-urlencoded", `access_token=a&token_type=bearer&scope=`), nil, ""},
		{"no type", answer(200, "", `{"access_token":"a","token_type":"bearer"}`), nil, ""},
		{"empty error beside a token", answer(200, "", `{"access_token":"a","token_type":"bearer","error":""}`), nil, ""},
		{"error false", answer(200, "", `{"access_token":"a","token_type":"bearer","error":false}`), nil, ""},
		{"error beside a token", answer(200, "", `{"access_token":"a","token_type":"bearer","error":"invalid_grant"}`), sdk.ErrInvalidResponse, "invalid_grant"},
		{"ok false beside a token", answer(200, "", `{"access_token":"a","token_type":"bearer","ok":false}`), sdk.ErrInvalidResponse, codeflow.ReasonUnknownError},
		{"error is a number", answer(200, "", `{"error":5}`), sdk.ErrInvalidResponse, codeflow.ReasonUnknownError},
		{"error object, 400", answer(400, "", `{"error":{"message":"x","code":1}}`), sdk.ErrInvalidResponse, codeflow.ReasonUnknownError},
		{"error object, 401", answer(401, "", `{"error":{"message":"x","code":1}}`), sdk.ErrMisconfigured, "invalid_client"},
		{"error object, 503", answer(503, "", `{"error":{"message":"x","code":1}}`), sdk.ErrUnavailable, codeflow.ReasonStatus},
		{"429 of Twitch's form", answer(429, "application/json", `{"status":429,"message":"slow"}`), sdk.ErrUnavailable, "profile_rate_limited"},
		{"400 of Twitch's form", answer(400, "application/json", `{"status":400,"message":"Invalid authorization code"}`), sdk.ErrInvalidResponse, codeflow.ReasonUnknownError},
		{"unknown word, 500", answer(500, "", `{"error":"oops"}`), sdk.ErrUnavailable, codeflow.ReasonStatus},
		{"201 with a token", answer(201, "", `{"access_token":"a","token_type":"bearer"}`), nil, ""},
		{"206 with a token", answer(206, "", `{"access_token":"a","token_type":"bearer"}`), sdk.ErrInvalidResponse, codeflow.ReasonUnknownError},
		{"redirect", upstream.Answer{Status: 307, Header: http.Header{"Location": {"https://evil.example/?x"}}}, sdk.ErrInvalidResponse, codeflow.ReasonStatus},
		{"HTML", answer(200, "text/html", `<html>a=b</html>`), sdk.ErrInvalidResponse, "provider_sent_html"},
		{"HTML called JSON", answer(200, "application/json", ` <html>`), sdk.ErrInvalidResponse, "provider_sent_html"},
		{"HTML, 502", answer(502, "text/html", `<html>`), sdk.ErrUnavailable, "provider_sent_html"},
		{"empty, 200", answer(200, "", ``), sdk.ErrInvalidResponse, codeflow.ReasonMalformed},
		{"empty, 503", answer(503, "", ``), sdk.ErrUnavailable, codeflow.ReasonStatus},
		{"list", answer(200, "application/json", `[{"access_token":"a"}]`), sdk.ErrInvalidResponse, codeflow.ReasonMalformed},
		{"form with spaces", answer(200, "", `access_token=a token_type=bearer`), sdk.ErrInvalidResponse, codeflow.ReasonMalformed},
		{"form with a bad escape", answer(200, "", `access_token=%zz`), sdk.ErrInvalidResponse, codeflow.ReasonMalformed},
		{"form with NUL", answer(200, "", `access_token=a%00&token_type=bearer`), sdk.ErrInvalidResponse, codeflow.ReasonMalformed},
		{"form with bad UTF-8", answer(200, "", `access_token=a%ff&token_type=bearer`), sdk.ErrInvalidResponse, codeflow.ReasonMalformed},
		{"form of many fields", answer(200, "", strings.Repeat("a=b&", 10)+manyFields(65)), sdk.ErrInvalidResponse, codeflow.ReasonMalformed},
		{"no token_type", answer(200, "", `{"access_token":"a"}`), sdk.ErrInvalidResponse, codeflow.ReasonType},
		{"neither token nor token_type", answer(200, "", `{"message":"Not found"}`), sdk.ErrInvalidResponse, codeflow.ReasonMalformed},
		{"token in another case", answer(200, "", `{"Access_Token":"a","Token_Type":"bearer"}`), sdk.ErrInvalidResponse, codeflow.ReasonMalformed},
		{"scope is an object", answer(200, "", `{"access_token":"a","token_type":"bearer","scope":{}}`), nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Dialect{ErrorWhen: []fieldpath.Rule{fieldpath.MustParseRule("ok=false")}}
			got, err := d.Read(test.answer)
			if test.kind == nil {
				if err != nil || got.Members["access_token"] != "a" {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			refusal, ok := errors.AsType[*sdk.Error](err)
			if !ok || refusal.Kind != test.kind || refusal.Reason != test.reason {
				t.Errorf("%v, want %v (%s)", err, test.kind, test.reason)
			}
		})
	}
}

func manyFields(n int) string {
	var fields []string
	for i := range n {
		fields = append(fields, "f"+string(rune('A'+i%26))+strings.Repeat("x", i/26)+"=1")
	}
	return strings.Join(fields, "&")
}

func TestResponseIsWhatWasRead(t *testing.T) {
	got, err := Dialect{}.Read(answer(200, "text/plain", `access_token=a&token_type=bearer&expires_in=3600&scope=a%2Cb&id=967361082460459008`))
	if err != nil {
		t.Fatal(err)
	}
	resp := got.Response(nil)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	members, err := claims.Decode(body)
	want := claims.Object{"access_token": "a", "token_type": "bearer", "expires_in": "3600", "scope": "a,b", "id": "967361082460459008"}
	if diff := cmp.Diff(want, members); diff != "" || err != nil || resp.StatusCode != 200 || resp.ContentLength != int64(len(body)) {
		t.Error(err, diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, got.Scopes); diff != "" {
		t.Error(diff)
	}
}

// FuzzRead: any response is an error of a known kind, or members that the strict parser of
// the code flow accepts or refuses. A response with an error never leads to a login.
func FuzzRead(f *testing.F) {
	for _, example := range []string{
		`{"access_token":"a","token_type":"bearer","expires_in":"3600"}`, `access_token=a&token_type=bearer`, `{"error":"invalid_grant"}`,
		`error=bad_verification_code`, `<html>`, `{"error":{"message":"x"}}`, `{"expires_in":1e400,"access_token":"a","token_type":"b"}`, `a=b&A=c`, "access_token=&\x00",
	} {
		f.Add(200, "application/json", []byte(example))
		f.Add(202, "application/json", []byte(example))
		f.Add(400, "text/html", []byte(example))
	}
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		got, err := Dialect{MissingType: true}.Read(upstream.Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body})
		if err != nil {
			if _, ok := errors.AsType[*sdk.Error](err); !ok || len(err.Error()) > 2000 || strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Fatalf("%q", err)
			}
			return
		}
		if status < 200 || status > 204 || got.Members.Has("error") {
			t.Fatalf("accepted with status %d: %v", status, got.Members)
		}
		data, err := json.Marshal(got.Members)
		if err != nil {
			t.Fatal(err)
		}
		// The code flow reads only these members.
		if _, err := claims.DecodeFor(data, "access_token", "token_type", "refresh_token", "id_token", "error"); err != nil && len(data) <= claims.MaxBytes {
			t.Fatalf("%s: %v", data, err)
		}
	})
}
