package sdk

import (
	"context"
	"net/url"
)

// A Mechanism signs end users in through one configured provider.
//
// A login is a conversation: Begin returns the first step, and the host calls
// Continue with what came back, until a step is [Authenticated] or an error ends
// the login. The host calls both from many goroutines at once.
//
// Keep no state of a login between two calls. What Continue needs travels in the
// Memory of the previous step, so that a login survives a restart or a replacement
// of the plugin, and another node can finish it. You may cache keys and pool
// connections.
//
// For an expected refusal, both return an error of one of the kinds of this package
// ([ErrDenied], [ErrInvalidResponse], [ErrUnavailable], [ErrMisconfigured]). Any
// other error counts as a fault of the plugin.
//
// A mechanism can also implement the optional interfaces [Refresher],
// [LogoutBeginner], [LogoutReceiver], [MetadataPublisher] and [Checker].
//
// If a mechanism implements io.Closer, it is closed when its provider is changed or
// removed while the process keeps running, after the calls in flight on it have
// ended. End goroutines and close connections there.
type Mechanism interface {
	// Begin starts a login. It must have no effect that cannot be repeated: the
	// host may call it again after a crash.
	Begin(ctx context.Context, req BeginRequest) (Step, error)

	// Continue takes a login to its next step. The host calls it at most once for
	// each step and never repeats it, because codes and assertions are single-use
	// and a repeated bind can lock an account.
	Continue(ctx context.Context, req ContinueRequest) (Step, error)
}

// BeginRequest is what is known when a login starts.
type BeginRequest struct {
	// State is an opaque token of at most 64 URL-safe characters that the
	// mechanism must make the provider return: state in OAuth 2.0 (RFC 6749
	// section 4.1.1), RelayState in SAML 2.0. The host uses it to find and
	// authenticate the login.
	//
	// It must come back exactly once, in the query or in the form, under "state",
	// "RelayState" or one of the StateParameters of the plugin's Description
	// (wctx in WS-Federation). Where a protocol has no such parameter, ReturnURL
	// carries it.
	State string

	// LoginHint is who the end user claims to be. It comes from the browser:
	// pass it on or ignore it, never trust it.
	LoginHint string

	// Consent asks the provider to obtain the end user's consent again
	// (prompt=consent in OpenID Connect Core section 3.1.2.1).
	Consent bool

	// CallbackURL is where this login comes back to. It equals Env.CallbackURL, unless
	// the host has several public URLs. Empty: the host does not tell it, use
	// Env.CallbackURL.
	CallbackURL string

	// ReturnURL is the CallbackURL with the State in its query, for protocols that
	// carry no state: the service in CAS, the return_to in OpenID 2.0. The mechanism
	// also receives what the provider adds to the query, or posts there. The state must
	// come back only once. Empty: the host does not have FeatureReturnURL.
	ReturnURL string
}

// ContinueRequest is what came back from the provider or the end user.
// Everything in it except State and Memory is hostile until checked.
type ContinueRequest struct {
	// State is the State of the BeginRequest that this login started with,
	// empty if Unsolicited.
	State string

	// Memory is that of the previous step, unchanged; nil if Unsolicited.
	// The host seals it: nobody outside the host can read or alter it.
	Memory []byte

	// Response is the request with which the browser returned from the
	// provider. It is the zero value when the previous step was a Prompt.
	Response InboundRequest

	// Answers holds what the end user entered, by the name of the field, when
	// the previous step was a Prompt. It has only fields that the prompt declared.
	Answers map[string]string

	// Unsolicited marks a response that belongs to no login that the host began. It
	// occurs only where the provider's options allow it.
	Unsolicited bool

	// CallbackURL is the CallbackURL of the BeginRequest that this login started with,
	// or the URL at which an unsolicited response arrived.
	CallbackURL string
}

// InboundRequest is an HTTP request that a provider sent, or had the browser
// send, to a URL of the host. Header fields and cookies are deliberately absent.
type InboundRequest struct {
	// Method is GET or POST.
	Method string

	// Query holds the parameters of the URL, Form those of an urlencoded body.
	// They are never merged. A parameter that occurs twice has two values.
	Query url.Values
	Form  url.Values

	// RawQuery is the query as received, byte for byte, for signatures that
	// cover it (SAML 2.0 bindings section 3.4.4.1).
	RawQuery string
}

// Limits of an InboundRequest. Anybody can send one, so the host refuses larger
// requests before they reach the mechanism.
const (
	DefaultInbound = 16 << 10 // bytes of the query, or of the body, as sent; a plugin can raise it (Description.MaxInbound)
	MaxInbound     = 1 << 20  // ... but not above this

	MaxInboundValues = 64 // of query and form together
)
