package dpop

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// TestNonceOfAResource: the challenge is found in any position (RFC 9449 section 9), and the
// request is repeated once.
func TestNonceOfAResource(t *testing.T) {
	for _, test := range []struct {
		challenges []string
		requests   int64
	}{
		{[]string{`DPoP error="use_dpop_nonce"`}, 2},
		{[]string{`Bearer realm="op"`, `DPoP error="use_dpop_nonce", error_description="x"`}, 2},
		{[]string{`DPoP algs="ES256", error=use_dpop_nonce`}, 2},
		{[]string{`DPoP error = "use_dpop_nonce"`}, 2},
		{[]string{`DPoP error="invalid_token", error_description="not use_dpop_nonce"`}, 1},
		{[]string{`DPoP error="use_dpop_nonces"`}, 1},
		{nil, 1},
	} {
		var requests atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("DPoP-Nonce", "n"+r.Header.Get("DPoP")[:1]+string(rune('a'+requests.Add(1))))
			w.Header()["Www-Authenticate"] = test.challenges
			w.WriteHeader(http.StatusUnauthorized)
		}))
		t.Cleanup(server.Close)
		key, err := NewKey()
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(WithKey(t.Context(), key, true), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer token")
		resp, err := (&Transport{Next: http.DefaultTransport, Now: time.Now}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if n := requests.Load(); n != test.requests {
			t.Errorf("%q: %d requests, want %d", test.challenges, n, test.requests)
		}
	}
}
