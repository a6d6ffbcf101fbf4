package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

// verifying is a login when its ID token has arrived.
type verifying struct {
	mechanism *mechanism
	metadata  discovery.Metadata
	tokens    tokens
	nonce     string
}

func startVerifying(b *testing.B, alg string) verifying {
	b.Helper()
	registered := client()
	registered.IDTokenSignedResponseAlg = alg
	registered.ClaimsInIDToken = true
	op := openidtest.Start(b, openidtest.Config{AutoApprove: true, Clients: []openidtest.Client{registered}})
	opts, err := options.Decode[Options](map[string]any{"issuer_url": op.Issuer(), "client_id": clientID, "client_secret": clientSecret})
	if err != nil {
		b.Fatal(err)
	}
	m, err := newMechanism(sdk.Env{
		Provider: "op", Host: sdk.NewHost("1.0.0", sdk.Features()), CallbackURL: callbackURL,
		Logger: slog.New(slog.DiscardHandler), Now: time.Now, HTTPClient: plugin.HTTPClient,
	}, opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.client.CloseIdleConnections)
	step, err := m.Begin(b.Context(), sdk.BeginRequest{State: "state-of-this-login_0123456789"})
	if err != nil {
		b.Fatal(err)
	}
	var mem memory
	if err := json.Unmarshal(step.(sdk.Redirect).Memory, &mem); err != nil {
		b.Fatal(err)
	}
	back, err := openidtest.SignIn(b.Context(), step.(sdk.Redirect).URL, "alice")
	if err != nil {
		b.Fatal(err)
	}
	v := verifying{mechanism: m, nonce: mem.Nonce}
	if v.metadata, err = m.metadata.Get(b.Context()); err != nil {
		b.Fatal(err)
	}
	if v.tokens, err = m.exchange(b.Context(), v.metadata, callbackURL, back.URL.Query().Get("code"), mem.Verifier); err != nil {
		b.Fatal(err)
	}
	return v
}

// BenchmarkVerifyIDToken compares the verification of an ID token with that of go-oidc, both
// with the keys in memory. This plugin also checks nonce, azp, iat, sub, at_hash and the type,
// and reads the claims strictly; go-oidc leaves these to its caller. The two alternate,
// several hundred times each in a round. "ratio" is the median of the rounds' ratios of this
// plugin to go-oidc; 1.2 is the limit.
func BenchmarkVerifyIDToken(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		b.Run(alg, func(b *testing.B) {
			v := startVerifying(b, alg)
			theirs := oidc.NewVerifier(v.metadata.Issuer,
				oidc.NewRemoteKeySet(oidc.ClientContext(b.Context(), http.DefaultClient), v.metadata.JWKSURI),
				&oidc.Config{ClientID: clientID, SupportedSigningAlgs: []string{alg}})
			compareVerifying(b,
				func() error {
					_, err := v.mechanism.verifyIDToken(b.Context(), v.metadata, v.tokens, v.nonce)
					return err
				},
				func() error {
					_, err := theirs.Verify(b.Context(), v.tokens.idToken)
					return err
				})
		})
	}
}

func compareVerifying(b *testing.B, ours, theirs func() error) {
	b.Helper()
	round := func(verify func() error) time.Duration {
		begun := time.Now()
		for range 200 {
			if err := verify(); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(begun) / 200
	}
	var us, them []time.Duration
	var ratios []float64
	for b.Loop() {
		for range 25 {
			us, them = append(us, round(ours)), append(them, round(theirs))
			ratios = append(ratios, float64(us[len(us)-1])/float64(them[len(them)-1]))
		}
	}
	slices.Sort(us)
	slices.Sort(them)
	slices.Sort(ratios)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(us[len(us)/2].Nanoseconds())/1000, "ours-µs")
	b.ReportMetric(float64(them[len(them)/2].Nanoseconds())/1000, "go-oidc-µs")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
}
