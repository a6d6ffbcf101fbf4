package openidtest

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Quirk is how one real provider deviates from this good one. Unlike a [Misbehaviour],
// which has a name, a Quirk is defined by a test. Only the fields that are set have an
// effect. A hook changes its argument.
type Quirk struct {
	// DocumentPath is the path of the discovery document below the issuer, in place of
	// /.well-known/openid-configuration.
	DocumentPath string

	// WithoutPKCE accepts requests without a code challenge, and ignores a code challenge.
	WithoutPKCE bool

	// Authorize gets an authorization request, and refuses it with a page by returning a
	// text.
	Authorize func(r *http.Request) (refusal string)

	// Offline says for which authorization requests a refresh token is issued, in place of
	// the scope offline_access.
	Offline func(request url.Values) bool

	// Secret compares a client secret, in place of Client.Secret.
	Secret func(secret string, now time.Time) bool

	// Redeem gets a token request of an authenticated client, and refuses it by returning an
	// error code, with status 400, or 401 for invalid_client.
	Redeem func(form url.Values) (code string)

	// SignWithSecret says for which token requests the ID token is signed with the client
	// secret.
	SignWithSecret func(form url.Values) bool

	// ClaimsFor changes the claims of the ID token, depending on the authorization request.
	ClaimsFor func(request url.Values, claims map[string]any)

	Metadata func(document map[string]any)
	Keys     func(keys []map[string]any) []map[string]any
	Response func(params map[string]string)                 // the authorization response
	Token    func(body map[string]any)                      // the token response
	Header   func(header map[string]any)                    // of the ID token
	Claims   func(claims map[string]any)                    // of the ID token
	UserInfo func(claims map[string]any)                    // of the UserInfo response
	Answer   func(stage Stage, answer *Answer)              // the final HTTP answer of a stage
	Serve    map[string]func(*http.Request) (*Answer, bool) // more paths below the issuer; false: 404
}

// Answer is an HTTP answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSONAnswer returns an answer with status 200.
func JSONAnswer(v any) *Answer {
	rep := jsonReply(http.StatusOK, v)
	return &Answer{rep.status, rep.header, rep.body}
}

// behaviour turns the quirk into a behaviour for all logins.
func (q Quirk) behaviour() behaviour {
	b := behaviour{name: "quirk"}
	if q.Metadata != nil {
		b.metadata = func(_ *Provider, document map[string]any) { q.Metadata(document) }
	}
	if q.Keys != nil {
		b.jwks = func(_ *Provider, keys []jwk) ([]jwk, error) { return q.changeKeys(keys), nil }
	}
	if q.Response != nil {
		b.response = q.changeResponse
	}
	if q.Token != nil {
		b.token = func(_ *login, body map[string]any) { q.Token(body) }
	}
	if q.Header != nil {
		b.jws = func(s *signing) error {
			q.Header(s.header)
			return nil
		}
	}
	if q.Claims != nil || q.ClaimsFor != nil {
		b.claims = q.changeClaims
	}
	if q.UserInfo != nil {
		b.userInfo = func(_ *login, claims map[string]any) { q.UserInfo(claims) }
	}
	return b
}

func (q Quirk) changeClaims(l *login, claims map[string]any) {
	if q.Claims != nil {
		q.Claims(claims)
	}
	if q.ClaimsFor != nil {
		q.ClaimsFor(l.request.all, claims)
	}
}

func (q Quirk) changeKeys(keys []jwk) []jwk {
	list := make([]map[string]any, len(keys))
	for i, k := range keys {
		list[i] = k
	}
	var changed []jwk
	for _, k := range q.Keys(list) {
		changed = append(changed, k)
	}
	return changed
}

func (q Quirk) changeResponse(resp *response) {
	params := map[string]string{}
	for name := range resp.params {
		params[name] = resp.params.Get(name)
	}
	q.Response(params)
	for name := range resp.params {
		if _, stays := params[name]; !stays {
			resp.params.Del(name)
		}
	}
	for name, value := range params {
		resp.params.Set(name, value)
	}
}

// answer lets the quirk change the final answer.
func (q Quirk) answer(rep *reply) {
	if q.Answer == nil || rep.stage == "" || rep.serve != nil {
		return
	}
	answer := Answer{rep.status, rep.header, rep.body}
	q.Answer(rep.stage, &answer)
	rep.status, rep.header, rep.body = answer.Status, answer.Header, answer.Body
}

// documentPath is the path of the discovery document.
func (q Quirk) documentPath() string {
	path, _, _ := strings.Cut(q.DocumentPath, "?")
	if path == "" {
		return "/.well-known/openid-configuration"
	}
	if strings.HasSuffix(path, "/") {
		return path + "{$}"
	}
	return path
}

func (q Quirk) routes(handle func(path string, e Endpoint, answer func(*http.Request) *reply, methods ...string)) {
	for path, serve := range q.Serve {
		handle(path, "", func(r *http.Request) *reply {
			answer, ok := serve(r)
			if !ok {
				return newReply(http.StatusNotFound, "text/plain", nil)
			}
			return &reply{status: answer.Status, header: answer.Header, body: answer.Body}
		}, http.MethodGet, http.MethodPost)
	}
}
