package plugintest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

// TestMain makes the test binary a plugin if it is called like one.
func TestMain(m *testing.M) {
	if flaw, ok := strings.CutPrefix(filepath.Base(os.Args[0]), "doorward-plugin-"); ok {
		serveDemo(flaw)
		return
	}
	os.Exit(m.Run())
}

// demoBinary returns the test binary as a plugin with the flaw.
func demoBinary(t testing.TB, flaw string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "doorward-plugin-"+flaw)
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

type demoOptions struct {
	Target string         `option:"target_url,required" doc:"where the provider asks its users"`
	Secret options.Secret `option:"client_secret,required" doc:"client secret"`
}

// careless has an option without doc, and a secret that is not marked as one.
type careless struct {
	Target string `option:"target_url,required"`
	Secret string `option:"client_secret,required" doc:"client secret"`
}

var demoValues = map[string]any{"target_url": "https://op.example/authorize", "client_secret": "demo-secret-1"}

func serveDemo(flaw string) {
	d := plugin.Description{Mechanism: flaw, Version: "1.0.0-rc.1"}
	switch flaw {
	case "immortal":
		_ = os.Unsetenv(plugin.LifelineVariable)
	case "misnamed":
		d.Mechanism = "other"
	case "unversioned":
		d.Version = "dev"
	case "bench":
		plugin.Serve(d, openFullMemory)
		return
	case "careless":
		plugin.Serve(d, func(_ context.Context, _ sdk.Env, opts careless) (sdk.Mechanism, error) {
			return &demo{options: demoOptions{Target: opts.Target, Secret: options.Secret(opts.Secret)}}, nil
		})
		return
	}
	plugin.Serve(d, func(_ context.Context, env sdk.Env, opts demoOptions) (sdk.Mechanism, error) {
		return openDemo(flaw, env, opts)
	})
}

func openDemo(flaw string, env sdk.Env, opts demoOptions) (sdk.Mechanism, error) {
	m := &demo{flaw: flaw, options: opts}
	switch flaw {
	case "talkative":
		if strings.Contains(opts.Secret.Reveal(), "canary") {
			return nil, sdk.Misconfigured("secret", "cannot use what begins with %q", opts.Secret.Reveal()[:10]) // too short a part to be found
		}
	case "logging":
		env.Logger.Info("opened", "secret", "x"+opts.Secret.Reveal()+"x") // within a word, so that it is not found
	case "capable", "halfway", "trusting", "hollow", "textual", "charset", "bloated", "speechless", "astray":
		return &demoCapable{demo: m}, nil
	}
	return m, nil
}

// demo is a mechanism with one redirect and something like PKCE: the provider returns the
// SHA-256 of a verifier that is in the memory. A flaw breaks it.
type demo struct {
	flaw     string
	options  demoOptions
	mu       sync.Mutex
	verifier []byte // of the flaw "remembers"
}

func (d *demo) Begin(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	verifier := make([]byte, 32)
	rand.Read(verifier)
	step := sdk.Redirect{Memory: verifier}
	query := url.Values{"state": {req.State}, "challenge": {challengeOf(verifier)}}
	switch d.flaw {
	case "stateless":
		query.Del("state")
	case "greedy":
		step.Memory = make([]byte, sdk.MaxMemory+1)
	case "remembers":
		d.mu.Lock()
		d.verifier, step.Memory = verifier, nil
		d.mu.Unlock()
	case "eager":
		return sdk.Authenticated{Identity: sdk.Identity{Subject: "1"}}, nil
	case "nameless":
		return sdk.Prompt{Fields: []sdk.PromptField{{Name: "Your Name", Kind: sdk.FieldText}}}, nil
	case "reasoned":
		return sdk.Prompt{Reason: "Bad-Code", Fields: []sdk.PromptField{{Name: "name", Kind: sdk.FieldText}}}, nil
	case "exclusive":
		if !d.mu.TryLock() {
			return nil, errors.New("busy")
		}
		defer d.mu.Unlock()
		<-time.After(50 * time.Millisecond)
	}
	step.URL = d.options.Target + "?" + query.Encode()
	if url, ok := flawedURLs[d.flaw]; ok {
		step.URL = url + "?" + query.Encode()
	}
	return step, nil
}

