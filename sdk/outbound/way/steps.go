package way

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/upstream"
)

// shown returns a host and port from a provider's document: printable, and no longer than
// the limit of a target.
func shown(target string) string { return upstream.Clip(target, sdk.MaxTarget-len("...")) }

func (w *walk) proxy() bool {
	if p := w.Choice.Proxy; p != nil {
		return w.report(sdk.StepProxy, fine("%s, by %s", p, w.Choice.Why))
	}
	return w.report(sdk.StepProxy, fine("none: %s", w.Choice.Why))
}

// resolve shows only names: addresses are not looked up.
func (w *walk) resolve() bool {
	var texts []string
	for _, l := range w.Lookups {
		switch {
		case l.Took == 0:
			return w.report(sdk.StepResolve, failure("looking up %s has had no answer for %s: check the DNS servers of this machine", shown(l.Host), waited(l.Began, l.Took)))
		case l.Err != nil:
			return w.report(sdk.StepResolve, w.unresolved(l))
		}
		texts = append(texts, fmt.Sprintf("%s is %s (%s)", shown(l.Host), addresses(l.Addresses), rounded(l.Took)))
	}
	if host := w.resolvedByProxy(); host != "" {
		texts = append(texts, host+" is resolved by the proxy")
	}
	if len(texts) == 0 {
		return true
	}
	return w.report(sdk.StepResolve, fine("%s", strings.Join(texts, "; ")))
}

func (w *walk) unresolved(l outbound.Lookup) sdk.Finding {
	switch {
	case w.Err == nil || errors.Is(w.Err, context.Canceled):
		return failure("looking up %s was cancelled after %s", shown(l.Host), rounded(l.Took))
	case w.Choice.Proxy != nil:
		return failure("%s: correct the name, or the DNS of this machine", text(w.Err))
	}
	return failure("%s: correct the name, or the DNS of this machine; if only a proxy can resolve the name, set the proxy", text(w.Err))
}

