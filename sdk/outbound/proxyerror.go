package outbound

import (
	"errors"
	"fmt"

	"github.com/doorward/doorward/sdk"
)

// ProxyError is a failure of a proxy, or a refusal. It names the proxy and the setting,
// and never user or password. What only the operator can change is an
// sdk.ErrMisconfigured, too.
type ProxyError struct {
	Proxy   string // host:port
	Setting string
	Text    string // follows them: "asks for a user and a password"

	cause         error
	misconfigured bool
	another       bool // the target's next address may do
}

// Error returns "proxy host:port (SETTING) text".
func (e *ProxyError) Error() string {
	text := fmt.Sprintf("proxy %s (%s) %s", e.Proxy, e.Setting, e.Text)
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the cause, and sdk.ErrMisconfigured if it is that.
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

// fails is for what may pass.
func (p *Proxy) fails(text string, cause error) *ProxyError {
	return &ProxyError{Proxy: p.Address(), Setting: p.setting, Text: text, cause: cause}
}

// misconfigured is for what the operator must change.
func (p *Proxy) misconfigured(format string, args ...any) *ProxyError {
	return &ProxyError{Proxy: p.Address(), Setting: p.setting, Text: fmt.Sprintf(format, args...), misconfigured: true}
}

func (p *Proxy) unreachable(err error) error {
	if errors.Is(err, ErrAddressDenied) {
		return p.fails("is not asked", err)
	}
	return p.fails("cannot be reached", err)
}
