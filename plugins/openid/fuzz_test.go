package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

// offline is a mechanism whose provider serves only its discovery document.
func offline(t testing.TB) *mechanism {
	t.Helper()
	document, err := json.Marshal(discoveryDocument(theIssuer, map[string]any{
		"end_session_endpoint": theIssuer + "/end", "userinfo_endpoint": theIssuer + "/me", "dpop_signing_alg_values_supported": []string{"ES256"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	answer := func(req *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(req.URL.Path, "/.well-known/openid-configuration") {
			return nil, errors.New("offline")
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(document)), Request: req}, nil
	}
	opts := Options{IssuerURL: theIssuer, ClientID: clientID, ClientSecret: clientSecret, IDTokenAlg: "RS256"}
	m, err := newMechanism(sdk.Env{
		Logger: slog.New(slog.DiscardHandler), Now: time.Now, LogoutURL: logoutURL,
		HTTPClient: func(sdk.HTTPSettings) (*http.Client, error) {
			return &http.Client{Transport: roundTripper(answer)}, nil
		},
	}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

// FuzzGrant: a grant of any form is read, or refused with a reason. It never ends a session,
// and a logout with it leads only to the provider.
func FuzzGrant(f *testing.F) {
	m := offline(f)
	f.Add([]byte(`{"sub":"alice","iss":"` + theIssuer + `","access_token":"at","id_token":"a.b.c"}`))
	f.Add([]byte(`{"sub":"alice","key":"AA"}`))
	f.Add([]byte(`{"sub":"alice","id_token":"e30.e30.e30"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, grant []byte) {
		if _, err := m.Refresh(t.Context(), grant); err != nil {
			if refusal, ok := errors.AsType[*sdk.Error](err); !ok || refusal.Reason == "" {
				t.Fatalf("no kind or reason: %v", err)
			}
		}
		step, err := m.BeginLogout(t.Context(), sdk.LogoutRequest{State: "s", Grant: grant})
		if err != nil {
			t.Fatal(err)
		}
		if step != nil {
			if err := contract.CheckReply(step); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzLogoutMessage: a logout message of any form is refused with a reason, or is one that
// the host accepts.
func FuzzLogoutMessage(f *testing.F) {
	m := offline(f)
	f.Add("GET", "iss="+url.QueryEscape(theIssuer)+"&sid=s1", "")
	f.Add("POST", "", "logout_token=a.b.c")
	f.Add("POST", "sid=1", "logout_token=e30.e30.e30&logout_token=x")
	f.Fuzz(func(t *testing.T, method, rawQuery, rawForm string) {
		query, _ := url.ParseQuery(rawQuery)
		form, _ := url.ParseQuery(rawForm)
		got, err := m.ReceiveLogout(t.Context(), sdk.LogoutMessage{Request: sdk.InboundRequest{Method: method, Query: query, Form: form, RawQuery: rawQuery}})
		if err != nil {
			if refusal, ok := errors.AsType[*sdk.Error](err); !ok || refusal.Reason == "" {
				t.Fatalf("no kind or reason: %v", err)
			}
			return
		}
		if err := contract.CheckLogout(got, false, time.Now()); err != nil {
			t.Fatalf("%+v of %q: %v", got, rawQuery, err)
		}
		if method != http.MethodGet || !got.Framed || query.Get("iss") != theIssuer {
			t.Fatalf("accepted %s %q %q", method, rawQuery, rawForm)
		}
	})
}
