package openidtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// Endpoint names a URL of the provider, for Hits.
type Endpoint string

// The endpoints.
const (
	DiscoveryEndpoint     Endpoint = "discovery"
	KeySetEndpoint        Endpoint = "jwks"
	AuthorizationEndpoint Endpoint = "authorize"
	SignInEndpoint        Endpoint = "sign-in" // the form of the sign-in page
	TokenEndpoint         Endpoint = "token"
	UserInfoEndpoint      Endpoint = "userinfo"
	EndSessionEndpoint    Endpoint = "end-session"
	PushEndpoint          Endpoint = "par"
	RevocationEndpoint    Endpoint = "revoke"

	// Trap is every URL that a correct relying party never requests: key sets
	// and certificates named in a token's header, sources of distributed
	// claims, and the targets of redirects from other endpoints than the
	// authorization endpoint.
	Trap Endpoint = "trap"
)

// TokenRequest is a request that the token endpoint received.
type TokenRequest struct {
	// AuthMethod is the client's authentication method: ClientSecretBasic,
	// ClientSecretPost, an assertion, or nothing in the request itself; "both" if the
	// request used both of the first two.
	AuthMethod string

	// ClientID is the client ID in the header or in the body.
	ClientID string

	// Form contains the parameters of the body.
	Form url.Values
}

// Hits counts the requests that an endpoint received, whatever the answer was.
func (p *Provider) Hits(e Endpoint) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[e]
}

// LastTokenRequest is the latest request that the token endpoint received.
func (p *Provider) LastTokenRequest() TokenRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastToken
}

// maxRequestBody bounds the body of any request, in bytes.
const maxRequestBody = 1 << 20

func (p *Provider) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(path string, e Endpoint, answer func(*http.Request) *reply, methods ...string) {
		mux.HandleFunc(p.base+path, func(w http.ResponseWriter, r *http.Request) {
			p.count(e)
			if !slices.Contains(methods, r.Method) {
				w.Header()["Allow"] = methods
				http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxRequestBody)
			rep := answer(r)
			p.misbehaveReply(rep)
			rep.send(w, r)
		})
	}
	const get, post = http.MethodGet, http.MethodPost
	p.config.Quirk.routes(handle)
	handle(p.config.Quirk.documentPath(), DiscoveryEndpoint, p.discovery, get)
	handle("/jwks", KeySetEndpoint, p.keySet, get)
	handle("/authorize", AuthorizationEndpoint, p.authorize, get, post)
	handle("/sign-in", SignInEndpoint, p.signIn, post)
	handle("/token", TokenEndpoint, p.token, post)
	handle("/userinfo", UserInfoEndpoint, p.userInfo, get, post)
	handle("/end-session", EndSessionEndpoint, p.endSession, get, post)
	handle("/par", PushEndpoint, p.push, post)
	handle("/revoke", RevocationEndpoint, p.revoke, post)
	handle("/trap/{bait}", Trap, p.trap, get, post)
	mux.Handle("GET "+p.base+"/assets/", http.StripPrefix(p.base, http.HandlerFunc(serveAsset)))
	return mux
}

// ServeHTTP answers one request.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mux.ServeHTTP(w, r)
}

func (p *Provider) count(e Endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits[e]++
}

// reply is an HTTP answer that misbehaviours may still change before it is sent.
type reply struct {
	// stage and login say which misbehaviours affect the answer. login is nil if it is
	// unknown; no misbehaviour affects an empty stage.
	stage Stage
	login *login

	status int
	header http.Header
	body   []byte

	// serve, if set, answers in place of all the above.
	serve http.HandlerFunc
}

func newReply(status int, contentType string, body []byte) *reply {
	header := http.Header{}
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	return &reply{status: status, header: header, body: body}
}

func jsonReply(status int, v any) *reply {
	body, err := json.Marshal(v)
	if err != nil {
		return faultReply(err)
	}
	return newReply(status, "application/json", body)
}

// faultReply reports an error of the provider itself, so that a test sees it.
func faultReply(err error) *reply {
	return newReply(http.StatusInternalServerError, "text/plain", fmt.Appendf(nil, "openidtest: %v", err))
}

func (rep *reply) send(w http.ResponseWriter, r *http.Request) {
	if rep.serve != nil {
		rep.serve(w, r)
		return
	}
	copyHeader(w, rep.header)
	w.WriteHeader(rep.status)
	// The client has closed the connection, which is not an error of the provider.
	_, _ = w.Write(rep.body)
}

// protocolError is an error answer of OAuth 2.0 (RFC 6749 sections 4.1.2.1 and
// 5.2).
type protocolError struct {
	status int
	code   string
	text   string
}

func (e *protocolError) Error() string { return e.code + ": " + e.text }

func (e *protocolError) reply() *reply {
	return jsonReply(e.status, map[string]any{"error": e.code, "error_description": e.text})
}

func badRequest(code, text string) *protocolError {
	return &protocolError{http.StatusBadRequest, code, text}
}
