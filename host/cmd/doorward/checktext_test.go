package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/sdk"
)

func someChecked() []provider.Checked {
	return []provider.Checked{
		{Provider: "corp", Plugin: "ldap", Pending: provider.PendingAdded, Findings: []sdk.Finding{
			{Severity: sdk.SeverityOK, Subject: "proxy for a:636", Text: "none: no proxy is set", Target: "a:636", Step: sdk.StepProxy},
			{Severity: sdk.SeverityOK, Subject: "certificate of a:636", Text: "TLS 1.3, CN=a → CN=b", Target: "a:636", Step: sdk.StepTLS, ExpiresAt: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)},
			{Severity: sdk.SeverityError, Subject: "connection to b:636", Text: "dial tcp 10.0.0.2:636: connect: connection refused: is the server up, and does a firewall let it through?", Target: "b:636", Step: sdk.StepConnect},
			{Severity: sdk.SeverityWarning, Subject: "TLS", Text: "certificates are not checked"},
			{Severity: sdk.SeverityOK, Subject: "bind at a:636", Text: "as cn=reader", Target: "a:636"},
		}},
		{Provider: "other", Plugin: "saml"},
	}
}

// What is about a server stands in one place, and lines are as long as somebody can read.
func TestFindingsAreGrouped(t *testing.T) {
	for columns, want := range map[int]string{
		0: `corp (ldap): new, and not in force yet: run doorward reload
  a:636
    ok       proxy     none: no proxy is set
    ok       tls       TLS 1.3, CN=a → CN=b
    ok       bind at a:636: as cn=reader
  b:636
    error    connect   dial tcp 10.0.0.2:636: connect: connection refused: is the server up, and does a firewall let it through?
  warning  TLS: certificates are not checked

other (saml)
`,
		60: `corp (ldap): new, and not in force yet: run doorward reload
  a:636
    ok       proxy     none: no proxy is set
    ok       tls       TLS 1.3, CN=a → CN=b
    ok       bind at a:636: as cn=reader
  b:636
    error    connect   dial tcp 10.0.0.2:636: connect:
                       connection refused: is the server up,
                       and does a firewall let it through?
  warning  TLS: certificates are not checked

other (saml)
`,
	} {
		var out bytes.Buffer
		if err := printChecked(&out, someChecked(), columns); !errors.Is(err, errFindings) {
			t.Errorf("%v", err)
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("%d columns (-want +got):\n%s", columns, diff)
		}
	}
	var out bytes.Buffer
	if err := printChecked(&out, []provider.Checked{{Provider: ofTheConfiguration}}, 0); err != nil || !strings.HasSuffix(out.String(), noProviders+"\n") {
		t.Errorf("no provider: %v, %s", err, out.String())
	}
}

// The shape stands in the help and in docs/plugins.md.
func TestFindingsAsJSON(t *testing.T) {
	var out bytes.Buffer
	failed := errors.New("no host, and no configuration")
	if err := printCheckedJSON(&out, someChecked()[:1], nil); !errors.Is(err, errFindings) {
		t.Errorf("%v", err)
	}
	var got []any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	type o = map[string]any
	want := o{"provider": "corp", "plugin": "ldap", "pending": "added"}
	second := o{
		"severity": "ok", "subject": "certificate of a:636", "text": "TLS 1.3, CN=a → CN=b", "target": "a:636", "step": "tls", "expires_at": "2027-01-02T03:04:05Z",
	}
	fourth := o{"severity": "warning", "subject": "TLS", "text": "certificates are not checked"}
	corp := got[0].(o)
	findings := corp["findings"].([]any)
	delete(corp, "findings")
	if diff := cmp.Diff([]any{want, second, fourth}, []any{got[0], findings[1], findings[3]}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, tc := range map[string]struct {
		checked []provider.Checked
		failed  error
		want    string
	}{
		"none":      {nil, nil, `[]`},
		"no check":  {nil, failed, `[{"provider":"configuration","plugin":"","findings":[{"severity":"error","subject":"check","text":"no host, and no configuration"}]}]`},
		"not found": {[]provider.Checked{{Provider: "a", Plugin: "b"}}, nil, `[{"provider":"a","plugin":"b","findings":[]}]`},
	} {
		out.Reset()
		if err := printCheckedJSON(&out, tc.checked, tc.failed); !errors.Is(err, tc.failed) {
			t.Errorf("%s: %v", name, err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, out.Bytes()); err != nil || strings.TrimSpace(compact.String()) != tc.want {
			t.Errorf("%s: %v, %s", name, err, out.String())
		}
	}
}

func TestColumns(t *testing.T) {
	var out bytes.Buffer
	for variable, want := range map[string]int{"X=1": 0, "COLUMNS=100": 100, "COLUMNS=10": leastColumns, "COLUMNS=1000": mostColumns, "COLUMNS=wide": 0, "COLUMNS=": 0} {
		if got := columnsFor(&out, []string{"A=b", variable}); got != want {
			t.Errorf("%s: %d, want %d", variable, got, want)
		}
	}
}

// Who is no terminal is told nothing of the waiting; who is, sees no rest of it.
func TestProgress(t *testing.T) {
	var out bytes.Buffer
	showProgress(&out, checking("corp"))()
	if out.Len() > 0 {
		t.Errorf("a program is told %q", out.String())
	}
	stop := make(chan struct{})
	close(stop)
	progress(&out, checking("corp"), stop)
	if !strings.HasSuffix(out.String(), eraseLine) {
		t.Errorf("it ends with %q", out.String())
	}
}
