package e2e

import (
	"encoding/base64"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

var tokenAlgorithms = []string{"EdDSA", "ES256", "RS256"}

// startSigning starts a host that signs with the algorithm from its first start.
func startSigning(t *testing.T, algorithm string) *testHost {
	t.Helper()
	return startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, map[string]string{"ACCESS_TOKEN_ALGORITHM": algorithm}).host
}

// signedIn contains the tokens of a program after a login.
func signedIn(t *testing.T, host *testHost) (program *agent, access, refresh, user string) {
	t.Helper()
	program = newAgent(t, host, "alice")
	got := program.signIn(host.URL + "/auth/login/fake?mode=json")
	wantStatus(t, "signing in", got, http.StatusOK)
	tokens := got.json(t).Data
	program.signedOut()
	wantStatus(t, "who am I", program.call(http.MethodGet, "/users/me", nil, bearer(tokens.AccessToken)), http.StatusOK)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.AccessToken, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Sub string }
	decode(t, string(payload), &claims)
	return program, tokens.AccessToken, tokens.RefreshToken, claims.Sub
}

// listedKey is a key in the output of `doorward keys list --json`.
type listedKey struct {
	ID        string `json:"kid"`
	Algorithm string `json:"algorithm"`
	State     string `json:"state"`
}

// keys returns the states and IDs of the keys from `doorward keys list`, newest first.
func (h *testHost) keys(t *testing.T) (states string, ids []string) {
	t.Helper()
	var keys []listedKey
	decode(t, h.mustRun(t, "keys", "list", "--json"), &keys)
	var list []string
	for _, k := range keys {
		list, ids = append(list, k.Algorithm+" "+k.State), append(ids, k.ID)
	}
	return strings.Join(list, ", "), ids
}

// published returns the IDs in the key set, newest first.
func (h *testHost) published(t *testing.T) (ids []string) {
	t.Helper()
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	decode(t, newAgent(t, h, "").call(http.MethodGet, "/.well-known/jwks.json", nil, nil).body, &set)
	for _, k := range set.Keys {
		ids = append(ids, k["kid"].(string))
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, there := k[private]; there {
				t.Errorf("the private member %q is published", private)
			}
		}
	}
	return ids
}

func wantKeys(t *testing.T, what string, host *testHost, want string) {
	t.Helper()
	got, ids := host.keys(t)
	if got != want {
		t.Errorf("%s: keys %q, want %q", what, got, want)
	}
	if published := host.published(t); strings.Join(published, " ") != strings.Join(ids, " ") {
		t.Errorf("%s: published are %v, listed %v", what, published, ids)
	}
}

// Changing the setting, and rotating and revoking keys, with and without a running host.
func TestKeysAreReplaced(t *testing.T) {
	host := startSigning(t, "EdDSA")
	program, access, refresh, _ := signedIn(t, host)
	wantGood := func(what, token string) {
		t.Helper()
		wantStatus(t, what, program.call(http.MethodGet, "/users/me", nil, bearer(token)), http.StatusOK)
	}
	wantKeys(t, "at the start", host, "EdDSA signing")

	restart := func(algorithm string) {
		t.Helper()
		if err := host.Stop(); err != nil {
			t.Fatal(err)
		}
		host.config.Env["ACCESS_TOKEN_ALGORITHM"] = algorithm
		if err := host.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	restart("rs256")
	eventually(t, "the key for RS256 is there", func() bool { return len(host.published(t)) == 2 })
	wantKeys(t, "after the change", host, "RS256 published, EdDSA signing")
	wantGood("a token of before the change", access)

	if out := host.mustRun(t, "keys", "rotate"); !strings.Contains(out, "nothing was done") {
		t.Errorf("rotating now: %s", out)
	}
	out := host.mustRun(t, "keys", "rotate", "--now", "--yes")
	if !strings.Contains(out, "(RS256) signs now; keys deleted: 2") {
		t.Errorf("rotating at once: %s", out)
	}
	wantKeys(t, "after that", host, "RS256 signing")
	wantRefused(t, "a token of a deleted key", program.call(http.MethodGet, "/users/me", nil, bearer(access)), http.StatusForbidden, "INVALID_TOKEN")
	got := program.call(http.MethodPost, "/auth/refresh", map[string]string{"mode": "json", "refresh_token": refresh}, nil)
	wantStatus(t, "refreshing", got, http.StatusOK)
	access = got.json(t).Data.AccessToken
	wantGood("a new token", access)
	if !strings.Contains(host.Output(), "signing keys rotated by the operator") {
		t.Error("the log does not tell of it")
	}

	if err := host.Stop(); err != nil {
		t.Fatal(err)
	}
	host.config.Env["ACCESS_TOKEN_ALGORITHM"] = "ES256"
	if out := host.mustRun(t, "keys", "rotate"); !strings.Contains(out, "(ES256) is published, and signs from") {
		t.Errorf("rotating without a host: %s", out)
	}
	if err := host.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, "with the key that was made without a host", host, "ES256 published, RS256 signing")
	wantGood("a token of before", access)
}

// A third-party library verifies tokens of the host with the published keys only.
func TestForeignVerifier(t *testing.T) {
	op := needOpenIDProvider(t)
	for _, algorithm := range tokenAlgorithms {
		t.Run(algorithm, func(t *testing.T) {
			host := startSigning(t, algorithm)
			_, access, _, user := signedIn(t, host)
			cmd := exec.Command("node", "verify.mjs", host.URL)
			cmd.Dir = op
			verifier := startPeer(t, "jose", cmd)
			verify := func(token, want string) {
				t.Helper()
				if _, err := verifier.input.Write([]byte(token + "\n")); err != nil {
					t.Fatal(err)
				}
				verifier.waitFor(t, want)
			}
			verify(access, "good "+algorithm+" "+user)
			last := strings.LastIndexByte(access, '.')
			verify(access[:last+1]+strings.Repeat("A", len(access)-last-1), "refused ERR_JWS_SIGNATURE_VERIFICATION_FAILED")
		})
	}
}
