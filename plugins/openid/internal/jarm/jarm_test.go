package jarm

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// FuzzResponse: the result is an error of a kind with a reason, or parameters that occur once,
// from a token that is for this client, from the issuer, and valid now.
func FuzzResponse(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	f.Add(`{"iss":"https://op.example","aud":"door","exp":1800000060,"code":"abc","state":"s"}`)
	f.Add(`{"iss":"https://op.example","aud":["door"],"exp":1800000060,"error":"access_denied","state":"s"}`)
	f.Add(`{"iss":"https://op.example","aud":"door","exp":1800000060,"code":1,"state":null}`)
	f.Add(`{"iss":"https://evil.example","aud":"door","exp":1e400}`)
	f.Fuzz(func(t *testing.T, payload string) {
		object, err := claims.Decode([]byte(payload))
		if err != nil {
			return
		}
		in, err := Read(jose.Token{Claims: object}, Expectation{Issuer: "https://op.example", ClientID: "door", Now: now})
		if err != nil {
			if refusal, ok := errors.AsType[*sdk.Error](err); !ok || refusal.Reason == "" {
				t.Fatalf("no kind or reason: %v", err)
			}
			return
		}
		expires, err := object.Time("exp")
		if err != nil || expires.Before(now.Add(-time.Hour)) || expires.After(now.Add(2*time.Hour)) || object["iss"] != "https://op.example" {
			t.Fatalf("accepted %s", payload)
		}
		for name, values := range in.Query {
			if len(values) != 1 || object[name] == nil {
				t.Fatalf("parameter %q is %q in %s", name, values, payload)
			}
		}
	})
}

// FuzzToken: only the one parameter is read, and only from where the mode puts it.
func FuzzToken(f *testing.F) {
	f.Add("GET", "response=a.b.c", "", QueryJWT)
	f.Add("POST", "", "response=a.b.c", FormPostJWT)
	f.Add("GET", "response=a&code=b", "x=1", JWT)
	f.Fuzz(func(t *testing.T, method, rawQuery, rawForm, mode string) {
		query, form := parse(rawQuery), parse(rawForm)
		token, err := Token(sdk.InboundRequest{Method: method, Query: query, Form: form}, mode)
		if err != nil {
			return
		}
		from, other := query, form
		if mode == FormPostJWT {
			from, other = form, query
		}
		if len(other) > 0 || len(from[Parameter]) != 1 || from.Get(Parameter) != token || from.Has("code") || from.Has("state") {
			t.Fatalf("accepted %q of %q and %q", token, rawQuery, rawForm)
		}
	})
}

func parse(raw string) url.Values {
	values, _ := url.ParseQuery(raw)
	return values
}
