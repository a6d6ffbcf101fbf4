package e2e

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

const (
	fault       = "INTERNAL_SERVER_ERROR"
	unavailable = "SERVICE_UNAVAILABLE"
	denied      = "INVALID_CREDENTIALS"
)

// The lines that an operator gets.
const (
	lineDown    = "plugin does not run, its providers are unavailable"
	lineNotDone = "could not be reloaded"
	lineRefused = "sign-in refused"
	lineDropped = "plugin writes too many log lines"
)

// Plugins that do not come up are added to a host while people sign in. The lines
// for the operator: what is wrong with the plugin, once more when it is given up
// for longer, that the reload did not do it, and that a login was refused for it.
func TestPluginsThatDoNotComeUp(t *testing.T) {
	for _, tc := range []struct{ name, mechanism, cause string }{
		{"K01 panics at the start", "crasher", "panic: no good reason"},
		{"K05 exits", "quitter", "cannot read my own configuration"},
		{"K05 exits 0 at once", "goner", "exit status 0"},
		{"K05 hangs at the handshake", "silent", "timeout while waiting for plugin to start"},
		{"K05 knows another cookie", "cookie", "This binary is a plugin"},
		{"K05 speaks another version", "newer", "Plugin version: 9"},
		{"K05 garbage on stdout", "garbage", "is not a handshake"},
		{"K05 100 KB without an end of line", "liner", "more than 8192 bytes"},
		{"K02 answers nothing", "deaf", "asking what it is"},
		{"K08 describes itself in 64 MiB", "fat", "larger than"},
		{"claims another mechanism", "liar", `says that it is "honest"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			checkDoesNotComeUp(t, tc.mechanism, tc.cause)
		})
	}
}

func checkDoesNotComeUp(t *testing.T, mechanism, cause string) {
	t.Helper()
	h := startHostile(t, mechanism)
	people := h.signingIn(t, 2)
	out, code := h.addEvil(t, mechanism)
	if code == 0 || !strings.Contains(out, cause) || !strings.Contains(out, "plugin "+mechanism) {
		t.Errorf("doorward reload: exit status %d, want one that names %s and says %q\n%s", code, mechanism, cause, out)
	}
	wantNothingGained(t, h.evilLogin(t, ""), http.StatusServiceUnavailable, unavailable)
	lines := [][2]string{{lineDown, cause}, {lineNotDone, cause}, {lineRefused, cause}}
	switch mechanism {
	case "silent", "deaf", "liar": // takes its time to be given up, or was at once
	default:
		eventually(t, "the plugin to be given up", func() bool { return h.plugin(t, mechanism).State == "quarantined" })
		lines = append(lines, [2]string{lineDown, cause})
	}
	people.disperse()
	h.wantComplaints(t, lines...)
	if got := h.plugin(t, mechanism); got.State == "ready" || !strings.Contains(got.LastError, cause) {
		t.Errorf("doorward plugins: %+v", got)
	}
}

// A plugin names an address of its own choice; nobody may be called there.
func TestK06PluginThatNamesARemoteAddress(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan struct{})
	go func() {
		defer close(called)
		if conn, err := listener.Accept(); err == nil {
			conn.Close()
			called <- struct{}{}
		}
	}()
	checkDoesNotComeUp(t, "elsewhere-"+strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), "not a socket in its own folder")
	listener.Close()
	if _, ok := <-called; ok {
		t.Error("the host called the address that the plugin named")
	}
}

// Plugins that come up and misbehave in a call, while people sign in through
// another one. The operator gets one line for the refused login, and one for the
// plugin if that went down.
func TestPluginsThatMisbehaveInACall(t *testing.T) {
	refused := func(cause string) [][2]string { return [][2]string{{lineRefused, cause}} }
	downAnd := func(cause string) [][2]string { return [][2]string{{lineDown, cause}, {lineRefused, ""}} }
	for _, tc := range []struct {
		name, mechanism, hint string
		status                int
		code                  string
		lines                 [][2]string
	}{
		{"K01 panics", "evil", "panic", 500, fault, refused("panic in")},
		{"K01 panics in a goroutine", "evil", "panic in a goroutine", 503, unavailable, downAnd("panic: in a goroutine")},
		{"K01 exits", "evil", "exit", 503, unavailable, downAnd("exit status 7")},
		{"K02 hangs", "evil", "hang", 503, unavailable, refused("deadline")},
		{"K02 hangs and does not heed its deadline", "evil", "hang for good", 503, unavailable, refused("deadline")},
		{"K02 stops itself", "evil", "stop", 503, unavailable, downAnd("did not answer and was killed")},
		{"K02 floods the log", "evil", "flood", 401, denied, [][2]string{{lineDropped, ""}, {lineRefused, ""}}},
		{"K02 a line of 100 KB", "evil", "long line", 401, denied, refused("")},
		{"K02 lines that go-plugin panics on", "evil", "bad lines", 401, denied, refused("")},
		{"K02 lines that move a cursor", "evil", "control", 401, denied, refused("")},
		{"K08 a step that is too large", "evil", "huge", 500, fault, refused("the rule memory")},
		{"K08 64 MiB past the SDK", "raw", "64 MiB", 500, fault, refused("larger than max")},
		{"K04 text that is no UTF-8", "raw", "not UTF-8", 500, fault, refused("UTF-8")},
		{"K04 a step of no kind", "raw", "no step", 500, fault, refused("no known kind")},
		{"K04 redirect to a script", "evil", "script", 500, fault, refused("not absolute")},
		{"K04 redirect with a header in it", "evil", "header", 500, fault, refused("byte 0x0d")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := startHostile(t, tc.mechanism)
			people := h.signingIn(t, 2)
			if out, code := h.addEvil(t, tc.mechanism); code != 0 {
				t.Fatalf("adding the provider: %s", out)
			}
			wantNothingGained(t, h.evilLogin(t, tc.hint), tc.status, tc.code)
			people.disperse()
			h.wantComplaints(t, tc.lines...)
			if got := h.awaitReady(t, tc.mechanism, 0); got.Restarts > 2 {
				t.Errorf("restarted %d times", got.Restarts)
			}
		})
	}
}

// A plugin vouches for people as it must not.
func TestK04PluginsThatLieAboutPeople(t *testing.T) {
	h := startHostile(t, "evil")
	people := h.signingIn(t, 2)
	if out, code := h.addEvil(t, "evil"); code != 0 {
		t.Fatalf("adding the provider: %s", out)
	}
	for _, tc := range []struct {
		do, cause string
		status    int
		code      string
	}{
		{"be nobody", "the rule subject: it is empty", 401, denied},
		{"be large", "the rule subject: it has 256 bytes", 401, denied},
		{"expired before 1970", "the rule expiry: it expired at 1969-12-31T23:59:59Z", 500, fault},
		{"expired a moment ago", "the rule expiry", 500, fault},
		{"once until the past", "the rule once-until: 1970", 500, fault},
		{"too many groups", "the rule groups: 10001 values", 401, denied},
		{"claims without bottom", "the rule claims: nested deeper", 401, denied},
	} {
		t.Run(tc.do, func(t *testing.T) {
			h.logged = len(h.Logs())
			person := newAgent(t, h.testHost, "mallory")
			person.from = h.elsewhere()
			wantNothingGained(t, h.evilAnswer(t, person, "evil", tc.do), tc.status, tc.code)
			person.signedOut()
			h.wantComplaints(t, [2]string{lineRefused, tc.cause})
		})
	}
	for _, do := range []string{"groups of header", "name with a line"} {
		t.Run(do, func(t *testing.T) {
			h.logged = len(h.Logs())
			wantStatus(t, "signing in", h.evilAnswer(t, newAgent(t, h.testHost, "mallory"), "evil", do), http.StatusOK)
			for _, forged := range []string{`\nX-Forwarded-Groups`, `X-Forwarded-Groups: admin`, `signed in as root`} {
				if strings.Contains(h.Logs()[h.logged:], forged) {
					t.Errorf("the log holds %q", forged)
				}
			}
			eventually(t, "a warning", func() bool { return strings.Contains(h.Logs()[h.logged:], "identity was tidied") })
		})
	}
	people.disperse()
}

// A plugin names the subject of somebody else's provider. Who they are is the host's
// to say: a user of this provider, whatever the name and the e-mail address.
func TestK04PluginThatNamesSomebodyElsesSubject(t *testing.T) {
	h := startHostile(t, "evil")
	h.providers["twin"] = map[string]any{"driver": "evil", "tenant": "t", "allow_public_registration": true}
	if out, code := h.addEvil(t, "evil"); code != 0 {
		t.Fatalf("adding the providers: %s", out)
	}
	type who struct{ id, provider, subject, email string }
	me := func(person *agent, got answer) who {
		t.Helper()
		wantStatus(t, "signing in", got, http.StatusOK)
		var body struct {
			Data struct {
				ID                 string `json:"id"`
				Provider           string `json:"provider"`
				ExternalIdentifier string `json:"external_identifier"`
				Email              string `json:"email"`
			} `json:"data"`
		}
		answer := person.call(http.MethodGet, "/users/me", nil, bearer(got.json(t).Data.AccessToken))
		decode(t, answer.body, &body)
		return who{body.Data.ID, body.Data.Provider, body.Data.ExternalIdentifier, body.Data.Email}
	}
	alice := newAgent(t, h.testHost, "alice")
	alice.hint = "alice"
	first := me(alice, alice.signIn(h.URL+"/auth/login/fake?mode=json"))
	again := newAgent(t, h.testHost, "alice")
	again.hint = "alice"
	if first.provider != "fake" || first.subject == "" {
		t.Errorf("alice is %+v", first)
	}
	seen := map[string]string{first.id: "alice"}
	for _, provider := range []string{"evil", "twin"} {
		liar := newAgent(t, h.testHost, "mallory")
		other := me(liar, h.evilAnswer(t, liar, provider, "be alice"))
		if other.id == "" || seen[other.id] != "" || other.provider != provider || other.subject != "alice" {
			t.Errorf("the liar became %+v, alice is %+v", other, first)
		}
		seen[other.id] = provider
	}
	if got := me(again, again.signIn(h.URL+"/auth/login/fake?mode=json")); got != first {
		t.Errorf("alice is %+v now, was %+v", got, first)
	}
}
