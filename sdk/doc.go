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
// Calls come from many goroutines at once. Each has a context with a deadline, at
// most [Call.Deadline] away; pass it on to everything that waits. The host repeats
// a call under which the plugin died only if it is [Call.Repeatable].
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
// [ReasonBadCredentials] as its Reason; after a wrong code, [ReasonCodeWrong].
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
// # Features
//
// The host tells a plugin at the start which version it has and which features of
// the contract: steps, kinds of fields and errors, reasons, capabilities, and the
// [Feature] constants. What a plugin cannot do without stands in the Requires of its
// plugin.Description, and a host that lacks it refuses the plugin before anybody
// signs in. What it can do without it asks for: Env.Host.Has. A [Reason] needs no
// asking: the host shows a general page for one that it does not know.
//
// # Options
//
// The host reads what the operator wrote by the schema of the plugin, and hands
// each option over in the type that was declared, with defaults. A plugin in
// another language gets JSON that needs no further reading; a duration is a number
// of milliseconds.
//
// # Secrets
//
// The SDK replaces the values of secret options in all that leaves the plugin:
// errors, findings, the log. It finds those of 16 bytes and more wherever they stand,
// and shorter ones as whole words. What is secret for one login only, a code, a token,
// an assertion, it cannot know: package redact is there for an author's own use.
//
// # Connections
//
// A mechanism connects through [Env].HTTPClient and [Env].Dial, and through nothing else: the
// operator's proxies are behind them, for each provider its own, and they refuse addresses
// at which nobody signs in, such as those of cloud metadata, when a connection is about to
// be made. An error of theirs names the proxy and the setting, and says by errors.Is whether
// it is an [ErrMisconfigured]; upstream.Unreachable makes a refusal of it. This binds honest
// plugins only, because it runs in their process.
//
// Dial goes through a proxy only if the provider has one of its own. Loopback addresses,
// unix sockets, UDP and DNS servers it always dials directly.
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
// # Checks
//
// "doorward check" calls Check, and shows before its findings the way to each server that
// it connected to: which proxy was chosen and why, what names were resolved to, which
// address took the connection, what the proxy answered, whose authority vouches for the
// server and until when, what it answered, and its clock. A step that fails says what to
// change. The SDK finds all this where a mechanism connects through [Env] with the context
// of Check: requests of Env.HTTPClient, connections of Env.Dial, and handshakes of
// Env.TLS. So a Checker that makes one request to the provider shows the whole way, and
// has to say only what comes after it: whether the document is the right one, whether
// the options fit it.
//
// A Finding with a Target is shown with the way to that server. A mechanism that judges
// the clock itself (upstream.Clock) has the say; else the Date of answers by HTTP is
// compared with ours.
//
// Use the context that Check gets for all requests, ask anew what a login takes from a
// cache, and give each request a limit in time: what has not come to an end when the
// deadline is near is shown as the step that hangs.
//
// # The rules
//
// The host takes a plugin for a stranger, and holds it to these rules. Package
// plugin holds it to the same ones before anything leaves the process, and names
// the rule that is broken in the log of the plugin and in the error; so does
// plugintest.Conformance. A plugin that breaks one is at fault, and the end user
// sees a page about an internal error. Where the provider can break one although
// the plugin does nothing wrong, it is an [ErrInvalidResponse] with a reason of
// its own, given here in brackets. Package contract has the checks.
//
// Of a step:
//
//   - step: it is a Redirect, FormPost, Prompt or Authenticated, and no pointer.
//   - begin-step: Begin does not return Authenticated: nobody was asked.
//   - logout-step: BeginLogout, and the Reply of a Logout, is a Redirect or a
//     FormPost.
//   - state: a step to the provider carries the State of the request.
//   - memory: a Memory has at most [MaxMemory] bytes.
//   - redirect-url: the URL is absolute, https or http to localhost or a loopback
//     address, has no user name, and is made of at most [MaxURL] bytes of visible
//     ASCII without a backslash.
//   - form-url: the same of a FormPost.
//   - form-fields: a form has at most [MaxFormFields] fields of [MaxFormBytes]
//     together.
//   - form-text: names and values are UTF-8.
//   - prompt-fields: a Prompt has 1 to [MaxPromptFields] fields.
//   - prompt-field-name: the name of a field is its own, made of at most
//     [MaxFieldName] lower-case letters, digits and underscores, and not "state".
//   - prompt-field-kind: the kind of a field is a [FieldKind] of this package.
//   - prompt-label: a label is UTF-8 without control characters, of at most
//     [MaxLabel] bytes.
//   - prompt-reason: the Reason of a Prompt has the form of one.
//
// Of an [Identity]; a name is UTF-8 without control characters:
//
//   - subject: a name of 1 to [MaxSubject] bytes [subject_invalid].
//   - session-id: a name of at most [MaxAttribute] bytes [session_id_invalid].
//   - logout-subject: the same, also of a [Logout] [logout_subject_invalid].
//   - once-id: the same of OnceID [once_id_invalid].
//   - once-until: it lies in the future, at most [MaxOnce] away.
//   - groups: at most [MaxGroups] of [MaxGroupBytes] together [groups_too_large].
//   - aliases: at most [MaxAliases].
//   - amr: at most [MaxAMR] of [MaxAttribute] bytes together [amr_too_large].
//   - claims: at most [MaxClaims] bytes of JSON, [MaxClaimDepth] deep
//     [claims_too_large].
//   - grant: at most [MaxGrant] bytes.
//   - expiry: ExpiresAt lies in the future.
//
// Of what other calls return:
//
//   - logout: a Logout names somebody or a session; or it has an Outcome, names
//     nobody, and one of ours is under way. Framed goes with neither an Outcome nor
//     a Reply.
//   - logout-outcome: the Outcome is one of this package.
//   - logout-sessions: at most [MaxLogoutSessions] session IDs, none of them empty
//     [logout_sessions_invalid].
//   - metadata-type: the ContentType is one of [MetadataTypes], to the letter.
//   - metadata-size: a Document has 1 to [MaxMetadata] bytes.
//   - findings: at most [MaxFindings], each with a known severity, a subject and a
//     text; a Target is UTF-8 without control characters, of at most [MaxTarget] bytes,
//     and a Step is a [WayStep] of this package. The host shows what it can of others.
//
// What only decorates an identity never ends a login. Names are cleaned of control
// characters and cut to [MaxAttribute] bytes; a Username, an Email or an ACR of
// another form is left out, and so are AMR and groups, which no rule of an operator
// could name, and aliases that could be no subject. The log tells what was left out.
// Groups that a provider did not tell, or not so that they can be read, are no
// decoration: set GroupsUnknown, and a host whose rules need them refuses the login.
//
// A message between host and plugin has at most 4 MiB.
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
//     with time limits, size limits and trust set. Env.TLS secures a connection of
//     Env.Dial, and says in its errors which setting an operator has to change.
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
//			return nil, sdk.Denied(sdk.ReasonCodeWrong, "no good code in %d tries", maxTries)
//		}
//		return ask(sdk.ReasonCodeWrong, req.Memory[0]+1), nil
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
