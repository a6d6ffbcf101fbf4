// Package way turns the connections to the servers of a provider into the findings of a
// check: which proxy was chosen and why, which addresses the names resolved to, which
// address accepted the connection, how the proxy responded, who issued the server's
// certificate, and how the server responded.
package way

import (
	"slices"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
)

// maxTargets bounds the servers that are shown. With eight steps for each, there is room
// for the findings of a mechanism.
const maxTargets = 16

// Findings returns the steps of connections, in the order of the first connection to each
// server. Each server is shown once: a connection that failed, or otherwise the first one.
// The steps end at one that fails or hangs. With clocks, the clocks of servers are compared
// with now.
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
			continue // a DNS query: a datagram does not show whether the server was reached
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

// sameWay compares pointers, because there is one Proxy for each setting that names it.
func sameWay(a, b outbound.Connection) bool {
	return a.Target == b.Target && a.Choice.Proxy == b.Choice.Proxy && a.Choice.Why == b.Choice.Why
}

func failed(c outbound.Connection) bool {
	w := walk{Connection: c}
	return !w.steps()
}

// walk is one connection with its findings.
type walk struct {
	outbound.Connection
	now      time.Time
	findings []sdk.Finding
}

// steps goes through the steps until one fails.
func (w *walk) steps() (arrived bool) {
	for _, step := range []func() bool{w.proxy, w.resolve, w.connect, w.proxyTLS, w.tunnel, w.tls, w.http} {
		if !step() {
			return false
		}
	}
	return true
}

// subjects say what was checked, for readers that do not know the steps.
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

// report adds a finding for a step. It returns false, to stop, if the finding is an error.
func (w *walk) report(step sdk.WayStep, f sdk.Finding) bool {
	f.Subject, f.Target, f.Step = subjects[step]+shown(w.Target), shown(w.Target), step
	w.findings = append(w.findings, f)
	return f.Severity != sdk.SeverityError
}
