package plugin_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

func TestRequestsThatCannotBeSent(t *testing.T) {
	p := open(t, capable{scripted: scripted{
		begin: func(context.Context, sdk.BeginRequest) (sdk.Step, error) { return sdk.Redirect{}, nil },
		cont:  func(context.Context, sdk.ContinueRequest) (sdk.Step, error) { return sdk.Redirect{}, nil },
	}})
	cont := func(req sdk.ContinueRequest) error { _, err := p.Continue(t.Context(), req); return err }
	inbound := func(req sdk.InboundRequest) error { return cont(sdk.ContinueRequest{Response: req}) }
	large := strings.Repeat("A", plugin.MaxMessage)
	for name, call := range map[string]func() error{
		"K08 form beyond 4 MiB":         func() error { return inbound(sdk.InboundRequest{Form: url.Values{"a": {large}}}) },
		"E18 query that is no UTF-8":    func() error { return inbound(sdk.InboundRequest{Query: url.Values{"code": {"\xff"}}}) },
		"E18 name that is no UTF-8":     func() error { return inbound(sdk.InboundRequest{Query: url.Values{"\xff": {"x"}}}) },
		"E18 raw query that is no UTF8": func() error { return inbound(sdk.InboundRequest{RawQuery: "code=\xff"}) },
		"E18 answer that is no UTF-8":   func() error { return cont(sdk.ContinueRequest{Answers: map[string]string{"password": "p\xe4ss"}}) },
		"E18 login hint that is no UTF-8": func() error {
			_, err := p.Begin(t.Context(), sdk.BeginRequest{LoginHint: "\xff"})
			return err
		},
		"E18 logout that is no UTF-8": func() error {
			_, err := p.ReceiveLogout(t.Context(), sdk.LogoutMessage{Request: sdk.InboundRequest{Form: url.Values{"logout_token": {"\xff"}}}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := call()
			if !errors.Is(err, sdk.ErrInvalidResponse) || errors.Is(err, plugin.ErrFault) || errors.Is(err, plugin.ErrTransport) {
				t.Errorf("got %v, want an invalid response", err)
			}
		})
	}
	if err := cont(sdk.ContinueRequest{Response: sdk.InboundRequest{Form: url.Values{"a": {large[:plugin.MaxMessage-1024]}}}}); err != nil {
		t.Errorf("just below 4 MiB: %v", err)
	}
}

func TestAnswerBeyondTheLimit(t *testing.T) {
	size := plugin.MaxMessage - 64
	p := open(t, scripted{begin: func(context.Context, sdk.BeginRequest) (sdk.Step, error) {
		return sdk.Redirect{URL: strings.Repeat("A", size)}, nil
	}})
	if _, err := p.Begin(t.Context(), sdk.BeginRequest{}); err != nil {
		t.Errorf("just below 4 MiB: %v", err)
	}
	size = plugin.MaxMessage
	if _, err := p.Begin(t.Context(), sdk.BeginRequest{}); !errors.Is(err, plugin.ErrFault) {
		t.Errorf("K08 beyond 4 MiB: got %v, want a fault", err)
	}
}
