package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

const (
	longSecret  = "canary-0c9f-a-long-one"
	shortSecret = "hunter2"
)

type withSecrets struct {
	Long  options.Secret `option:"client_secret" doc:"a secret"`
	Short string         `option:"bind_password,secret" doc:"a secret"`
}

// indiscreet repeats the secrets in everything that it returns.
type indiscreet struct {
	env  sdk.Env
	said string
}

func (i indiscreet) Begin(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	i.env.Logger.Warn("says "+i.said, "attribute", i.said)
	switch req.LoginHint {
	case "fault":
		return nil, errors.New("provider says " + i.said)
	case "problems":
		return nil, options.Problems{{Option: "client_secret", Text: "is not " + i.said}}
	}
	return nil, sdk.Unavailable("no", "provider says %s", i.said)
}

func (i indiscreet) Continue(context.Context, sdk.ContinueRequest) (sdk.Step, error) { return nil, nil }

func (i indiscreet) Check(context.Context) ([]sdk.Finding, error) {
	return []sdk.Finding{{Severity: sdk.SeverityOK, Subject: i.said, Text: i.said}}, nil
}

func wantNoSecret(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, "canary") || strings.Contains(text, shortSecret) || !strings.Contains(text, "[redacted]") {
		t.Errorf("%s: %s", what, text)
	}
}

// The plugin removes its secrets from everything that it sends, so that a host that does not
// know them does not get them.
func TestSecretsDoNotLeaveThePlugin(t *testing.T) {
	var log lockedBuffer
	said := fmt.Sprintf("%s, %q and client_secret", longSecret, shortSecret)
	s, err := newServer(Description{Mechanism: "x"}, func(_ context.Context, env sdk.Env, o withSecrets) (sdk.Mechanism, error) {
		if env.Provider == "refused" {
			return nil, sdk.Misconfigured("secret", "cannot use %s", o.Long.Reveal())
		}
		return indiscreet{env, said}, nil
	}, environment{log: &log})
	if err != nil {
		t.Fatal(err)
	}
	client := serveOn(t, s)
	opts := map[string]any{"client_secret": longSecret, "bind_password": shortSecret}
	_, err = client.Open(t.Context(), OpenRequest{Provider: "refused", Options: opts})
	wantNoSecret(t, "opening", fmt.Sprint(err))
	p, err := client.Open(t.Context(), OpenRequest{Provider: "p", Options: opts})
	if err != nil {
		t.Fatal(err)
	}
	for _, hint := range []string{"", "fault", "problems"} {
		_, err := p.Begin(t.Context(), sdk.BeginRequest{LoginHint: hint})
		wantNoSecret(t, "an error "+hint, fmt.Sprint(err))
		if !strings.Contains(err.Error(), "client_secret") {
			t.Errorf("the hint about the option is gone: %v", err)
		}
	}
	findings, err := p.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantNoSecret(t, "a finding", findings[0].Subject)
	wantNoSecret(t, "a finding", findings[0].Text)
	wantNoSecret(t, "the log", log.String())
}

// A plugin without this package can repeat secrets; the host removes those that it sent.
func TestSecretsDoNotGetPastTheHost(t *testing.T) {
	text := longSecret + ", " + shortSecret + " and client_secret"
	refusal := func(wire *doorwardv1.Error) error {
		s, err := status.New(codes.Unavailable, "x").WithDetails(wire)
		if err != nil {
			t.Fatal(err)
		}
		return s.Err()
	}
	for name, sent := range map[string]error{
		"a refusal": refusal(&doorwardv1.Error{Kind: doorwardv1.ErrorKind_ERROR_KIND_UNAVAILABLE, Detail: text}),
		"problems": refusal(&doorwardv1.Error{Kind: doorwardv1.ErrorKind_ERROR_KIND_MISCONFIGURED, Problems: []*doorwardv1.OptionProblem{
			{Option: "client_secret", Text: text},
		}}),
		"a bare status": status.Error(codes.Internal, text),
	} {
		p := hostileProvider(t, hostile{begin: func(context.Context) (*doorwardv1.BeginResponse, error) { return nil, sent }})
		p.secrets.Replace([]string{longSecret, shortSecret})
		_, err := p.Begin(t.Context(), sdk.BeginRequest{})
		wantNoSecret(t, name, fmt.Sprint(err))
	}
	p := hostileProvider(t, hostile{check: &doorwardv1.CheckResponse{Findings: []*doorwardv1.Finding{{Severity: "ok", Subject: text, Text: text}}}})
	p.secrets.Replace([]string{longSecret, shortSecret})
	findings, err := p.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantNoSecret(t, "a finding", findings[0].Subject)
	wantNoSecret(t, "a finding", findings[0].Text)
}
