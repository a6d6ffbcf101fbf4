// Package way tells the ways to the servers of a provider, as the findings of a check:
// which proxy was chosen and why, what names stand for, which address took the
// connection, what the proxy answered, who vouches for the server, what it answered.
package way

import (
	"slices"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
)

// maxTargets bounds the servers whose way is told. Eight steps of each leave room for
// the findings of a mechanism.
const maxTargets = 16

// Findings tells the ways of connections, in the order in which the servers were first
// connected to. Each server is told once: how a connection failed, or else how the first
// one was made. Each way ends at the step that fails, or that hangs. The clocks of servers
// are compared with now if that is wanted.
func Findings(connections []outbound.Connection, now time.Time, clocks bool) []sdk.Finding {
	var findings []sdk.Finding
	for _, c := range eachOnce(connections) {
		w := walk{Connection: c, now: now}
		w.steps()
		if clocks {
			w.clock()
		}
		findings = append(findings, w.findings...)
	}
	return findings
}

// eachOnce picks a connection for each server and choice of a proxy.
func eachOnce(connections []outbound.Connection) []outbound.Connection {
	var list []outbound.Connection
	for _, c := range connections {
		if !isTCPOrSocket(c.Network) && c.Err == nil {
			continue // a question to the DNS: a datagram says nothing about a way
		}
		at := slices.IndexFunc(list, func(one outbound.Connection) bool { return sameWay(one, c) })
		switch {
		case at < 0 && len(list) < maxTargets:
			list = append(list, c)
		case at >= 0 && !failed(list[at]) && failed(c):
			list[at] = c
		}
	}
	return list
}

func isTCPOrSocket(network string) bool {
	return slices.Contains([]string{"tcp", "tcp4", "tcp6", "unix"}, network)
}

// sameWay: a proxy is made once for each setting that names it.
func sameWay(a, b outbound.Connection) bool {
	return a.Target == b.Target && a.Choice.Proxy == b.Choice.Proxy && a.Choice.Why == b.Choice.Why
}

func failed(c outbound.Connection) bool {
	w := walk{Connection: c}
	return !w.steps()
}

// walk is one way with what was found on it.
type walk struct {
	outbound.Connection
	now      time.Time
	findings []sdk.Finding
}

// steps goes on until one fails.
func (w *walk) steps() (arrived bool) {
	for _, step := range []func() bool{w.proxy, w.resolve, w.connect, w.proxyTLS, w.tunnel, w.tls, w.http} {
		if !step() {
			return false
		}
	}
	return true
}

// subjects say what was looked at, for whoever does not know of steps.
var subjects = map[sdk.WayStep]string{
	sdk.StepProxy:    "proxy for ",
	sdk.StepResolve:  "name of ",
	sdk.StepConnect:  "connection to ",
	sdk.StepProxyTLS: "certificate of the proxy for ",
	sdk.StepTunnel:   "tunnel to ",
	sdk.StepTLS:      "certificate of ",
	sdk.StepHTTP:     "request to ",
	sdk.StepClock:    "clock of ",
}

// told keeps a finding as that of a step, and goes on unless it is an error.
func (w *walk) told(step sdk.WayStep, f sdk.Finding) bool {
	f.Subject, f.Target, f.Step = subjects[step]+shown(w.Target), shown(w.Target), step
	w.findings = append(w.findings, f)
	return f.Severity != sdk.SeverityError
}
