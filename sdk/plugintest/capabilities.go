package plugintest

import (
	"errors"
	"slices"
	"testing"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/plugin"
)

// capabilities makes every call with an empty request. An announced capability is
// allowed to refuse it, but must neither fail nor be missing.
func (c *conformance) capabilities(t *testing.T) {
	p := c.open(t)
	announced := p.Capabilities()
	probes := map[sdk.Capability]func() error{
		sdk.CapabilityRefresh:       func() error { _, err := p.Refresh(t.Context(), nil); return err },
		sdk.CapabilityBeginLogout:   func() error { return beginLogout(t, p) },
		sdk.CapabilityReceiveLogout: func() error { return receiveLogout(t, p) },
		sdk.CapabilityMetadata:      func() error { return metadata(t, p) },
		sdk.CapabilityCheck:         func() error { return check(t, p) },
	}
	for _, capability := range sdk.AllCapabilities() {
		call, ok := probes[capability]
		if !ok {
			t.Errorf("the suite does not call %s", capability)
			continue
		}
		err := call()
		switch {
		case !slices.Contains(announced, capability):
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("calling %s, which is not announced: got %v, want errors.ErrUnsupported", capability, err)
			}
		case errors.Is(err, plugin.ErrFault), errors.Is(err, plugin.ErrTransport), errors.Is(err, errors.ErrUnsupported):
			t.Errorf("%s with an empty request: %v", capability, err)
		}
	}
}

func beginLogout(t *testing.T, p *plugin.Provider) error {
	step, err := p.BeginLogout(t.Context(), sdk.LogoutRequest{State: testState})
	if err != nil || step == nil {
		return err
	}
	// Not every provider returns a state after a logout.
	if err := contract.CheckReply(step); err != nil {
		t.Errorf("begin_logout: %v", err)
	}
	return nil
}

func receiveLogout(t *testing.T, p *plugin.Provider) error {
	logout, err := p.ReceiveLogout(t.Context(), sdk.LogoutMessage{Request: sdk.InboundRequest{Method: "GET"}})
	if err == nil {
		t.Errorf("receive_logout accepted an empty message: subject %q, sessions %q", logout.Subject, logout.SessionIDs)
	}
	return err
}

func metadata(t *testing.T, p *plugin.Provider) error {
	doc, err := p.Metadata(t.Context())
	if err != nil {
		return err
	}
	if err := contract.CheckDocument(doc); err != nil {
		t.Errorf("metadata: %v", err)
	}
	return nil
}

func check(t *testing.T, p *plugin.Provider) error {
	findings, err := p.Check(t.Context())
	if err := contract.CheckFindings(findings); err != nil {
		t.Errorf("check: %v", err)
	}
	return err
}
