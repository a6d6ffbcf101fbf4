package plugin_test

import (
	"context"
	"testing"

	"github.com/doorward/doorward/sdk"
)

// closing reports when it is closed.
type closing struct {
	scripted
	closed chan struct{}
}

func (c closing) Close() error { close(c.closed); return nil }

// A mechanism is closed after the calls in flight on it have ended.
func TestCloseWaitsForCallsInFlight(t *testing.T) {
	entered, goOn := make(chan struct{}), make(chan struct{})
	m := closing{closed: make(chan struct{})}
	m.begin = func(context.Context, sdk.BeginRequest) (sdk.Step, error) {
		close(entered)
		<-goOn
		select {
		case <-m.closed:
			t.Error("closed while a call was in flight")
		default:
		}
		return sdk.Redirect{URL: "https://op.example/"}, nil
	}
	p := open(t, m)
	called := make(chan error, 1)
	go func() { _, err := p.Begin(t.Context(), sdk.BeginRequest{State: "s"}); called <- err }()
	<-entered
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if err := <-called; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	<-m.closed
}

// A panic in Close ends neither the process nor other providers.
func TestCloseMayPanic(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	p := open(t, closing{closed: closed}) // closed twice
	other := beginning(t, sdk.Redirect{URL: "https://op.example/"}, nil)
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Begin(t.Context(), sdk.BeginRequest{State: "s"}); err != nil {
		t.Error(err)
	}
}