// resolvedByProxy returns the host if it is a name that the proxy resolves.
func (w *walk) resolvedByProxy() string {
	host, _, err := net.SplitHostPort(w.Target)
	if w.Choice.Proxy == nil || w.Choice.Proxy.Scheme() == "socks5" || err != nil {
		return ""
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	return shown(host)
}

const maxAddresses = 8

func addresses(list []netip.Addr) string {
	var texts []string
	for _, a := range list[:min(len(list), maxAddresses)] {
		texts = append(texts, a.String())
	}
	if len(list) > maxAddresses {
		texts = append(texts, fmt.Sprintf("and %d more", len(list)-maxAddresses))
	}
	return strings.Join(texts, ", ")
}

func (w *walk) connect() bool {
	p := w.Choice.Proxy
	switch {
	case w.Connected != "" && p != nil:
		return w.report(sdk.StepConnect, fine("to the proxy at %s (%s)", w.Connected, rounded(w.ConnectedIn)))
	case w.Connected != "" && !abandoned(w.Err, w.Took):
		return w.report(sdk.StepConnect, fine("to %s (%s)", w.Connected, rounded(w.ConnectedIn)))
	case abandoned(w.Err, w.Took) && p != nil:
		return w.report(sdk.StepConnect, failure("proxy %s (%s) has not accepted the connection for %s", p.Address(), p.Setting(), waited(w.Began, w.Took)))
	case abandoned(w.Err, w.Took):
		return w.report(sdk.StepConnect, failure("has hung for %s: a firewall on the way may drop packets", waited(w.Began, w.Took)))
	case p == nil && !errors.Is(w.Err, outbound.ErrAddressDenied) && isDialing(w.Err):
		return w.report(sdk.StepConnect, failure("%s: is the server running, and does a firewall admit this machine?", text(w.Err)))
	}
	return w.report(sdk.StepConnect, failure("%s", text(w.Err)))
}

// isDialing reports whether the error needs a hint. Other errors say what to change.
func isDialing(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func (w *walk) proxyTLS() bool {
	p := w.Choice.Proxy
	switch h := w.ProxyTLS; {
	case h == nil:
		return true
	case h.State != nil:
		return w.report(sdk.StepProxyTLS, certificate(h, w.now))
	case abandoned(h.Err, h.Took):
		return w.report(sdk.StepProxyTLS, failure("proxy %s (%s) accepted the connection, but the TLS handshake has hung for %s", p.Address(), p.Setting(), waited(h.Began, h.Took)))
	}
	return w.report(sdk.StepProxyTLS, failure("%s", text(cmp.Or(w.Err, w.ProxyTLS.Err))))
}

func (w *walk) tunnel() bool {
	p := w.Choice.Proxy
	switch {
	case p == nil:
		return true
	case w.Stands():
		return w.report(sdk.StepTunnel, fine("the proxy connects to %s: %s", shown(w.Target), w.Answered))
	case abandoned(w.Err, w.Took):
		return w.report(sdk.StepTunnel, failure("proxy %s (%s) accepted the connection, but has not answered for %s: a firewall may drop packets, there or behind it", p.Address(), p.Setting(), waited(w.Began, w.Took)))
	}
	return w.report(sdk.StepTunnel, failure("%s", text(w.Err)))
}

func (w *walk) tls() bool {
	switch h := w.TLS; {
	case h == nil: // none, or the mechanism came no further
		return true
	case h.State != nil:
		return w.report(sdk.StepTLS, certificate(h, w.now))
	case hung(h.Err, h.Took):
		return w.report(sdk.StepTLS, failure("the server accepted the connection, but the TLS handshake has hung for %s: does it speak TLS at this port?", waited(h.Began, h.Took)))
	}
	return w.report(sdk.StepTLS, failure("%s", text(w.TLS.Err)))
}

func (w *walk) http() bool {
	switch e := w.HTTP; {
	case e == nil:
		return true
	case hung(e.Err, e.Took):
		return w.report(sdk.StepHTTP, failure("the request was sent, but the server has not answered for %s", waited(e.Began, e.Took)))
	case e.Err != nil:
		return w.report(sdk.StepHTTP, failure("%s", text(e.Err)))
	}
	return w.report(sdk.StepHTTP, fine("%s, status %d (%s)", upstream.Shown(w.HTTP.Protocol), w.HTTP.Status, rounded(w.HTTP.Took)))
}

// clockTolerated is the difference that most protocols tolerate.
const clockTolerated = 2 * time.Minute

// clock compares the server's time with this machine's time at that moment.
func (w *walk) clock() {
	if w.HTTP == nil || w.HTTP.Date.IsZero() {
		return
	}
	ours := w.now.Add(-time.Since(w.HTTP.Began.Add(w.HTTP.Took)))
	w.report(sdk.StepClock, upstream.Clock("the server", ours, w.HTTP.Date, clockTolerated, "messages that are signed with a time may be refused"))
}

// abandoned reports whether nobody waited for the end: there is no result, or only the
// cancellation.
func abandoned(err error, took time.Duration) bool {
	return err == nil && took == 0 || errors.Is(err, context.Canceled)
}

// hung reports whether it was abandoned, or ended by a time limit.
func hung(err error, took time.Duration) bool {
	limited, ok := errors.AsType[net.Error](err)
	return abandoned(err, took) || ok && limited.Timeout()
}

// waited returns how long something took that may still be running.
func waited(began time.Time, took time.Duration) string {
	if took == 0 {
		took = time.Since(began)
	}
	return rounded(took)
}

// text returns the text of an error, cut to a length that is enough for an error of a
// proxy that says what to change.
func text(err error) string { return upstream.Clip(err.Error(), sdk.MaxDetail/2) }

func fine(format string, args ...any) sdk.Finding { return upstream.Fine("", format, args...) }

func failure(format string, args ...any) sdk.Finding {
	return upstream.Failed("", fmt.Errorf(format, args...))
}

// rounded returns a duration in a form for people.
func rounded(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1ms"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
