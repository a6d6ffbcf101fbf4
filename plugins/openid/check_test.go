package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
)

// severities runs a check and returns its findings by subject.
func severities(t *testing.T, r *rig) map[string]sdk.Severity {
	t.Helper()
	findings, err := r.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]sdk.Severity{}
	for _, f := range findings {
		t.Logf("%s: %s: %s", f.Severity, f.Subject, f.Text)
		got[f.Subject] = f.Severity
	}
	return got
}

func TestCheck(t *testing.T) {
	const ok, warning, wrong = sdk.SeverityOK, sdk.SeverityWarning, sdk.SeverityError
	good := map[string]sdk.Severity{
		"discovery": ok, "clock": ok, "keys": ok, "PKCE": ok,
		"client_token_endpoint_auth_method": ok, "scope": ok, "response_mode": ok,
		"callback": ok, "logout": ok, "authorization": ok, "client": ok,
	}
	with := func(subject string, s sdk.Severity) map[string]sdk.Severity {
		changed := map[string]sdk.Severity{subject: s}
		for name, severity := range good {
			if name != subject {
				changed[name] = severity
			}
		}
		return changed
	}
	and := func(findings map[string]sdk.Severity, subject string, s sdk.Severity) map[string]sdk.Severity {
		findings[subject] = s
		return findings
	}
	for _, test := range []struct {
		name    string
		bad     openidtest.Misbehaviour
		now     func() time.Time
		options map[string]any
		want    map[string]sdk.Severity
	}{
		{name: "good", want: good},
		{name: "F18 other issuer", bad: openidtest.DiscoveryIssuerOther, want: map[string]sdk.Severity{"discovery": wrong}},
		{name: "down", bad: openidtest.DiscoveryDown, want: map[string]sdk.Severity{"discovery": wrong}},
		{name: "L12 clock", now: func() time.Time { return time.Now().Add(5 * time.Minute) }, want: with("clock", wrong)},
		{name: "F23 keys down", bad: openidtest.KeySetDown, want: with("keys", wrong)},
		{name: "F23 weak keys", bad: openidtest.KeySetForEncryption, want: with("keys", wrong)},
		{name: "E03 PKCE not listed", bad: openidtest.DiscoveryWithoutPKCE, options: map[string]any{"allow_unlisted_pkce": true}, want: with("PKCE", warning)},
		{name: "method not listed", options: map[string]any{"client_token_endpoint_auth_method": "client_secret_jwt", "client_secret": "a client secret of at least thirty-two bytes"}, want: and(with("client_token_endpoint_auth_method", warning), "client", wrong)},
		{name: "scope not listed", options: map[string]any{"scope": "openid groups"}, want: with("scope", warning)},
		{name: "methods not told", bad: openidtest.DiscoveryWithoutAuthMethods, want: good},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := startOP(t, openidtest.Config{})
			if test.bad != "" {
				op.Misbehave(test.bad)
			}
			now := test.now
			if now == nil {
				now = time.Now
			}
			if diff := cmp.Diff(test.want, severities(t, openRig(t, op.Issuer(), now, test.options))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
