// Command plugin is a plugin that behaves as badly as it is told.
//
// The name of its file decides how it starts; the options of a provider decide
// how that is opened; the login hint decides what a login does, and after the hint
// "ask" the answer does. It signs nobody in but a liar's victims. The memory of a
// redirect holds the process ID.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	goplugin "github.com/hashicorp/go-plugin"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

// realStderr is what the host reads: go-plugin replaces os.Stderr.
var realStderr = os.Stderr

const forever = time.Hour

// Options of a provider.
type Options struct {
	Number   int            `option:"number" doc:"a number, to be got wrong"`
	Required string         `option:"tenant,required" doc:"anything"`
	Secret   options.Secret `option:"client_secret" doc:"a secret"`
	Expires  time.Duration  `option:"expires" doc:"what a check says is good for so long"`
	AtOpen   string         `option:"at_open" default:"open" oneof:"open|panic|die|hang|wait" doc:"what happens at opening"`
	File     string         `option:"file" doc:"wait is unavailable until this file exists"`
	Closed   string         `option:"closed" doc:"is made when the provider is closed"`
	Asks     string         `option:"asks" doc:"a URL that a check asks"`
}

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "doorward-plugin-")
	name, argument, _ := strings.Cut(name, "-")
	switch name {
	case "quitter":
		fmt.Fprintln(os.Stderr, "cannot read my own configuration")
		os.Exit(3)
	case "goner":
		os.Exit(0)
	case "crasher":
		if !buildIs("mended") {
			crash(20)
		}
	case "silent":
		time.Sleep(forever)
	case "garbage":
		fmt.Println("\x1b[31mhello, I am a program\x1b[0m")
		time.Sleep(forever)
	case "cookie":
		goplugin.Serve(&goplugin.ServeConfig{HandshakeConfig: goplugin.HandshakeConfig{
			ProtocolVersion: 1, MagicCookieKey: "ANOTHER_HOST", MagicCookieValue: "x",
		}})
	case "liner":
		fmt.Print(strings.Repeat("x", 100_000))
		time.Sleep(forever)
	case "newer":
		fmt.Println("1|9|unix|/nowhere|grpc|")
		time.Sleep(forever)
	case "elsewhere":
		fmt.Println("1|1|tcp|127.0.0.1:" + argument + "|grpc|")
		time.Sleep(forever)
	case "deaf":
		beDeaf()
	case "slow":
		beSlow()
	case "fat":
		serveWithoutSDK(withoutSDK{version: strings.Repeat("1", 64<<20), mechanism: "fat"})
	case "raw":
		serveWithoutSDK(withoutSDK{version: "1.2.3", mechanism: "raw"})
	case "rawheeds":
		serveWithoutSDK(withoutSDK{version: "1.2.3", mechanism: "rawheeds", features: []string{string(sdk.FeatureOutbound)}})
	case "streams":
		serveStreams(argument)
		return
	case "liar":
		name = "honest"
	case "child":
		time.Sleep(forever)
	}
	d := plugin.Description{Mechanism: name, Version: "1.2.3"}
	switch name {
	case "directory":
		d.RegistersByDefault, d.MaxInbound, d.RolesByGroupNameWith = true, 100_000, []string{"groups_in"}
	case "demanding":
		d.Requires = []sdk.Feature{"step/poll", sdk.FeatureReturnURL}
	case "wsfed":
		d.StateParameters = []string{"wctx"}
	}
	plugin.Serve(d, open)
}

// buildIs reports whether the binary ends with that remark.
func buildIs(remark string) bool {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	data, err := os.ReadFile(path)
	return err == nil && bytes.HasSuffix(data, []byte(remark))
}

// crash dies deep in the stack, so that the trace is long.
func crash(depth int) int {
	if depth == 0 {
		panic("no good reason")
	}
	return crash(depth-1) + 1
}

// beDeaf shakes hands and then answers nothing.
func beDeaf() {
	path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "deaf")
	listener, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	fmt.Println("1|1|unix|" + path + "|grpc|")
	time.Sleep(forever)
}

