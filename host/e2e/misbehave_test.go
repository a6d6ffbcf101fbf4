package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// refusalCodes are all that a browser or a client may learn of a refused login.
var refusalCodes = map[string]int{
	"INVALID_CREDENTIALS":     http.StatusUnauthorized,
	"INVALID_PAYLOAD":         http.StatusBadRequest,
	"SERVICE_UNAVAILABLE":     http.StatusServiceUnavailable,
	"INVALID_PROVIDER_CONFIG": http.StatusServiceUnavailable,
}

// TestMisbehavingProvider signs in at a provider that breaks one rule, for each
// rule that the fake provider knows how to break. The unit tests of the plugin
// say why it refuses; here whole logins must end in a refusal that leaves no
// session behind and gives nothing away, and legal oddities must do no harm.
func TestMisbehavingProvider(t *testing.T) {
	for _, needs := range allNeeds() {
		t.Run(needsName(needs), func(t *testing.T) {
			var shared []openidtest.Misbehaviour
			for _, m := range duringLogin() {
				if m.Details().Needs != needs {
					continue
				}
				if m.Details().PerLogin {
					shared = append(shared, m)
					continue
				}
				t.Run(caseName(m), func(t *testing.T) { misbehaveToEverybody(t, m) })
			}
			misbehaveByHint(t, needs, shared)
		})
	}
}

// duringLogin are the misbehaviours that a login meets.
func duringLogin() []openidtest.Misbehaviour {
	return slices.DeleteFunc(openidtest.Misbehaviours(), func(m openidtest.Misbehaviour) bool {
		return m.Details().Stage == openidtest.AtRefresh
	})
}

func allNeeds() []openidtest.Needs {
	var all []openidtest.Needs
	for _, m := range duringLogin() {
		if needs := m.Details().Needs; !slices.Contains(all, needs) {
			all = append(all, needs)
		}
	}
	return all
}

func needsName(needs openidtest.Needs) string {
	name := strings.Join(strings.Fields(fmt.Sprint(needs.Alg, " ", needs.ResponseMode)), " ")
	if needs.MaxAge {
		name += " max_age"
	}
	if name == "" {
		return "defaults"
	}
	return strings.TrimSpace(name)
}

// caseName starts with the codes of the attacks.
func caseName(m openidtest.Misbehaviour) string {
	return strings.Join(append(m.Details().Rows, string(m)), " ")
}

// misbehaveByHint runs the misbehaviours that concern one login each at one host.
func misbehaveByHint(t *testing.T, needs openidtest.Needs, list []openidtest.Misbehaviour) {
	if len(list) == 0 {
		return
	}
	setup := startNeedy(t, needs)
	for _, m := range list {
		t.Run(caseName(m), func(t *testing.T) {
			person := newAgent(t, setup.host, "alice")
			person.hint = "alice+" + string(m)
			checkMisbehaviour(t, setup, person, m)
		})
	}
}

// misbehaveToEverybody has a host of its own, because discovery documents and
// key sets are remembered from login to login.
func misbehaveToEverybody(t *testing.T, m openidtest.Misbehaviour) {
	setup := startNeedy(t, m.Details().Needs)
	setup.provider.Misbehave(m)
	checkMisbehaviour(t, setup, newAgent(t, setup.host, "alice"), m)
}

// startNeedy runs host and provider in the setting in which a misbehaviour counts.
func startNeedy(t *testing.T, needs openidtest.Needs) fakeSetup {
	// Misbehaviours that hang are not what the time is wanted for.
	env := map[string]string{"AUTH_FAKE_CLIENT_HTTP_TIMEOUT": "3000"}
	if needs.Alg != "" {
		env["AUTH_FAKE_CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG"] = needs.Alg
	}
	switch {
	case needs.ResponseMode != "":
		env["AUTH_FAKE_PARAMS"] = `{"response_mode":"` + needs.ResponseMode + `"}`
	case needs.MaxAge:
		env["AUTH_FAKE_PARAMS"] = `{"max_age":3600}`
	}
	client := openidtest.Client{IDTokenSignedResponseAlg: needs.Alg}
	return startFake(t, openidtest.Config{AutoApprove: true}, client, env)
}

func checkMisbehaviour(t *testing.T, setup fakeSetup, person *agent, m openidtest.Misbehaviour) {
	t.Helper()
	details := m.Details()
	person.accept = "application/json"
	got := person.signIn(setup.host.URL + "/auth/login/fake?mode=session")
	setup.host.secrets.addParameters(setup.provider.LastTokenRequest().Form)
	if hits := setup.provider.Hits(openidtest.Trap); hits != 0 {
		t.Errorf("the plugin walked into the trap %d times", hits)
	}
	if verdict(m) == openidtest.Accept {
		if got.location() == nil || person.cookie(sessionCookie) == "" {
			t.Errorf("%s: refused with %d %s, though it is legal", details.Text, got.status, got.body)
		}
		return
	}
	person.signedOut()
	if !person.isHost(got.url) {
		return // the provider never sent the browser back
	}
	if got.status == http.StatusRequestHeaderFieldsTooLarge {
		return // the HTTP server's own answer, before any handler
	}
	if status, ok := refusalCodes[got.code(t)]; !ok || status != got.status {
		t.Errorf("%s: answer %d %s, want a refusal", details.Text, got.status, got.body)
	}
}

// verdict is that of the provider's author, but for a claim that is legal and
// that the strict decoder refuses all the same (F31).
func verdict(m openidtest.Misbehaviour) openidtest.Verdict {
	if m == openidtest.PrototypeClaim {
		return openidtest.Refuse
	}
	return m.Details().Verdict
}
