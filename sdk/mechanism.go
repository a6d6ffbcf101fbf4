package sdk

import (
	"context"
	"net/url"
)

// A Mechanism signs end users in through one configured provider.
//
// A login is a conversation: Begin says what happens first, and Continue is
// called with what came back, until a Step is [Authenticated] or an error ends
// the login. The host calls both from many goroutines at once.
//
// Nothing may be remembered between the two calls: what Continue needs travels
// in the Memory of the step before it, so that a login survives a restart or a
// swap of the plugin and may be finished by another node. Caches of keys and
// pools of connections are fine.
//
// Both return one of the kinds of this package for an expected refusal
// ([ErrDenied], [ErrInvalidResponse], [ErrUnavailable], [ErrMisconfigured]);
// any other error counts as a fault of the plugin.
//
// A mechanism that can do more also implements [Refresher], [LogoutBeginner],
// [LogoutReceiver], [MetadataPublisher] or [Checker].
//
// A mechanism that implements io.Closer is closed when its provider is changed or
// removed while the process goes on, after the calls in flight on it have ended.
// That is the place to end goroutines and connections.
type Mechanism interface {
	// Begin starts a login. It must have no effect that cannot be repeated: the
	// host may call it again after a crash.
	Begin(ctx context.Context, req BeginRequest) (Step, error)

	// Continue goes on with a login. The host calls it at most once for each
	// step and never repeats it, because codes and assertions are single-use
	// and a repeated bind can lock an account.
	Continue(ctx context.Context, req ContinueRequest) (Step, error)
}

// BeginRequest is what is known when a login starts.
type BeginRequest struct {
	// State is an opaque token of at most 64 URL-safe characters that the
	// mechanism must make the provider return: state in OAuth 2.0 (RFC 6749
	// section 4.1.1), RelayState in SAML 2.0. The host finds and authenticates
	// the login by it.
	//
	// It must come back exactly once, in the query or in the form, under "state",
	// "RelayState" or a name among the StateParameters of the plugin's Description
	// (wctx in WS-Federation). Where a protocol has no such parameter, ReturnURL
	// carries it.
	State string

	// LoginHint is who the end user says they are. It comes from the browser:
	// pass it on or ignore it, never believe it.
	LoginHint string

	// Consent asks the provider to obtain the end user's consent again
	// (prompt=consent in OpenID Connect Core section 3.1.2.1).
	Consent bool

	// CallbackURL is where this login comes back to. It is that of Env, unless the
	// host has several public URLs. Empty: the host does not tell, use that of Env.
	CallbackURL string

	// ReturnURL is the CallbackURL with the State in its query, for protocols that
	// carry none: a service in CAS, a return_to in OpenID 2.0. What else the
	// provider adds to the query, or posts there, comes along; the state must come
	// back once only. Empty: the host does not have FeatureReturnURL.
	ReturnURL string
}

// ContinueRequest is what came back from the provider or the end user.
// Everything in it except State and Memory is hostile until checked.
type ContinueRequest struct {
	// State is the State of the BeginRequest that this login started with,
	// empty if Unsolicited.
	State string

	// Memory is what the step before carried, unchanged; nil if Unsolicited.
	// The host keeps it sealed: nobody outside the host can read or alter it.
	Memory []byte

	// Response is the request with which the browser returned from the
	// provider. It is the zero value when the step before was a Prompt.
	Response InboundRequest

	// Answers holds what the end user entered, by the name of the field, when
	// the step before was a Prompt. Only fields that the prompt declared occur.
	Answers map[string]string

	// Unsolicited marks a response that no login of ours asked for. It occurs
	// only where the provider's options allow it.
	Unsolicited bool

	// CallbackURL is that of the BeginRequest that this login started with, or
	// where an unsolicited response arrived.
	CallbackURL string
}

// InboundRequest is an HTTP request that a provider sent, or had the browser
// send, to one of our URLs. Header fields and cookies are deliberately absent.
type InboundRequest struct {
	// Method is GET or POST.
	Method string

	// Query holds the parameters of the URL, Form those of an urlencoded body.
	// They are never merged; a parameter that occurs twice is there twice.
	Query url.Values
	Form  url.Values

	// RawQuery is the query as received, byte for byte, for signatures that
	// cover it (SAML 2.0 bindings section 3.4.4.1).
	RawQuery string
}

// Limits of an InboundRequest. Anybody can send one, so the host refuses more,
// before the mechanism hears of it.
const (
	DefaultInbound = 16 << 10 // bytes of the query, or of the body, as sent; a plugin may ask for more
	MaxInbound     = 1 << 20  // ... but for no more than this

	MaxInboundValues = 64 // of query and form together
)
