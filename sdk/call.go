package sdk

import (
	"errors"
	"slices"
	"time"
)

// A Call names a call of the host to a mechanism.
type Call string

// The calls that every mechanism answers. The other calls have the names of their
// capabilities: Call(CapabilityRefresh).
const (
	CallBegin    Call = "begin"
	CallContinue Call = "continue"
)

// calls lists all calls: whether a mechanism supports the call, its deadline, and
// whether the host may repeat it if the plugin dies during the call. It never repeats
// Continue, because codes are single-use and a repeated bind can lock an account;
// nor Refresh, because a refresh token may be single-use; nor ReceiveLogout, which may
// use up something single-use.
var calls = []struct {
	call       Call
	has        func(Mechanism) bool // nil: every mechanism supports it
	deadline   time.Duration
	repeatable bool
}{
	{CallBegin, nil, 15 * time.Second, true},
	{CallContinue, nil, 25 * time.Second, false}, // may need several requests to the provider
	{Call(CapabilityRefresh), is[Refresher], 10 * time.Second, false},
	{Call(CapabilityBeginLogout), is[LogoutBeginner], 8 * time.Second, true}, // a person waits, who is already signed out here
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

// Deadline is the longest time that the host allows for the call: the context that the
// mechanism gets ends then, or earlier. It is zero for an unknown call.
func (c Call) Deadline() time.Duration {
	for _, row := range calls {
		if row.call == c {
			return row.deadline
		}
	}
	return 0
}

// Repeatable reports whether the host may make the call again if the plugin dies
// during it.
func (c Call) Repeatable() bool {
	for _, row := range calls {
		if row.call == c {
			return row.repeatable
		}
	}
	return false
}

// A Capability names an optional interface of a Mechanism, and its call.
type Capability string

// The capabilities, announced by the SDK for each opened provider.
const (
	CapabilityRefresh       Capability = "refresh"        // Refresher
	CapabilityBeginLogout   Capability = "begin_logout"   // LogoutBeginner
	CapabilityReceiveLogout Capability = "receive_logout" // LogoutReceiver
	CapabilityMetadata      Capability = "metadata"       // MetadataPublisher
	CapabilityCheck         Capability = "check"          // Checker
)

// AllCapabilities lists the capabilities that this version of the SDK supports.
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

// LackingError reports, on both ends of the wire, that a mechanism does not have a
// capability. It wraps errors.ErrUnsupported.
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
