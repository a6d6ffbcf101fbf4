package outbound

import (
	"errors"
	"fmt"

	"github.com/doorward/doorward/sdk"
)

// ProxyError is a failure of a proxy, or a refusal. It names the proxy and the setting,
// and never the user or password. If only the operator can fix it, it is also an
// sdk.ErrMisconfigured.
type ProxyError struct {
	Proxy   string // host:port
	Setting string
	Text    string // follows them: "asks for a user and a password"

	// OfTarget: the failure concerns the target, and other targets may be reachable. So
	// does a timeout, because the proxy may be waiting for the target.
	OfTarget bool

	cause         error
	misconfigured bool
	another       bool // the target's next address may work
}

// Error returns "proxy host:port (SETTING) text".
func (e *ProxyError) Error() string {
	text := fmt.Sprintf("proxy %s (%s) %s", e.Proxy, e.Setting, e.Text)
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the cause, and sdk.ErrMisconfigured if only the operator can fix it.
func (e *ProxyError) Unwrap() []error {
	var list []error
	if e.cause != nil {
		list = append(list, e.cause)
	}
	if e.misconfigured {
		list = append(list, sdk.ErrMisconfigured)
	}
	return list
}

// fails makes an error that may be temporary.
func (p *Proxy) fails(text string, cause error) *ProxyError {
	return &ProxyError{Proxy: p.Address(), Setting: p.setting, Text: text, cause: cause}
}

// misconfigured makes an error that the operator must fix.
func (p *Proxy) misconfigured(format string, args ...any) *ProxyError {
	return &ProxyError{Proxy: p.Address(), Setting: p.setting, Text: fmt.Sprintf(format, args...), misconfigured: true}
}

// ofTarget makes the error concern the target.
func (e *ProxyError) ofTarget() *ProxyError {
	e.OfTarget = true
	return e
}

func (p *Proxy) unreachable(err error) error {
	if errors.Is(err, ErrAddressDenied) {
		return p.fails("is not used", err)
	}
	return p.fails("cannot be reached", err)
}
