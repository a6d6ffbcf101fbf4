package e2e

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// locked is a buffer for the output of a process.
type locked struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type listedEvents struct {
	Data []auditEvent
}

type auditEvent struct {
	Kind, Actor, Reason, Provider, Subject, User, Session, Address string
	RequestID                                                      string `json:"request_id"`
	SessionsEnded                                                  int    `json:"sessions_ended"`
}

// kindsOf returns the kinds of the events about a user.
func kindsOf(events []auditEvent) string {
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return strings.Join(kinds, " ")
}

// Events about a user are in the audit log, and reach clients that follow it.
func TestTheAuditOfAPerson(t *testing.T) {
	s := closed(t, map[string]string{"AUTH_FAKE_ALLOW_PUBLIC_REGISTRATION": "true"})
	follow := s.host.Command("audit", "--follow", "--json")
	var followed, complaints locked
	follow.Stdout, follow.Stderr = &followed, &complaints
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = follow.Process.Kill() })

	alice := s.aliceIn(t, true)
	var users listedUsers
	s.host.runJSON(t, &users, "user", "list", "--provider", "fake")
	id := users.Data[0].ID
	s.host.mustRun(t, "user", "suspend", id)
	alice.wantMe("suspended", 401)
	s.host.mustRun(t, "user", "activate", id)
	s.aliceIn(t, true)

	var events listedEvents
	s.host.runJSON(t, &events, "audit", "--user", id)
	if got := kindsOf(events.Data); got != "user_added signed_in user_suspended user_activated signed_in" {
		t.Fatalf("events: %s", got)
	}
	if first := events.Data[1]; first.Actor != "user" || first.Provider != "fake" || len(first.Subject) != 32 || first.Session == "" ||
		net.ParseIP(first.Address) == nil || !strings.Contains(s.host.Logs(), first.RequestID) {
		t.Errorf("the login: %+v", first)
	}
	if suspended := events.Data[2]; suspended.Actor != "operator" || suspended.SessionsEnded != 1 || !strings.Contains(s.host.Logs(), suspended.RequestID) {
		t.Errorf("the suspension: %+v", suspended)
	}
	eventually(t, "all of it shown by --follow", func() bool {
		var kinds []auditEvent
		for line := range strings.Lines(followed.String()) {
			var e auditEvent
			if json.Unmarshal([]byte(line), &e) == nil && e.User == id {
				kinds = append(kinds, e)
			}
		}
		return kindsOf(kinds) == kindsOf(events.Data)
	})
	if err := follow.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := follow.Wait(); err != nil {
		t.Errorf("following ended by %v: %s", err, complaints.String())
	}
}

// A directory that refuses 200 passwords is healthy: the metrics count refusals, and the audit
// log has sums instead of a row for each refusal.
func TestWrongPasswordsInTheMetrics(t *testing.T) {
	ldapPlugin(t)
	s := startSlapd(t, slapdConfig{})
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	env := map[string]string{"METRICS_ADDRESS": address, "RATE_LIMITER_ENABLED": "false"}
	provider(env, "CORP", map[string]string{"DRIVER": "ldap"})
	for option, value := range s.options(nil) {
		env["AUTH_CORP_"+strings.ToUpper(option)] = value
	}
	env["AUTH_PROVIDERS"] = "corp"
	host := startHost(t, HostConfig{Env: env})
	host.secrets.add("password", s.Password)
	p := program{t, host, "corp"}
	for i := range 200 {
		p.login("nobody-"+strconv.Itoa(i), "not the password")
	}
	text := fetch(t, "http://"+address+"/metrics")
	if want := `doorward_sign_in_refusals_total{provider="corp",reason="bad_credentials"} 200`; !strings.Contains(text, want) {
		t.Errorf("the metrics do not have %s:\n%s", want, text)
	}
	var events listedEvents
	host.runJSON(t, &events, "audit")
	if got := kindsOf(events.Data); got != "signing_key_added" {
		t.Errorf("events: %s", got)
	}
	if err := host.Stop(); err != nil { // which stores the last sums
		t.Fatal(err)
	}
	var sums struct {
		Data []struct {
			Provider, Reason string
			Refused          int
		}
	}
	host.runJSON(t, &sums, "audit", "--refusals")
	refused := 0
	for _, sum := range sums.Data {
		refused += sum.Refused
	}
	if len(sums.Data) > 3 || refused != 200 {
		t.Errorf("%d refused in %+v", refused, sums.Data)
	}
}
