package sdk

import (
	"context"
	"time"
)

// A Checker finds out what is wrong with a provider and its options.
type Checker interface {
	// Check looks at everything it can without signing anybody in. For a provider
	// without problems it returns only findings of SeverityOK. It returns an error
	// only if it could not run at all.
	//
	// Before the findings, the host shows the connections that Check made through Env,
	// step by step and each server once: see WayStep. Check therefore makes requests
	// even if it knows the responses already, and does not repeat what these steps
	// say. Its context ends early enough to show what was found until then.
	Check(ctx context.Context) ([]Finding, error)
}

// Finding is one line of a check, for the operator. The host prints it in this JSON form
// for programs.
type Finding struct {
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"` // what was checked, such as "discovery"; the same each time
	Text     string   `json:"text"`    // what was found, and what to change

	// Target is the server that the finding is about, as it was dialled: host:port, or the
	// path of a socket. Empty: the finding is about the provider. Findings about one
	// server are shown together.
	Target string `json:"target,omitempty"`

	// Step is the step of connecting to Target that the finding is about. Empty: the
	// finding is about something else.
	Step WayStep `json:"step,omitempty"`

	// ExpiresAt is when the checked object, such as a certificate, ceases to be valid.
	// The host warns before that. The zero value means never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// Bounds of the findings of one check.
const (
	MaxFindings = 200
	MaxTarget   = 320 // bytes: enough for a host name of 255 and a port, or the path of a socket
)

// Severity grades a finding.
type Severity string

// The severities.
const (
	SeverityOK      Severity = "ok"
	SeverityWarning Severity = "warning"
	SeverityError   Severity = "error"
)

// WayStep is a step of connecting to a server of the provider.
type WayStep string

// The steps, in their order. A connection has only the steps that it needs, and ends at
// the first that fails. The SDK records them when a mechanism connects through Env. A
// mechanism that connects in another way can report them in its own findings.
const (
	StepProxy    WayStep = "proxy"     // which proxy was chosen, or none, and why
	StepResolve  WayStep = "resolve"   // names to addresses, by this machine or by the proxy
	StepConnect  WayStep = "connect"   // the address, of the proxy or of the server
	StepProxyTLS WayStep = "proxy_tls" // TLS with a proxy that is reached by TLS
	StepTunnel   WayStep = "tunnel"    // the proxy's response
	StepTLS      WayStep = "tls"       // version, chain, authority, expiry
	StepHTTP     WayStep = "http"      // the server's response to a request
	StepClock    WayStep = "clock"     // the server's time compared with this machine's
)

// WaySteps lists the steps in their order.
func WaySteps() []WayStep {
	return []WayStep{StepProxy, StepResolve, StepConnect, StepProxyTLS, StepTunnel, StepTLS, StepHTTP, StepClock}
}