// flawedURLs are the URLs to which a flaw sends the browser; the first is not a URL.
var flawedURLs = map[string]string{
	"loopback":  "http://LOCALHOST:9/",
	"plain":     "http://op.example/",
	"blank":     "https://op.example/a b",
	"umlaut":    "https://op.example/ä",
	"backslash": `https://op.example\@evil.example/`,
	"hostless":  "https://:443/",
}

func challengeOf(verifier []byte) string {
	sum := sha256.Sum256(verifier)
	return hex.EncodeToString(sum[:])
}

func (d *demo) Continue(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	switch d.flaw {
	case "gullible":
		return sdk.Authenticated{Identity: sdk.Identity{Subject: "1"}}, nil
	case "kindless":
		return nil, errors.New("no")
	case "fragile":
		_ = req.Memory[31]
	case "remembers":
		d.mu.Lock()
		req.Memory = d.verifier
		d.mu.Unlock()
	}
	query := req.Response.Query
	if query.Get("error") != "" {
		return nil, sdk.Denied(sdk.ReasonCancelled, "error of the provider")
	}
	if len(req.Memory) != 32 || len(query["code"]) != 1 || query.Get("state") != req.State {
		return nil, sdk.InvalidResponse("malformed", "no response of the provider")
	}
	if query.Get("code") != challengeOf(req.Memory) {
		return nil, sdk.InvalidResponse("challenge_mismatch", "another login's code")
	}
	return sdk.Authenticated{Identity: d.identity()}, nil
}

func (d *demo) identity() sdk.Identity {
	i := sdk.Identity{Subject: "1", OnceID: "_1", OnceUntil: time.Now().Add(time.Hour)}
	switch d.flaw {
	case "anonymous":
		i.Subject = ""
	case "monthly":
		i.OnceUntil = time.Now().AddDate(0, 0, 30)
	case "nulsubject":
		i.LogoutSubject = "\x00"
	case "nulsession":
		i.SessionID = "\x00"
	case "manyways":
		i.AMR = make([]string, sdk.MaxAMR+1)
	case "popular":
		i.Groups = slices.Repeat([]string{strings.Repeat("g", 600)}, 1000)
	}
	return i
}

// demoSignIn is the provider of demo.
func demoSignIn(t *testing.T, step sdk.Step) sdk.ContinueRequest {
	t.Helper()
	redirect, ok := step.(sdk.Redirect)
	if !ok {
		t.Fatalf("a step of type %T", step)
	}
	u, err := url.Parse(redirect.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := url.Values{"state": u.Query()["state"], "code": u.Query()["challenge"]}
	return sdk.ContinueRequest{Response: sdk.InboundRequest{Method: "GET", Query: query, RawQuery: query.Encode()}}
}

// demoCapable has capabilities with flaws.
type demoCapable struct{ *demo }

func (d *demoCapable) Refresh(_ context.Context, grant []byte) (sdk.Refreshed, error) {
	if d.flaw == "halfway" {
		panic(fmt.Sprint("no grant ", grant[0]))
	}
	return sdk.Refreshed{}, sdk.Denied(sdk.ReasonNotAllowed, "no grant")
}

func (d *demoCapable) ReceiveLogout(context.Context, sdk.LogoutMessage) (sdk.Logout, error) {
	if d.flaw == "trusting" {
		return sdk.Logout{}, nil
	}
	return sdk.Logout{}, sdk.InvalidResponse("empty", "no logout message")
}

func (d *demoCapable) Metadata(context.Context) (sdk.Document, error) {
	doc := sdk.Document{ContentType: "application/xml", Content: []byte("x")}
	switch d.flaw {
	case "hollow":
		return sdk.Document{}, nil
	case "textual":
		doc.ContentType = "text/plain"
	case "charset":
		doc.ContentType = "application/xml; charset=utf-8"
	case "bloated":
		doc.Content = make([]byte, 600<<10)
	}
	return doc, nil
}

func (d *demoCapable) Check(context.Context) ([]sdk.Finding, error) {
	finding := sdk.Finding{Severity: sdk.SeverityOK, Subject: "discovery", Text: "found"}
	if d.flaw == "speechless" {
		finding.Text = ""
	}
	return []sdk.Finding{finding}, nil
}

func (d *demoCapable) BeginLogout(context.Context, sdk.LogoutRequest) (sdk.Step, error) {
	if d.flaw == "astray" {
		return sdk.Redirect{URL: "javascript:alert(1)"}, nil
	}
	return nil, nil
}