// beSlow records that it started, and waits for the file "go" next to the binary.
func beSlow() {
	dir := filepath.Dir(os.Args[0])
	f, err := os.OpenFile(filepath.Join(dir, "starts"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(f, os.Getpid())
	f.Close()
	for {
		if _, err := os.Stat(filepath.Join(dir, "go")); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func open(ctx context.Context, env sdk.Env, o Options) (sdk.Mechanism, error) {
	switch o.AtOpen {
	case "panic":
		panic("at opening")
	case "die":
		os.Exit(5)
	case "hang":
		<-ctx.Done()
		return nil, ctx.Err()
	case "open":
		if buildIs("stricter") {
			return nil, sdk.Misconfigured("stricter", "the tenant is known no more")
		}
	case "wait":
		if _, err := os.Stat(o.File); err != nil {
			return nil, sdk.Unavailable("waiting", "the file is not there yet")
		}
	}
	if o.Asks != "" {
		client, err := env.HTTPClient(sdk.HTTPSettings{})
		return asking{mechanism{o}, client}, err
	}
	if o.Expires != 0 {
		return checked{mechanism{o}}, nil
	}
	return mechanism{o}, nil
}

type mechanism struct{ options Options }

// Close implements io.Closer.
func (m mechanism) Close() error {
	if m.options.Closed == "" {
		return nil
	}
	return os.WriteFile(m.options.Closed, nil, 0o600)
}

// checked can say when something expires.
type checked struct{ mechanism }

func (c checked) Check(ctx context.Context) ([]sdk.Finding, error) {
	last := sdk.Finding{Severity: sdk.SeverityOK, Subject: "endpoint", Text: "there"}
	if sdk.IsUnattended(ctx) {
		last = sdk.Finding{Severity: sdk.SeverityOK, Subject: "unattended", Text: "it is", ExpiresAt: time.Now().Add(10 * c.options.Expires)}
	}
	return []sdk.Finding{
		{Severity: sdk.SeverityOK, Subject: "certificate", Text: "good", ExpiresAt: time.Now().Add(c.options.Expires)},
		{Severity: sdk.SeverityOK, Subject: "certificate", Text: "a later one", ExpiresAt: time.Now().Add(10 * c.options.Expires)},
		last,
	}, nil
}

// asking checks no more than that somebody answers.
type asking struct {
	mechanism
	client *http.Client
}

func (a asking) Check(ctx context.Context) ([]sdk.Finding, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.options.Asks, nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	return []sdk.Finding{{Severity: sdk.SeverityOK, Subject: "answer", Text: "there"}}, resp.Body.Close()
}

// once reports whether this is the first time, also over the death of a process.
func (m mechanism) once() bool {
	f, err := os.OpenFile(m.options.File, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	return f.Close() == nil
}

func (m mechanism) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	step := sdk.Redirect{URL: "https://idp.test/?state=" + req.State, Memory: strconv.AppendInt(nil, int64(os.Getpid()), 10)}
	hint, once := strings.CutSuffix(req.LoginHint, " once")
	if once && !m.once() {
		return step, nil
	}
	switch hint {
	case "exit":
		os.Exit(7)
	case "panic":
		panic("in the handler")
	case "panic in a goroutine":
		go panic("in a goroutine")
		time.Sleep(forever)
	case "hang":
		<-ctx.Done()
		return nil, ctx.Err()
	case "deadline":
		deadline, _ := ctx.Deadline()
		step.Memory = strconv.AppendInt(nil, time.Until(deadline).Milliseconds(), 10)
	case "take a moment":
		time.Sleep(20 * time.Millisecond)
	case "hang for good":
		time.Sleep(forever)
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(forever) // it takes a moment until all threads stand
	case "huge":
		step.Memory = bytes.Repeat([]byte{'x'}, plugin.MaxMessage+1)
	case "script":
		step.URL = "javascript:alert(document.domain)"
	case "header":
		step.URL += "\r\nSet-Cookie: " + req.State
	case "ask":
		return sdk.Prompt{Fields: []sdk.PromptField{{Name: "do", Kind: sdk.FieldText}}}, nil
	case "child", "child of its own":
		step.Memory = startChild(req.LoginHint == "child of its own")
	default:
		writeLog(hint, m.options.Secret.Reveal())
	}
	return step, nil
}

func (m mechanism) Continue(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	switch req.Answers["do"] {
	case "hang":
		time.Sleep(forever)
	case "exit":
		f, err := os.OpenFile(m.options.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(f, "continued")
		f.Close()
		os.Exit(7)
	}
	if identity, ok := lies[req.Answers["do"]]; ok {
		return sdk.Authenticated{Identity: identity}, nil
	}
	return nil, sdk.Denied(sdk.ReasonNotAllowed, "nobody signs in here")
}

// startChild starts a process that holds our pipes, and returns its ID.
func startChild(ownSession bool) []byte {
	cmd := exec.Command(os.Args[0])
	cmd.Args[0] = "doorward-plugin-child"
	cmd.Stdout, cmd.Stderr = realStderr, realStderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: ownSession}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	return strconv.AppendInt(nil, int64(cmd.Process.Pid), 10)
}

// badLines make go-plugin's own reader panic, and more.
const badLines = `{"@message":5}
{"@message":"odd level","@level":5}
{"@message":"odd time","@timestamp":5}
{"@message":null,"@level":null}
null
[]
{
`

func writeLog(kind, secret string) {
	switch kind {
	case "secret":
		fmt.Fprintln(realStderr, "my secret is "+secret)
		os.Exit(9)
	case "bad lines":
		io.WriteString(realStderr, badLines)
	case "long line":
		fmt.Fprintln(realStderr, strings.Repeat("x", 100_000))
	case "flood":
		for i := range 20_000 {
			fmt.Fprintf(realStderr, `{"@level":"error","@message":"flood %d"}`+"\n", i)
		}
	case "control":
		io.WriteString(realStderr, "plain \x1b[2J\xff\xfe end\r\n")
		io.WriteString(realStderr, `{"@level":"info","@message":"coloured \u001b[2J\nforged","a\nb":"\u202edcba"}`+"\n")
	default:
		return
	}
	fmt.Fprintln(realStderr, `{"@level":"info","@message":"log written"}`)
}
