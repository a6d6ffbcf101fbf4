// Package sdk is what the author of a Doorward plugin writes against.
//
// Doorward is a login host: it signs end users in, and knows nothing about how.
// A plugin is a program that knows one way, a mechanism such as OpenID Connect
// or LDAP. The host starts it as a process of its own and talks to it by gRPC;
// package plugin hides that, so that an author implements [Mechanism] and calls
// plugin.Serve. This package imports the standard library only.
//
// # Terms
//
//   - A mechanism is a protocol, as a plugin. A provider is a configured one:
//     an OpenID provider, an authorization server, an identity provider, a
//     directory. One process of a mechanism serves all its providers.
//   - The end user signs in. The operator configures providers and reads the
//     log. What the operator writes for a provider are its options.
//   - An attempt is a login in progress. An identity is what the provider
//     asserted about the end user; from it the host makes, or finds, its own
//     user, and starts a session.
//   - A grant is opaque material for later: a refresh token, an ID token, a
//     SessionIndex.
//   - State goes to the provider and comes back (state in OAuth 2.0, RelayState
//     in SAML 2.0). The callback URL is where it comes back to: redirect_uri,
//     assertion consumer service URL.
//
// # The calls
//
//  1. The host calls open once for each provider, with an [Env] and the decoded
//     options. Open checks the options and prepares; it does not ask the
//     provider, because a provider that is down must not keep others from
//     starting.
//  2. Begin starts a login. It returns what happens first: a [Redirect] or a
//     [FormPost] to the provider, which carries the state, or a [Prompt] of the
//     end user.
//  3. Continue gets what came back, and returns the next step, as often as it
//     takes, until it returns [Authenticated] or an error. Either ends the
//     attempt.
//
// Begin may be repeated. Continue is called at most once for each step, and
// never again after an error: codes and assertions are single-use, and a
// repeated bind can lock an account.
//
// Calls come from many goroutines at once. Each has a context with a deadline of
// some seconds; pass it on to everything that waits.
//
// # Memory
//
// Nothing may be remembered between two calls. A code verifier, a nonce, the ID
// of an AuthnRequest, the count of wrong codes: what Continue needs is in the
// Memory of the step before, at most [MaxMemory] bytes. The host keeps it sealed,
// so that nobody can read or alter it, and hands it back unchanged. A login
// therefore outlives a crash, a restart and a swap of the plugin, and the next
// call may reach another process on another machine. Caches of what the provider
// publishes and pools of connections are fine.
//
// A Memory may come back to a newer version of the plugin than the one that
// wrote it. What cannot be read is an [ErrInvalidResponse]; the end user starts
// again.
//
// # Errors
//
// An expected refusal is one of four kinds. Make it with the function of the same
// name, which takes a [Reason] and a text in the manner of fmt.Errorf.
//
//	kind                when                                the end user         the operator
//	ErrDenied           the provider or a rule says no to   is told why, by the  sees nothing to do
//	                    this end user                       reason
//	ErrInvalidResponse  a forged, replayed, expired or      may start again      should look, if it
//	                    malformed message                                        happens often
//	ErrUnavailable      the provider does not answer, or    may try later        looks at the provider
//	                    fails
//	ErrMisconfigured    something must be changed, here or  asks the operator    is told what to change
//	                    at the provider
//
// A wrong password need not end the attempt: return the Prompt again, with
// [ReasonBadCredentials] as its Reason.
//
// Any other error, and a panic, is a fault of the plugin. It ends the one call,
// is logged as such, and the end user sees a page about an internal error.
//
// The text of an error goes to the log and never to the browser. Write for the
// operator: what was being done, what was wrong, what to change. Of a tree of
// errors the kind and the reason of the outermost [Error] and the whole text
// reach the host; the wrapped errors stay in the plugin.
//
// Options that cannot be used are best returned as options.Problems, one for each
// option, from open or from a Validate method: the host shows each under the name
// that the operator wrote, such as AUTH_KEYCLOAK_ISSUER_URL.
//
// # Capabilities
//
// A mechanism that can do more implements more interfaces: [Refresher] (is this
// session still good?), [LogoutBeginner] (the end user logs out here, and there,
// too), [LogoutReceiver] (the provider ends sessions here), [MetadataPublisher]
// (a document about us) and [Checker] (what is wrong with this provider?). The SDK
// announces what it finds when the provider is opened; the host calls nothing
// else. A mechanism that is an io.Closer is closed when its provider is changed or
// removed.
//
// # What the host checks
//
// The host takes a plugin for a stranger. A step that breaks one of these rules
// ends the attempt as a fault:
//
//   - The target of a Redirect or FormPost is an absolute https URL, or http to
//     localhost, without user name, of at most [MaxURL] bytes. A form has at
//     most [MaxFormFields] fields of [MaxFormBytes] together.
//   - A Prompt has 1 to [MaxPromptFields] fields of a known [FieldKind], each
//     with a name of its own: at most 32 lower-case letters, digits and
//     underscores, and not "state". A label has at most [MaxLabel] bytes.
//   - An [Identity] has a Subject of at most [MaxSubject] bytes, other texts of
//     at most [MaxAttribute], all of them UTF-8 without control characters, and
//     keeps within [MaxGroups], [MaxGroupBytes], [MaxClaims], [MaxClaimDepth] and
//     [MaxGrant]. ExpiresAt lies in the future.
//   - Begin does not return Authenticated: nobody was asked.
//   - A message between host and plugin has at most 4 MiB.
//
// # Never
//
//   - Never use what the end user typed as Subject, nor an e-mail address, nor
//     anything that the provider may give to somebody else one day. It is the
//     key of the account.
//   - Never set EmailVerified unless the provider says so.
//   - Never believe LoginHint, Response or Answers. They are what an attacker
//     with a browser sends.
//   - Never put a token, a code, a password, an assertion or a Memory into an
//     error or the log. The errors of net/http contain the URL with its query.
//   - Never make an HTTP client or a connection of your own: [Env] has both,
//     with time limits, size limits and trust set.
//   - Never follow a redirect of the provider's with a secret in the request.
//   - Never read the environment or flags for settings. The host keeps its own
//     environment to itself; the settings of a plugin are its options.
//   - Never write to standard output, which is for shaking hands with the host,
//     nor read standard input, whose end means that the host is gone. Env.Logger is
//     for the log.
//   - Never let a goroutine of your own panic: it ends the process, and the
//     logins of all providers with it. A panic in a call is caught.
//   - Never return a pointer to a step.
//
// # A complete plugin
//
// This one prompts for a name and the code of an authenticator app. It has all
// that a plugin needs: options with a secret, Memory, the clock, both ways to say
// no, and a OnceID. It does not stop somebody who begins again and again: a real
// one would ask a server that counts wrong codes.
//
//	// Command doorward-plugin-magic signs in with a name and the code that an
//	// authenticator app shows: RFC 6238 with SHA-256, 6 digits, 30 seconds. It is
//	// the example of the author's manual, which holds this file word for word.
//	package main
//
//	import (
//		"context"
//		"crypto/hmac"
//		"crypto/sha256"
//		"crypto/subtle"
//		"encoding/base32"
//		"encoding/binary"
//		"fmt"
//		"strings"
//		"time"
//
//		"github.com/doorward/doorward/sdk"
//		"github.com/doorward/doorward/sdk/options"
//		"github.com/doorward/doorward/sdk/plugin"
//	)
//
//	func main() {
//		plugin.Serve(plugin.Description{Mechanism: "magic", Version: "1.0.0"}, open)
//	}
//
//	// Options are what an operator writes for a provider: seeds__alice=GEZDGNBV...
//	type Options struct {
//		Seeds map[string]string `option:"seeds,required,secret" doc:"seed of each user, by name in lower case: at least 20 bytes in base32"`
//	}
//
//	type magic struct {
//		env  sdk.Env
//		keys map[string][]byte // by name
//	}
//
//	func open(_ context.Context, env sdk.Env, opts Options) (sdk.Mechanism, error) {
//		m := &magic{env: env, keys: map[string][]byte{}}
//		var problems options.Problems
//		for name, seed := range opts.Seeds {
//			key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
//			if err != nil || len(key) < 20 {
//				problems.Addf("seeds", "the seed of %q must be base32 of at least 20 bytes", name)
//			}
//			m.keys[name] = key
//		}
//		return m, problems.Err()
//	}
//
//	const maxTries = 3
//
//	func (m *magic) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error) {
//		return ask("", 0), nil
//	}
//
//	// ask puts the count of tries into the memory, not into the mechanism: the next
//	// call may reach another process.
//	func ask(reason sdk.Reason, tries byte) sdk.Prompt {
//		return sdk.Prompt{
//			Reason: reason,
//			Memory: []byte{tries},
//			Fields: []sdk.PromptField{
//				{Name: "name", Kind: sdk.FieldUsername},
//				{Name: "code", Kind: sdk.FieldOneTimeCode},
//			},
//		}
//	}
//
//	func (m *magic) Continue(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
//		if len(req.Memory) != 1 {
//			return nil, sdk.InvalidResponse("memory_missing", "answers to a prompt of no login")
//		}
//		name := strings.ToLower(strings.TrimSpace(req.Answers["name"]))
//		period, ok := m.matches(name, req.Answers["code"])
//		if ok {
//			return m.signIn(name, period), nil
//		}
//		m.env.Logger.Info("wrong code", "try", req.Memory[0]+1)
//		if req.Memory[0]+1 >= maxTries {
//			return nil, sdk.Denied(sdk.ReasonBadCredentials, "no good code in %d tries", maxTries)
//		}
//		return ask(sdk.ReasonBadCredentials, req.Memory[0]+1), nil
//	}
//
//	// matches reports whether the code is the user's of this period or the one
//	// before. An unknown user costs the same time.
//	func (m *magic) matches(name, code string) (period int64, ok bool) {
//		key, known := m.keys[name]
//		now := m.env.Now().Unix() / 30
//		for _, p := range []int64{now - 1, now} {
//			if subtle.ConstantTimeCompare([]byte(codeOf(key, p)), []byte(code)) == 1 {
//				period, ok = p, known
//			}
//		}
//		return period, ok
//	}
//
//	// signIn names each code, so that the host accepts it only once. The subject is
//	// the name that the operator wrote, not what was typed.
//	func (m *magic) signIn(name string, period int64) sdk.Step {
//		return sdk.Authenticated{Identity: sdk.Identity{
//			Subject:   name,
//			Username:  name,
//			AuthTime:  m.env.Now(),
//			AMR:       []string{"otp"},
//			OnceID:    fmt.Sprintf("%s %d", name, period),
//			OnceUntil: time.Unix((period+2)*30, 0),
//		}}
//	}
//
//	// codeOf is HOTP of the period (RFC 4226 section 5.3).
//	func codeOf(key []byte, period int64) string {
//		mac := hmac.New(sha256.New, key)
//		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(period)))
//		sum := mac.Sum(nil)
//		offset := sum[len(sum)-1] & 0xf
//		number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
//		return fmt.Sprintf("%06d", number%1_000_000)
//	}
//
// Build it as doorward-plugin-magic, with CGO_ENABLED=0, so that it runs on any
// Linux of its architecture. Have "doorward plugin add doorward-plugin-magic" copy
// it into the plugin folder and trust it, and configure a provider whose driver is
// magic. "doorward-plugin-magic options", run by hand, prints the table of its
// options for the manual.
//
// # The workbench
//
// What mechanisms have in common stands in packages of its own, so that an operator
// meets it in one behaviour: upstream has the options client_http_timeout and the like,
// documents of the provider that are kept up to date, and the findings of a check;
// upstream/codeflow the authorization code flow of OAuth 2.0; tlsoptions the options of
// connections that are not HTTP; claims turns what a provider released into an Identity.
//
// # Testing
//
// Package plugintest opens a mechanism over the real wire inside a unit test, and
// has the suite that every plugin must pass, whoever wrote it and in whatever
// language: plugintest.Conformance. Package claims turns claims or attributes
// into an Identity.
package sdk
