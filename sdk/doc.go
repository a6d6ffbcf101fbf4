// Package sdk is the API that authors of Doorward plugins write against.
//
// Doorward is a login host. It signs end users in, but does not implement any login
// protocol itself. A plugin is a program that implements one protocol, called a
// mechanism, such as OpenID Connect or LDAP. The host starts the plugin as a
// separate process and talks to it over gRPC. Package plugin hides the gRPC: you
// implement [Mechanism] and call plugin.Serve. This package imports only the
// standard library.
//
// # Terms
//
//   - A mechanism is a login protocol, implemented as a plugin. A provider is one
//     configured instance of a mechanism: an OpenID provider, an authorization
//     server, an identity provider, a directory. One process of a mechanism serves
//     all its providers.
//   - The end user signs in. The operator configures providers and reads the log.
//     The settings that the operator writes for a provider are its options.
//   - An attempt is a login in progress. An identity is what the provider asserts
//     about the end user. From it the host finds or creates its own user and starts
//     a session.
//   - A grant is opaque material for later use: a refresh token, an ID token, a
//     SessionIndex.
//   - State is a token that goes to the provider and comes back (state in OAuth 2.0,
//     RelayState in SAML 2.0). The callback URL is where it comes back to: the
//     redirect_uri or the assertion consumer service URL.
//
// # The calls
//
//  1. The host calls open once for each provider, with an [Env] and the decoded
//     options. Open checks the options and prepares. It does not contact the
//     provider, because one provider that is down must not keep the others from
//     starting.
//  2. Begin starts a login. It returns the first step: a [Redirect] or a
//     [FormPost] to the provider, which carries the state, or a [Prompt] to the
//     end user.
//  3. Continue receives what came back and returns the next step. The host calls it
//     until it returns [Authenticated] or an error. Either ends the attempt.
//
// The host may repeat Begin. It calls Continue at most once for each step, and
// never again after an error: codes and assertions are single-use, and a
// repeated bind can lock an account.
//
// Calls come from many goroutines at once. Each call has a context with a deadline at
// most [Call.Deadline] away. Pass the context on to everything that waits. If the
// plugin dies during a call, the host repeats the call only if it is
// [Call.Repeatable].
//
// # Memory
//
// Keep no state of a login in the process between two calls. Put everything that the
// next Continue needs into the Memory of the step: a code verifier, a nonce, the ID of
// an AuthnRequest, the number of wrong codes. A Memory has at most [MaxMemory] bytes.
// The host seals it, so that nobody can read or alter it, and hands it back
// unchanged. A login therefore survives a crash, a restart or a replacement of the
// plugin, and the next call may reach another process on another machine. You may
// cache what the provider publishes, and pool connections.
//
// A newer version of the plugin may receive a Memory that an older version wrote.
// If it cannot read that Memory, it returns an [ErrInvalidResponse], and the end user
// starts again.
//
// # Errors
//
// An expected refusal is one of four kinds. Make it with the function of the same
// name ([Denied] makes an ErrDenied), which takes a [Reason] and a text in the manner
// of fmt.Errorf.
//
//	kind                when                                the end user         the operator
//	ErrDenied           the provider or a rule refuses      sees a page that     has nothing to do
//	                    this end user                       explains the reason
//	ErrInvalidResponse  a message is forged, replayed,      can start again      should look if it
//	                    expired or malformed                                     happens often
//	ErrUnavailable      the provider does not respond,      can try later        looks at the provider
//	                    or fails
//	ErrMisconfigured    something must be changed, here     asks the operator    is told what to change
//	                    or at the provider
//
// A wrong password need not end the attempt: return the Prompt again with
// [ReasonBadCredentials] as its Reason, or with [ReasonCodeWrong] after a wrong code.
//
// Any other error, and a panic, is a fault of the plugin. It ends that one call and
// is logged as a fault. The end user sees a page about an internal error.
//
// The text of an error goes to the log and never to the browser. Write it for the
// operator: what the plugin was doing, what was wrong, what to change. From a tree of
// errors, the host receives the kind and the reason of the outermost [Error], and the
// whole text. The wrapped errors stay in the plugin.
//
// For options that cannot be used, return options.Problems, one problem for each
// option, from open or from a Validate method. The host shows each problem under the
// name that the operator wrote, such as AUTH_KEYCLOAK_ISSUER_URL.
//
// # Features
//
// At the start, the host tells a plugin its version and the features of the contract
// that it supports: steps, kinds of fields and errors, reasons, capabilities, and the
// [Feature] constants. List the features that the plugin cannot work without in the
// Requires of its plugin.Description. A host that lacks one of them refuses the plugin
// before anybody signs in. For features that the plugin can work without, ask
// Env.Host.Has. You need not ask for a [Reason]: for an unknown reason, the host shows a
// general page.
//
// # Options
//
// The host reads what the operator wrote according to the schema of the plugin. It
// passes each option in its declared type, with defaults applied. A plugin in
// another language gets JSON that needs no further parsing. A duration is a number
// of milliseconds.
//
// # Secrets
//
// The SDK replaces the values of secret options in everything that leaves the plugin:
// errors, findings, the log. It finds values of 16 bytes and more anywhere in a text,
// and shorter ones as whole words. It cannot know what is secret only for one login,
// such as a code, a token or an assertion. Use package redact for these.
//
// # Connections
//
// A mechanism connects only through [Env].HTTPClient and [Env].Dial. They apply the proxies
// that the operator configured, for each provider its own. When a connection is about to be
// made, they refuse addresses at which no login server runs, such as those of cloud metadata
// services. Their errors name the proxy and the setting. Use errors.Is to see whether an
// error is an [ErrMisconfigured]; upstream.Unreachable makes a refusal of such an error.
// These rules bind only honest plugins, because they are applied in the plugin's process.
//
// Dial uses a proxy only if the provider has its own proxy. It always dials loopback
// addresses, unix sockets, UDP and DNS servers directly.
//
// # Capabilities
//
// A mechanism can implement optional interfaces: [Refresher] (is this session still
// valid?), [LogoutBeginner] (the end user logs out here, and at the provider, too),
// [LogoutReceiver] (the provider ends sessions here), [MetadataPublisher] (a document
// that describes the host to the provider) and [Checker] (what is wrong with this
// provider?). The SDK announces the interfaces that it finds when the provider is
// opened, and the host calls no others. If the mechanism is an io.Closer, it is closed
// when its provider is changed or removed.
//
// # Checks
//
// "doorward check" calls Check. Before the findings, it shows the connection to each server
// step by step: which proxy was chosen and why, which addresses the names resolved to,
// which address accepted the connection, how the proxy responded, who issued the server's
// certificate and until when it is valid, how the server responded, and its clock. A step
// that fails says what to change. The SDK collects these steps when a mechanism connects
// through [Env] with the context of Check: requests of Env.HTTPClient, connections of
// Env.Dial, and handshakes of Env.TLS. A Checker that makes one request to the provider
// therefore shows all steps to it. Its own findings report only what comes after: whether
// the document is the right one, and whether the options fit it.
//
// A Finding with a Target is shown together with the steps to that server. If a mechanism
// judges the clock itself (upstream.Clock), its finding counts. Otherwise the SDK compares
// the Date of HTTP responses with the clock of this machine.
//
// Use the context of Check for all requests. Fetch again what a login would take from a
// cache, and give each request a time limit: a request that is still running when the
// deadline is near is shown as the step that hangs.
//
// # The rules
//
// The host does not trust a plugin, and enforces these rules on it. Package plugin
// checks the same rules before anything leaves the process, and names the broken rule
// in the plugin's log and in the error. So does plugintest.Conformance. A plugin that
// breaks a rule is at fault, and the end user sees a page about an internal error.
// Some rules can be broken by the provider although the plugin does nothing wrong.
// Breaking one of these is an [ErrInvalidResponse] with its own reason, given here in
// brackets. Package contract contains the checks.
//
// For a step:
//
//   - step: it is a Redirect, FormPost, Prompt or Authenticated, and not a pointer.
//   - begin-step: Begin does not return Authenticated, because nobody has
//     authenticated yet.
//   - logout-step: BeginLogout, and the Reply of a Logout, is a Redirect or a
//     FormPost.
//   - state: a step to the provider carries the State of the request.
//   - memory: a Memory has at most [MaxMemory] bytes.
//   - redirect-url: the URL is absolute, uses https (or http to localhost or a
//     loopback address), has no user name, and consists of at most [MaxURL] bytes of
//     visible ASCII without a backslash.
//   - form-url: the same for the URL of a FormPost.
//   - form-fields: a form has at most [MaxFormFields] fields with together at most
//     [MaxFormBytes].
//   - form-text: names and values are UTF-8.
//   - prompt-fields: a Prompt has 1 to [MaxPromptFields] fields.
//   - prompt-field-name: the name of a field is unique, consists of at most
//     [MaxFieldName] lower-case letters, digits and underscores, and is not "state".
//   - prompt-field-kind: the kind of a field is a [FieldKind] of this package.
//   - prompt-label: a label is UTF-8 without control characters, of at most
//     [MaxLabel] bytes.
//   - prompt-reason: the Reason of a Prompt has the form of a [Reason].
//
// For an [Identity], where a name is UTF-8 without control characters:
//
//   - subject: a name of 1 to [MaxSubject] bytes [subject_invalid].
//   - session-id: a name of at most [MaxAttribute] bytes [session_id_invalid].
//   - logout-subject: the same, also for a [Logout] [logout_subject_invalid].
//   - once-id: the same for OnceID [once_id_invalid].
//   - once-until: it lies in the future, at most [MaxOnce] away.
//   - groups: at most [MaxGroups] groups of together at most [MaxGroupBytes]
//     [groups_too_large].
//   - aliases: at most [MaxAliases].
//   - amr: at most [MaxAMR] values of together at most [MaxAttribute] bytes
//     [amr_too_large].
//   - claims: at most [MaxClaims] bytes of JSON, [MaxClaimDepth] deep
//     [claims_too_large].
//   - grant: at most [MaxGrant] bytes.
//   - expiry: ExpiresAt lies in the future.
//
// For the results of other calls:
//
//   - logout: a Logout names an end user or sessions; or it has an Outcome, names
//     nobody, and a logout that BeginLogout began is under way. A Framed logout has
//     neither an Outcome nor a Reply.
//   - logout-outcome: the Outcome is a [LogoutOutcome] of this package.
//   - logout-sessions: at most [MaxLogoutSessions] session IDs, none of them empty
//     [logout_sessions_invalid].
//   - metadata-type: the ContentType is exactly one of [MetadataTypes].
//   - metadata-size: a Document has 1 to [MaxMetadata] bytes.
//   - findings: at most [MaxFindings], each with a known severity, a subject and a
//     text. A Target is UTF-8 without control characters, of at most [MaxTarget]
//     bytes, and a Step is a [WayStep] of this package. The host shows as much as it can
//     of findings that break this rule.
//
// Attributes that only decorate an identity never end a login. The SDK removes control
// characters from names and cuts them to [MaxAttribute] bytes. It leaves out a Username,
// Email or ACR of another form, AMR values and groups that no rule of an operator could
// name, and aliases that could not be a subject. The log reports what was left out.
// Groups are different: if the provider does not tell them, or not in a readable form,
// set GroupsUnknown, and a host whose rules need groups refuses the login.
//
// A message between host and plugin has at most 4 MiB.
//
// # Never
//
//   - Never use what the end user typed as Subject, nor an e-mail address, nor
//     anything that the provider may give to somebody else one day. Subject is the
//     key of the account.
//   - Never set EmailVerified unless the provider says that the address is verified.
//   - Never trust LoginHint, Response or Answers. An attacker with a browser can send
//     anything in them.
//   - Never put a token, a code, a password, an assertion or a Memory into an
//     error or the log. The errors of net/http contain the URL with its query.
//   - Never make your own HTTP client or connection: [Env] has both, with time
//     limits, size limits and trust configured. Env.TLS secures a connection of
//     Env.Dial, and its errors say which setting an operator has to change.
//   - Never follow a redirect of the provider with a secret in the request.
//   - Never read settings from the environment or from flags. The host does not pass
//     its environment on; the settings of a plugin are its options.
//   - Never write to standard output, which the handshake with the host uses, and
//     never read standard input, whose end means that the host is gone. Log to
//     Env.Logger.
//   - Never let your own goroutine panic: that ends the process, and the logins of
//     all providers with it. A panic in a call is caught.
//   - Never return a pointer to a step.
//
// # A complete plugin
//
// This plugin prompts for a name and the code of an authenticator app. It has
// everything that a plugin needs: options with a secret, Memory, the clock, both ways to
// refuse, and a OnceID. It does not stop anyone who begins again and again: a real
// plugin would ask a server that counts wrong codes.
//
//	// Command doorward-plugin-magic signs in with a name and the code of an
//	// authenticator app: RFC 6238 with SHA-256, 6 digits, 30 seconds. It is the
//	// example in the manual for authors, which contains this file word for word.
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
//	// Options are the options of a provider: seeds__alice=GEZDGNBV...
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
//				problems.Addf("seeds", "the TOTP seed of %q must be base32 of at least 20 bytes", name)
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
//	// ask counts the tries in the memory, not in the mechanism: the next call may
//	// reach another process.
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
//			return nil, sdk.InvalidResponse("memory_missing", "answers without the memory of a prompt")
//		}
//		name := strings.ToLower(strings.TrimSpace(req.Answers["name"]))
//		period, ok := m.matches(name, req.Answers["code"])
//		if ok {
//			return m.signIn(name, period), nil
//		}
//		m.env.Logger.Info("wrong code", "try", req.Memory[0]+1)
//		if req.Memory[0]+1 >= maxTries {
//			return nil, sdk.Denied(sdk.ReasonCodeWrong, "no correct code in %d tries", maxTries)
//		}
//		return ask(sdk.ReasonCodeWrong, req.Memory[0]+1), nil
//	}
//
//	// matches reports whether the code is that of the user for this period or the
//	// previous one. It takes the same time for an unknown user.
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
//	// signIn names the code, so that the host accepts it only once. The subject is the
//	// name that the operator wrote, not the end user's input.
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
//	// codeOf returns the HOTP value for the period (RFC 4226 section 5.3).
//	func codeOf(key []byte, period int64) string {
//		mac := hmac.New(sha256.New, key)
//		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(period)))
//		sum := mac.Sum(nil)
//		offset := sum[len(sum)-1] & 0xf
//		number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
//		return fmt.Sprintf("%06d", number%1_000_000)
//	}
//
// Build it as doorward-plugin-magic with CGO_ENABLED=0, so that it runs on any
// Linux of its architecture. Run "doorward plugin add doorward-plugin-magic" to copy
// it into the plugin folder and trust it, and configure a provider whose driver is
// magic. Run "doorward-plugin-magic options" yourself to print the table of its
// options for a manual.
//
// # The workbench
//
// Packages of the SDK implement what mechanisms have in common, so that all plugins
// behave the same for an operator. Package upstream has options such as
// client_http_timeout, keeps documents of the provider up to date, and makes the findings
// of a check. Package upstream/codeflow implements the authorization code flow of OAuth
// 2.0, and tlsoptions the options of TLS connections other than HTTP. Package claims turns
// the claims or attributes that a provider released into an Identity.
//
// # Testing
//
// Package plugintest opens a mechanism over the real wire inside a unit test. Its
// plugintest.Conformance is the suite that every plugin must pass, in whatever language
// it is written.
package sdk
