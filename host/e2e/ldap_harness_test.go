package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

// ldapPlugin is the built plugin.
func ldapPlugin(t testing.TB) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "bin", "plugins", "doorward-plugin-ldap")
	if _, err := os.Stat(path); err != nil {
		t.Fatal("bin/plugins/doorward-plugin-ldap is not there: run make build")
	}
	return path
}

// startLDAPHost runs Doorward with LDAP providers, by name. The password, which all
// users share, must not be logged.
func startLDAPHost(t *testing.T, password string, providers map[string]map[string]string) *testHost {
	t.Helper()
	ldapPlugin(t)
	names := []string{}
	env := map[string]string{}
	for name, options := range providers {
		names = append(names, name)
		prefix := strings.ToUpper(name)
		provider(env, prefix, map[string]string{"DRIVER": "ldap"})
		for option, value := range options {
			env["AUTH_"+prefix+"_"+strings.ToUpper(option)] = value
		}
	}
	env["AUTH_PROVIDERS"] = strings.Join(names, ",")
	host := startHost(t, HostConfig{Env: env})
	host.secrets.add("password", password)
	return host
}

// directAnswer is the response to a program that signs somebody in.
type directAnswer struct {
	status int
	body   string

	Data struct {
		AccessToken       string    `json:"access_token"`
		RefreshToken      string    `json:"refresh_token"`
		PasswordExpiresAt time.Time `json:"password_expires_at"`

		ID                 string `json:"id"`
		Email              string `json:"email"`
		FirstName          string `json:"first_name"`
		LastName           string `json:"last_name"`
		Role               string `json:"role"`
		ExternalIdentifier string `json:"external_identifier"`
	}
	Errors []struct {
		Extensions struct {
			Code    string `json:"code"`
			Reason  string `json:"reason"`
			Attempt string `json:"attempt"`
			Fields  []struct {
				Name string `json:"name"`
				Kind string `json:"kind"`
			} `json:"fields"`
		} `json:"extensions"`
	}
}

func (a directAnswer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].Extensions.Code
}

func (a directAnswer) reason() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].Extensions.Reason
}

// program signs people in by one provider, like an application of the operator with
// its own form. It can be used from many goroutines.
type program struct {
	t        testing.TB
	host     *testHost
	provider string
}

func (p program) login(identifier, password string) directAnswer {
	p.t.Helper()
	return p.send(http.MethodPost, "/auth/login/"+p.provider, map[string]any{"identifier": identifier, "password": password}, "")
}

// goOn answers the fields that the previous response requested.
func (p program) goOn(before directAnswer, answers map[string]string) directAnswer {
	p.t.Helper()
	if len(before.Errors) == 0 {
		p.t.Fatalf("nothing was asked: %d %s", before.status, before.body)
	}
	body := map[string]any{"attempt": before.Errors[0].Extensions.Attempt, "answers": answers}
	return p.send(http.MethodPost, "/auth/login/"+p.provider, body, "")
}

func (p program) refresh(a directAnswer) directAnswer {
	p.t.Helper()
	return p.send(http.MethodPost, "/auth/refresh", map[string]any{"mode": "json", "refresh_token": a.Data.RefreshToken}, "")
}

func (p program) me(a directAnswer) directAnswer {
	p.t.Helper()
	return p.send(http.MethodGet, "/users/me", nil, a.Data.AccessToken)
}

func (p program) send(method, path string, body any, token string) directAnswer {
	p.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		p.t.Error(err)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.host.URL+path, bytes.NewReader(encoded))
	if err != nil {
		p.t.Error(err)
		return directAnswer{}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Errorf("%s %s: %v", method, path, err)
		return directAnswer{}
	}
	defer resp.Body.Close()
	return p.read(resp)
}

func (p program) read(resp *http.Response) directAnswer {
	p.t.Helper()
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(resp.Body); err != nil {
		p.t.Error(err)
	}
	got := directAnswer{}
	if err := json.Unmarshal(raw.Bytes(), &got); err != nil {
		p.t.Errorf("%s answered %d without JSON: %v\n%s", resp.Request.URL.Path, resp.StatusCode, err, raw.String())
	}
	got.status, got.body = resp.StatusCode, raw.String()
	p.host.secrets.add("access token", got.Data.AccessToken)
	p.host.secrets.add("refresh token", got.Data.RefreshToken)
	return got
}

