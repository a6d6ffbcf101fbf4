package discovery

import (
	"net/http"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

func TestUnlistedPKCEOfKnownProviders(t *testing.T) {
	for issuer, accepted := range map[string]bool{
		"https://login.microsoftonline.com/" + tenant + "/v2.0":  true,
		"https://appleid.apple.com":                              true,
		"https://appleid.apple.com.evil.example":                 false,
		"https://login.microsoftonline.com.evil.example/x/v2.0":  false,
		"https://evil.example/https://login.microsoftonline.com": false,
	} {
		want := Requirements{PKCEMethod: codeflow.S256}
		if err := checkPKCE(Metadata{Issuer: issuer}, want); (err == nil) != accepted {
			t.Errorf("E03 %s: %v", issuer, err)
		}
		want.Public = true
		if err := checkPKCE(Metadata{Issuer: issuer}, want); err == nil {
			t.Errorf("E03 %s: a public client has only PKCE", issuer)
		}
	}
}

func TestDiscoveryStatus(t *testing.T) {
	for status, kind := range map[int]error{
		301: sdk.ErrMisconfigured, 302: sdk.ErrMisconfigured, 404: sdk.ErrMisconfigured, 403: sdk.ErrMisconfigured,
		408: sdk.ErrUnavailable, 429: sdk.ErrUnavailable, 500: sdk.ErrUnavailable, 503: sdk.ErrUnavailable, 204: sdk.ErrUnavailable,
	} {
		plugintest.Refused(t, checkStatus(upstream.Answer{Status: status}, "https://op.example"), kind, ReasonStatus)
	}
	if err := checkStatus(upstream.Answer{Status: 200}, ""); err != nil {
		t.Error(err)
	}
}

// TestDiscoveryRedirect: a redirect is not followed, and its target is told.
func TestDiscoveryRedirect(t *testing.T) {
	moved := upstream.Answer{Status: 301, Header: http.Header{"Location": {"https://other.example/"}}}
	if err := checkStatus(moved, "https://op.example"); err == nil || !strings.Contains(err.Error(), "https://other.example/") {
		t.Error(err)
	}
}
