package sdk

import (
	"context"
	"time"
)

// A Checker finds out what is wrong with a provider and its options.
type Checker interface {
	// Check looks at everything it can without signing anybody in. A provider
	// in good order has only findings of SeverityOK. The error is for a check
	// that could not run at all.
	//
	// What Check connects to through Env is shown step by step before its findings,
	// each server once: see WayStep. So Check makes requests of its own, although it
	// may know the answers, and does not repeat what these steps say. Its context ends
	// in time for what was found until then to be shown.
	Check(ctx context.Context) ([]Finding, error)
}

// Finding is one line of a check, for the operator. As JSON it is what the host prints
// for programs.
type Finding struct {
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"` // what was looked at, such as "discovery"; the same each time
	Text     string   `json:"text"`    // what was found, and what to change

	// Target is the server that this is about, as it was dialled: host:port, or the path
	// of a socket. Empty: it is about the provider. What is about one server is shown
	// together.
	Target string `json:"target,omitempty"`

	// Step is the step on the way to Target that this is about. Empty: what comes after
	// the way, or has none.
	Step WayStep `json:"step,omitempty"`

	// ExpiresAt is when what was looked at ends to be good, such as a
	// certificate. The host warns ahead of it. The zero value means never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// Bounds of the findings of one check.
const (
	MaxFindings = 200
	MaxTarget   = 320 // bytes: a host of 255 and a port, and more than a path of a socket
)

// Severity grades a finding.
type Severity string

// The severities.
const (
	SeverityOK      Severity = "ok"
	SeverityWarning Severity = "warning"
	SeverityError   Severity = "error"
)

// WayStep is a step on the way to a server of the provider.
type WayStep string

// The steps, in their order. A way has those that it needs, and ends at the first that
// fails. The SDK finds them when a mechanism connects; a mechanism that connects by
// itself to something else may tell them, too.
const (
	StepProxy    WayStep = "proxy"     // which one was chosen, or none, and why
	StepResolve  WayStep = "resolve"   // names to addresses, by this machine or by the proxy
	StepConnect  WayStep = "connect"   // to which address, of the proxy or of the server
	StepProxyTLS WayStep = "proxy_tls" // with a proxy that is reached by TLS
	StepTunnel   WayStep = "tunnel"    // what the proxy answers
	StepTLS      WayStep = "tls"       // version, chain and whose authority, expiry
	StepHTTP     WayStep = "http"      // what the server answers to a request
	StepClock    WayStep = "clock"     // its time against ours
)

// WaySteps lists the steps in their order.
func WaySteps() []WayStep {
	return []WayStep{StepProxy, StepResolve, StepConnect, StepProxyTLS, StepTunnel, StepTLS, StepHTTP, StepClock}
}
