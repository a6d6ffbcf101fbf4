package sdk

import (
	"errors"
	"slices"
	"time"
)

// A Call names a call of the host to a mechanism.
type Call string

// The calls that every mechanism answers. The others bear the names of their
// capabilities: Call(CapabilityRefresh).
const (
	CallBegin    Call = "begin"
	CallContinue Call = "continue"
)

// calls is the one table of what can be called: whether a mechanism has it, the
// deadline that the plugin is told, and whether the host may repeat a call under
// which the plugin died. Never Continue: codes are single-use, and a repeated bind
// can lock an account. Nor Refresh: a refresh token may be single-use, too. Nor
// ReceiveLogout, which may spend what is.
var calls = []struct {
	call       Call
	has        func(Mechanism) bool // nil: every mechanism has it
	deadline   time.Duration
	repeatable bool
}{
	{CallBegin, nil, 15 * time.Second, true},
	{CallContinue, nil, 25 * time.Second, false}, // may have to ask the provider several times
	{Call(CapabilityRefresh), is[Refresher], 10 * time.Second, false},
	{Call(CapabilityBeginLogout), is[LogoutBeginner], 8 * time.Second, true}, // somebody waits, and is signed out here already
	{Call(CapabilityReceiveLogout), is[LogoutReceiver], 15 * time.Second, false},
	{Call(CapabilityMetadata), is[MetadataPublisher], 10 * time.Second, true},
	{Call(CapabilityCheck), is[Checker], 60 * time.Second, true},
}

func is[T any](m Mechanism) bool {
	_, ok := m.(T)
	return ok
}

// Calls lists the names of all calls.
func Calls() []Call {
	var list []Call
	for _, c := range calls {
		list = append(list, c.call)
	}
	return list
}

// Deadline is how long the host lets the call take, at most: the context that the
// mechanism gets has it, or an earlier one. It is zero for a call that there is not.
func (c Call) Deadline() time.Duration {
	for _, row := range calls {
		if row.call == c {
			return row.deadline
		}
	}
	return 0
}

// Repeatable reports whether the host may make the call again after the plugin
// died under it.
func (c Call) Repeatable() bool {
	for _, row := range calls {
		if row.call == c {
			return row.repeatable
		}
	}
	return false
}

// A Capability names an optional interface of a Mechanism, and the call to it.
type Capability string

// The capabilities, announced by the SDK for each opened provider.
const (
	CapabilityRefresh       Capability = "refresh"        // Refresher
	CapabilityBeginLogout   Capability = "begin_logout"   // LogoutBeginner
	CapabilityReceiveLogout Capability = "receive_logout" // LogoutReceiver
	CapabilityMetadata      Capability = "metadata"       // MetadataPublisher
	CapabilityCheck         Capability = "check"          // Checker
)

// AllCapabilities lists the capabilities that this version of the SDK knows.
func AllCapabilities() []Capability {
	var list []Capability
	for _, c := range calls {
		if c.has != nil {
			list = append(list, Capability(c.call))
		}
	}
	return list
}

// Capabilities lists which optional interfaces m implements.
func Capabilities(m Mechanism) []Capability {
	var list []Capability
	for _, c := range calls {
		if c.has != nil && c.has(m) {
			list = append(list, Capability(c.call))
		}
	}
	return list
}

// LackingError is how a capability that a mechanism does not have is reported, on
// both ends of the wire. It wraps errors.ErrUnsupported.
type LackingError struct{ Capability Capability }

// Error names the capability.
func (e *LackingError) Error() string {
	return "the mechanism lacks the capability " + string(e.Capability)
}

// Unwrap returns errors.ErrUnsupported.
func (e *LackingError) Unwrap() error { return errors.ErrUnsupported }

// As returns m as the optional interface T of a capability, or a LackingError.
func As[T any](m Mechanism, c Capability) (T, error) {
	t, ok := m.(T)
	if !ok || !slices.Contains(AllCapabilities(), c) {
		return t, &LackingError{c}
	}
	return t, nil
}