// signedIn is the user of a login that must succeed.
func (p program) signedIn(identifier, password string) directAnswer {
	p.t.Helper()
	got := p.login(identifier, password)
	if got.status != http.StatusOK {
		p.t.Errorf("%s signs in at %s: %d %s", identifier, p.provider, got.status, got.body)
		return directAnswer{}
	}
	return p.me(got)
}

// refused checks a login that must not succeed.
func (p program) refused(identifier, password, reason string) directAnswer {
	p.t.Helper()
	got := p.login(identifier, password)
	p.wantRefused(identifier, got, reason)
	return got
}

func (p program) wantRefused(what string, got directAnswer, reason string) {
	p.t.Helper()
	if got.status != http.StatusUnauthorized || got.code() != "INVALID_CREDENTIALS" || got.reason() != reason {
		p.t.Errorf("%s at %s: %d %s, want 401 and the reason %q", what, p.provider, got.status, got.body, reason)
	}
}

// wire is an opened provider in its own plugin process, without a host.
type wire struct {
	t testing.TB
	*plugin.Provider
}

func openLDAP(t testing.TB, options map[string]string) wire {
	t.Helper()
	given := map[string]any{}
	for name, value := range options {
		given[name] = value
	}
	p, err := plugintest.Start(t, ldapPlugin(t)).Open(t.Context(), plugintest.Request(given))
	if err != nil {
		t.Fatalf("opening the provider: %v", err)
	}
	return wire{t, p}
}

const wireState = "c3RhdGUtb2YtdGhlLWUyZS10ZXN0cy1vdmVyLXRoZS13aXJl"

// begin is the prompt for name and password.
func (w wire) begin() (sdk.Prompt, error) {
	step, err := w.Begin(w.t.Context(), sdk.BeginRequest{State: wireState})
	if err != nil {
		return sdk.Prompt{}, err
	}
	prompt, ok := step.(sdk.Prompt)
	if !ok {
		return sdk.Prompt{}, errors.New("a login does not begin with a prompt")
	}
	return prompt, nil
}

// login answers the first prompt.
func (w wire) login(name, password string) (sdk.Step, error) {
	prompt, err := w.begin()
	if err != nil {
		return nil, err
	}
	answers := map[string]string{}
	for _, f := range prompt.Fields {
		switch f.Kind {
		case sdk.FieldUsername:
			answers[f.Name] = name
		case sdk.FieldPassword:
			answers[f.Name] = password
		}
	}
	return w.Continue(w.t.Context(), sdk.ContinueRequest{State: wireState, Memory: prompt.Memory, Answers: answers})
}

// identity is who signs in.
func (w wire) identity(name, password string) sdk.Identity {
	w.t.Helper()
	step, err := w.login(name, password)
	if err != nil {
		w.t.Errorf("%s: %v", name, err)
		return sdk.Identity{}
	}
	done, ok := step.(sdk.Authenticated)
	if !ok {
		w.t.Errorf("%s is not signed in: %+v", name, step)
	}
	return done.Identity
}

// refused checks that a login is refused like a wrong password.
func (w wire) refused(name, password string) {
	w.t.Helper()
	step, err := w.login(name, password)
	prompt, ok := step.(sdk.Prompt)
	if err != nil || !ok || prompt.Reason != sdk.ReasonBadCredentials {
		w.t.Errorf("%q: %+v, %v, want the prompt again", name, step, err)
	}
}

// wantGroups compares in any order.
func wantGroups(t testing.TB, who string, got []string, want ...string) {
	t.Helper()
	got = slices.Sorted(slices.Values(got))
	if want = slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
		t.Errorf("groups of %s: %q, want %q", who, got, want)
	}
}

// wantKind checks the kind of a refusal.
func wantKind(t testing.TB, what string, err error, kinds ...error) {
	t.Helper()
	if !slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) }) {
		t.Errorf("%s: %v, want one of %v", what, err, kinds)
	}
}

func readText(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
