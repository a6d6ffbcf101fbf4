package plugin

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	goplugin "github.com/hashicorp/go-plugin"

	"github.com/doorward/doorward/sdk"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// lockedBuffer is written by the server and read by the test.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// loud is a value that reveals its secret when it is printed.
type loud struct{ secret string }

func (l loud) Error() string                { return l.secret }
func (l loud) String() string               { return l.secret }
func (l loud) MarshalJSON() ([]byte, error) { panic(l.secret) }

// brokenError panics in Error.
type brokenError struct{}

func (brokenError) Error() string { panic("hunter2") }

type calling func() (sdk.Step, error)

func (c calling) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error)       { return c() }
func (c calling) Continue(context.Context, sdk.ContinueRequest) (sdk.Step, error) { return c() }
func (c calling) Refresh(context.Context, []byte) (sdk.Refreshed, error) {
	_, err := c()
	return sdk.Refreshed{}, err
}

func TestPanics(t *testing.T) {
	var nilMap map[string]int
	for name, test := range map[string]struct {
		call calling
		text string // in error and log; empty: neither
	}{
		"K01 a text":         {func() (sdk.Step, error) { panic("hunter2") }, "a value of type string"},
		"K01 an error":       {func() (sdk.Step, error) { panic(errors.New("hunter2")) }, "a value of type *errors.errorString"},
		"K01 a struct":       {func() (sdk.Step, error) { panic(loud{"hunter2"}) }, "a value of type plugin.loud"},
		"K01 of the runtime": {func() (sdk.Step, error) { nilMap["hunter2"] = 1; return nil, nil }, "assignment to entry in nil map"},
		"K01 out of range":   {func() (sdk.Step, error) { return nil, []error{}[len(nilMap)] }, "index out of range [0] with length 0"},
		"K01 nil":            {func() (sdk.Step, error) { panic(nil) }, "panic called with nil argument"},
		"K01 in an error":    {func() (sdk.Step, error) { return nil, brokenError{} }, "a value of type string"},
		"K01 in a claim": {func() (sdk.Step, error) {
			return sdk.Authenticated{Identity: sdk.Identity{Subject: "1", Claims: map[string]any{"c": loud{"hunter2"}}}}, nil
		}, "a value of type string"},
	} {
		t.Run(name, func(t *testing.T) {
			var log lockedBuffer
			client := serveLogged(t, &log, test.call)
			p, err := client.Open(t.Context(), OpenRequest{})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the process still runs
				_, err = p.Continue(t.Context(), sdk.ContinueRequest{})
				if !errors.Is(err, ErrFault) || !strings.Contains(err.Error(), test.text) {
					t.Errorf("got %v", err)
				}
			}
			if _, err := client.rpc.Describe(t.Context(), &doorwardv1.DescribeRequest{}); err != nil {
				t.Errorf("describing afterwards: %v", err)
			}
			if got := log.String(); strings.Count(got, `"@message":"panic"`) != 2 || !strings.Contains(got, test.text) {
				t.Errorf("the log does not tell: %s", got)
			}
			if all := err.Error() + log.String(); strings.Contains(all, "hunter2") {
				t.Errorf("a secret is shown: %s", all)
			}
		})
	}
}

func TestPanicOfOpen(t *testing.T) {
	var log lockedBuffer
	client := serveLogged(t, &log, nil)
	if _, err := client.Open(t.Context(), OpenRequest{}); !errors.Is(err, ErrFault) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func serveLogged(t *testing.T, log *lockedBuffer, call calling) *Client {
	t.Helper()
	open := func(context.Context, sdk.Env, struct{}) (sdk.Mechanism, error) {
		if call == nil {
			panic("hunter2")
		}
		return call, nil
	}
	s, err := newServer(Description{Mechanism: "x"}, open, environment{log: log})
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, s)
}

func serveOn(t *testing.T, s *server) *Client {
	t.Helper()
	server := serveConfig(s, &goplugin.ServeTestConfig{}).GRPCServer(nil)
	doorwardv1.RegisterPluginServiceServer(server, s)
	return newClient(connectTo(t, server))
}
