package openidtest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The response modes of OAuth 2.0 Multiple Response Types and Form Post.
// Fragment is used only by a misbehaviour.
const (
	modeQuery    = "query"
	modeFormPost = "form_post"
	modeFragment = "fragment"
)

// parameters are the parameters of an authentication request (OpenID Connect Core
// section 3.1.2.1) that later requests of the login need.
type parameters struct {
	redirectURI  string
	state        string
	nonce        string
	scope        []string
	responseMode string
	challenge    string

	keyThumbprint string // dpop_jkt
	maxAge        bool
	all           url.Values
}

// login is an end user's sign-in at one client, from the request to the last token that
// is issued for it.
type login struct {
	issuer  string
	client  Client
	request parameters
	other   parameters // of another flow of the same client

	subject       string
	claims        map[string]any
	session       string
	at            time.Time
	code          string
	misbehaviours []Misbehaviour
	refreshed     bool       // the tokens being made come from a refresh
	form          url.Values // of the token request
}

// authorize answers an authentication request with the sign-in page, or with the
// response if no page is needed.
func (p *Provider) authorize(r *http.Request) *reply {
	query, err := requestParameters(r)
	if err == nil {
		query, err = p.resolve(query)
	}
	if err != nil {
		return p.errorPage(err)
	}
	if refuse := p.config.Quirk.Authorize; refuse != nil {
		if text := refuse(r); text != "" {
			return p.errorPage(badRequest("invalid_request", text))
		}
	}
	client, request, err := p.checkClient(query)
	if err != nil {
		return p.errorPage(err)
	}
	l := p.newLogin(client, request)
	if err := p.checkRequest(query, &l.request); err != nil {
		return p.respondError(r, l, err)
	}
	subject, misbehaviours, err := p.parseHint(query.Get("login_hint"))
	if err != nil {
		return p.errorPage(err)
	}
	l.misbehaviours = misbehaviours
	if person, ok := p.approves(subject); ok {
		return p.respond(r, l, person)
	}
	if query.Get("prompt") == "none" {
		return p.respondError(r, l, badRequest("login_required", "nobody is signed in here"))
	}
	return p.signInPage(l, query, subject)
}

// signIn answers the form of the sign-in page. The form's action repeats the
// authentication request, so that nothing is stored between the two.
func (p *Provider) signIn(r *http.Request) *reply {
	query := r.URL.Query()
	client, request, err := p.checkClient(query)
	if err != nil {
		return p.errorPage(err)
	}
	l := p.newLogin(client, request)
	if err := p.checkRequest(query, &l.request); err != nil {
		return p.respondError(r, l, err)
	}
	if _, l.misbehaviours, err = p.parseHint(query.Get("login_hint")); err != nil {
		return p.errorPage(err)
	}
	person, ok := p.person(r.PostFormValue("person"))
	if !ok {
		return p.respondError(r, l, badRequest("access_denied", "the end user refused"))
	}
	return p.respond(r, l, person)
}

// requestParameters accepts both methods (OpenID Connect Core section 3.1.2.1).
func requestParameters(r *http.Request) (url.Values, error) {
	if r.Method == http.MethodGet {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, badRequest("invalid_request", "the query cannot be read")
		}
		return query, nil
	}
	if err := r.ParseForm(); err != nil {
		return nil, badRequest("invalid_request", "the form cannot be read")
	}
	return r.PostForm, nil
}

// checkClient checks what must be right before an answer may be sent to the redirect
// URI (RFC 6749 section 4.1.2.1).
func (p *Provider) checkClient(query url.Values) (Client, parameters, error) {
	for _, name := range []string{"client_id", "redirect_uri"} {
		if len(query[name]) != 1 {
			return Client{}, parameters{}, badRequest("invalid_request", name+" must be there once")
		}
	}
	client, ok := p.client(query.Get("client_id"))
	if !ok {
		return Client{}, parameters{}, badRequest("invalid_client", "no such client")
	}
	request := parameters{redirectURI: query.Get("redirect_uri"), responseMode: modeQuery}
	if !slices.Contains(client.RedirectURIs, request.redirectURI) {
		return Client{}, parameters{}, badRequest("invalid_request", "redirect_uri is not registered, byte for byte")
	}
	if state := query["state"]; len(state) == 1 {
		request.state = state[0]
	}
	if mode := query.Get("response_mode"); mode == modeFormPost || p.config.Security.SignedResponses && isSignedMode(mode) {
		request.responseMode = mode
	}
	return client, request, nil
}

// checkRequest checks the rest, in the order of the specifications.
func (p *Provider) checkRequest(query url.Values, request *parameters) error {
	for name, values := range query {
		if len(values) > 1 {
			return badRequest("invalid_request", name+" is there twice")
		}
	}
	if query.Get("response_type") != "code" {
		return badRequest("unsupported_response_type", "response_type must be code")
	}
	request.scope = strings.Fields(query.Get("scope"))
	if !slices.Contains(request.scope, "openid") {
		return badRequest("invalid_scope", "scope must contain openid")
	}
	signed := p.config.Security.SignedResponses && isSignedMode(query.Get("response_mode"))
	if mode := query.Get("response_mode"); mode != "" && mode != modeQuery && mode != modeFormPost && !signed {
		return badRequest("invalid_request", "response_mode must be query or form_post")
	}
	if p.config.Security.DPoP != "" {
		request.keyThumbprint = query.Get("dpop_jkt")
	}
	request.all = query
	request.nonce = query.Get("nonce")
	request.challenge = query.Get("code_challenge")
	if !p.config.Quirk.WithoutPKCE && (query.Get("code_challenge_method") != "S256" || !isS256Challenge(request.challenge)) {
		return badRequest("invalid_request", "PKCE with S256 is required (RFC 7636 section 4.4.1)")
	}
	if prompt := strings.Fields(query.Get("prompt")); slices.Contains(prompt, "none") && len(prompt) > 1 {
		return badRequest("invalid_request", "prompt none excludes all others")
	}
	if age := query.Get("max_age"); age != "" {
		if seconds, err := strconv.Atoi(age); err != nil || seconds < 0 {
			return badRequest("invalid_request", "max_age must be a number of seconds")
		}
		request.maxAge = true
	}
	return checkUnsupported(query)
}

func checkUnsupported(query url.Values) error {
	for _, name := range []string{"request", "request_uri", "registration"} {
		if query.Has(name) {
			return badRequest(name+"_not_supported", name+" is not supported")
		}
	}
	return nil
}

// isS256Challenge reports whether the challenge has the form of S256: the unpadded
// base64url of 32 bytes.
func isS256Challenge(challenge string) bool {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	return err == nil && len(decoded) == 32
}

// approves returns the person who is signed in without asking, if any.
func (p *Provider) approves(subject string) (Person, bool) {
	if !p.config.AutoApprove {
		return Person{}, false
	}
	if subject == "" && len(p.config.People) > 0 {
		return p.config.People[0], true
	}
	return p.person(subject)
}

func (p *Provider) newLogin(client Client, request parameters) *login {
	return &login{
		issuer:  p.issuer,
		client:  client,
		request: request,
		session: randomText(16),
		at:      p.Now(),
		code:    randomText(32),
	}
}

// exchangePrevious remembers the request and returns the client's previous one, or an
// invented one.
func (p *Provider) exchangePrevious(l *login) parameters {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, ok := p.previous[l.client.ID]
	p.previous[l.client.ID] = l.request
	if !ok || before.state == l.request.state || before.nonce == l.request.nonce {
		return parameters{state: randomText(32), nonce: randomText(32)}
	}
	return before
}
