package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// atHost sends requests for one host to a server of the test, as a resolver would.
type atHost struct {
	host, address string
	next          http.RoundTripper
}

func (a atHost) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == a.host {
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host = "http", a.address
	}
	return a.next.RoundTrip(req)
}

// loginAt signs in with a provider under its real host name.
func loginAt(t *testing.T, issuer string, quirk openidtest.Quirk, values map[string]any) (sdk.Identity, error) {
	t.Helper()
	now := plugintest.NewClock()
	op, err := openidtest.New(openidtest.Config{Issuer: issuer, AutoApprove: true, Clients: []openidtest.Client{client()}, Quirk: quirk, Now: now.Now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(op)
	t.Cleanup(server.Close)
	named, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	r, err := tryOpenRig(t, issuer, now.Now, values)
	if err != nil {
		t.Fatal(err)
	}
	here := strings.TrimPrefix(server.URL, "http://")
	r.wire.Next = atHost{named.Host, here, r.wire.Next}
	step, err := r.Begin(t.Context(), sdk.BeginRequest{State: "state-of-this-login_0123456789"})
	if err != nil {
		return sdk.Identity{}, err
	}
	redirect := step.(sdk.Redirect)
	callback, err := openidtest.SignIn(t.Context(), strings.Replace(redirect.URL, "https://"+named.Host, server.URL, 1), "alice")
	if err != nil {
		t.Fatal(err)
	}
	return r.finish(sdk.ContinueRequest{State: "state-of-this-login_0123456789", Memory: redirect.Memory, Response: inbound(t, callback)})
}

// entra is Microsoft's document for many tenants, and a token of one of them.
func entra(tid string) openidtest.Quirk {
	const template = "https://login.microsoftonline.com/{tenantid}/v2.0"
	return openidtest.Quirk{
		Metadata: func(d map[string]any) {
			d["issuer"] = template
			delete(d, "code_challenge_methods_supported")
			delete(d, "authorization_response_iss_parameter_supported")
		},
		Response: func(p map[string]string) { delete(p, "iss") },
		Keys: func(keys []map[string]any) []map[string]any {
			for _, k := range keys {
				k["issuer"] = template
				delete(k, "alg")
			}
			return keys
		},
		Claims: func(c map[string]any) {
			c["iss"], c["tid"] = strings.Replace(template, discovery.TenantID, tid, 1), tid
		},
		Token: func(b map[string]any) { b["scope"] = "email profile" },
	}
}

func TestKnownProviders(t *testing.T) {
	type o = map[string]any
	microsoft := "https://login.microsoftonline.com/"
	twins := func(document, token string) openidtest.Quirk {
		return openidtest.Quirk{
			Metadata: func(d map[string]any) {
				d["issuer"] = document
				delete(d, "authorization_response_iss_parameter_supported")
			},
			Response: func(p map[string]string) { delete(p, "iss") },
			Claims:   func(c map[string]any) { c["iss"] = token },
		}
	}
	apple := []string{"https://appleid.apple.com", "https://account.apple.com"}
	for _, test := range []struct {
		name, issuer string
		quirk        openidtest.Quirk
		options      o
		kind         error
		reason       sdk.Reason
	}{
		{name: "common", issuer: microsoft + "common/v2.0", quirk: entra(tenant)},
		{name: "organizations", issuer: microsoft + "organizations/v2.0", quirk: entra(tenant)},
		{name: "D02 organizations, and a personal account", issuer: microsoft + "organizations/v2.0", quirk: entra("9188040d-6c67-4c5b-b112-36a304b66dad"), kind: sdk.ErrDenied, reason: discovery.ReasonTenant},
		{name: "common, and a personal account", issuer: microsoft + "common/v2.0", quirk: entra("9188040d-6c67-4c5b-b112-36a304b66dad")},
		{name: "organizations, and a personal account that may", issuer: microsoft + "organizations/v2.0", quirk: entra("9188040d-6c67-4c5b-b112-36a304b66dad"), options: o{"allowed_tenants": "9188040d-6c67-4c5b-b112-36a304b66dad"}},
		{name: "a tenant that may", issuer: microsoft + "common/v2.0", quirk: entra(tenant), options: o{"allowed_tenants": otherTenant + "," + tenant}},
		{name: "a tenant that may not", issuer: microsoft + "common/v2.0", quirk: entra(tenant), options: o{"allowed_tenants": otherTenant}, kind: sdk.ErrDenied, reason: discovery.ReasonTenant},
		{name: "D02 a tenant's word for another", issuer: microsoft + "common/v2.0", quirk: func() openidtest.Quirk {
			q := entra(tenant)
			q.Claims = func(c map[string]any) { c["iss"], c["tid"] = microsoft+tenant+"/v2.0", otherTenant }
			return q
		}(), kind: sdk.ErrInvalidResponse, reason: discovery.ReasonIssuerMismatch},
		{name: "Apple, June 2025: the document's new name", issuer: apple[0], quirk: twins(apple[1], apple[0])},
		{name: "Apple: both new", issuer: apple[0], quirk: twins(apple[1], apple[1])},
		{name: "Apple: both old", issuer: apple[0], quirk: twins(apple[0], apple[0])},
		{name: "Apple: configured by the new name", issuer: apple[1], quirk: twins(apple[0], apple[0])},
		{name: "F01 Apple: somebody else's token", issuer: apple[0], quirk: twins(apple[1], "https://appleid.apple.com.evil.example"), kind: sdk.ErrInvalidResponse, reason: discovery.ReasonIssuerMismatch},
		{name: "Google: no scheme", issuer: "https://accounts.google.com", quirk: twins("https://accounts.google.com", "accounts.google.com")},
		{name: "hd", issuer: "https://accounts.google.com", options: o{"params__hd": "example.com"}, quirk: func() openidtest.Quirk {
			q := twins("https://accounts.google.com", "https://accounts.google.com")
			q.Claims = func(c map[string]any) { c["hd"] = "example.com" }
			return q
		}()},
		{name: "hd of another domain", issuer: "https://accounts.google.com", options: o{"params__hd": "example.com"}, quirk: func() openidtest.Quirk {
			q := twins("https://accounts.google.com", "https://accounts.google.com")
			q.Claims = func(c map[string]any) { c["hd"] = "example.org" }
			q.UserInfo = func(c map[string]any) { c["hd"] = "example.com" }
			return q
		}(), kind: sdk.ErrInvalidResponse, reason: idtoken.ReasonHostedDomain},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := loginAt(t, test.issuer, test.quirk, test.options)
			if test.kind != nil {
				plugintest.Refused(t, err, test.kind, test.reason)
			} else if err != nil || got.Subject != "alice" || got.Email != "alice@example.com" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}
