package oauth2test

import (
	"net/http"
	"strings"
	"time"
)

// flavour defines how a kind differs from the others.
type flavour struct {
	name             string
	authorize, token string
	base, api        string // paths of Base and API
	apart            bool   // the API is on another host
	auth             string // how clients authenticate
	sep              string // of scopes
	kind             string // token_type; empty: Bearer
	prefix           string // of tokens
	refreshPrefix    string
	expires          time.Duration
	refresh          bool
	pkce             bool // whether PKCE is required
	plain            bool // whether the method plain is allowed
	stateMax         int
	mismatch         bool // a wrong redirect_uri is reported to the registered one
	subpaths         bool // redirect_uri can be below the registered one
	agent            bool // a generic User-Agent gets status 429
	scheme           string
	wants            map[string]string // parameters of the authorization request
	members          func(Person) map[string]any
	answer           func(r *http.Request, reply *Reply)                   // changes replies of the token endpoint
	refuse           func(r *http.Request, p problem) *Reply               // errors of the token endpoint
	routes           func(s *Server, web, api *http.ServeMux)              // registers the API
	guard            func(s *Server, r *http.Request, token string) *Reply // can refuse API requests
	unauthorized     func() *Reply
	codes            map[string]string // error codes, by those of RFC 6749
}

func (f flavour) clientParam() string { return "client_id" }

func (f flavour) separator() string {
	if f.sep == "" {
		return " "
	}
	return f.sep
}

func (f flavour) tokenType() string {
	if f.kind == "" {
		return "Bearer"
	}
	return f.kind
}

func (f flavour) word(code string) string {
	if word, ok := f.codes[code]; ok {
		return word
	}
	return code
}

func (f flavour) codeProblem() string     { return f.word("invalid_grant") }
func (f flavour) redirectProblem() string { return f.word("invalid_request") }
func (f flavour) refreshProblem() string  { return f.word("refresh") }

// fits compares a redirect_uri with a registered one.
func (f flavour) fits(registered, target string) bool {
	return registered == target || f.subpaths && strings.HasPrefix(target, strings.TrimSuffix(registered, "/")+"/")
}

func (f flavour) dress(r *http.Request, reply *Reply) {
	reply.Header.Set("Cache-Control", "no-store")
	if f.answer != nil {
		f.answer(r, reply)
	}
}

func (f flavour) refusal(_ *Server, r *http.Request, p problem) *Reply {
	p.code = f.word(p.code)
	if p.code == "refresh" {
		p.code = "invalid_grant"
	}
	if f.refuse != nil {
		return f.refuse(r, p)
	}
	reply := object(p.status, map[string]any{"error": p.code, "error_description": p.text})
	if p.status == http.StatusUnauthorized {
		reply.Header.Set("WWW-Authenticate", `Basic realm="oauth2test"`)
	}
	return reply
}

// flavours by kind.
var flavours map[Kind]flavour

func init() {
	flavours = map[Kind]flavour{
		Generic: generic, GitHub: gitHub(), GitHubApp: gitHubApp(), GitHubEnterprise: gitHubEnterprise(),
		Gitea: gitea(), Forgejo: gitea(), Discord: discord, Facebook: facebook, X: x, Bitbucket: bitbucket, Spotify: spotify,
		Yandex: yandex, Nextcloud: nextcloud, Atlassian: atlassian, Reddit: reddit, Mastodon: mastodon,
	}
}

// routes registers the endpoints of the authorization server and of the API.
func (s *Server) routes(web, api *http.ServeMux) {
	web.Handle(s.flavour.authorize, s.endpoint(Authorization, s.authorize))
	tokens := web
	if _, below := strings.CutPrefix(s.flavour.token, "api:"); below {
		tokens = api
	}
	tokens.Handle(strings.TrimPrefix(s.flavour.token, "api:"), s.endpoint(Token, s.tokenEndpoint))
	s.flavour.routes(s, web, api)
}

// owned returns an API endpoint that requires a token and returns data of its owner.
func (s *Server) owned(e Endpoint, answer func(r *http.Request, g grant, person Person) *Reply) http.HandlerFunc {
	return s.endpoint(e, func(r *http.Request) *Reply {
		scheme := s.flavour.scheme
		if scheme == "" {
			scheme = "Bearer"
		}
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), scheme+" ")
		if s.flavour.guard != nil {
			if refused := s.flavour.guard(s, r, token); refused != nil {
				return refused
			}
		}
		g, good := s.grants.look(&s.grants.access, token)
		person, there := s.byID(g.person)
		if !ok || !good || !there {
			if s.flavour.unauthorized != nil {
				return s.flavour.unauthorized()
			}
			reply := object(http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
			reply.Header.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			return reply
		}
		return answer(r, g, person)
	})
}

func has(g grant, scope string) bool {
	for _, one := range g.scopes {
		if one == scope {
			return true
		}
	}
	return false
}

// generic conforms to the specification, and has the profile that the manual of Directus
// expects.
var generic = flavour{
	name: "Example OAuth", authorize: "/authorize", token: "/token", plain: true,
	routes: func(s *Server, web, api *http.ServeMux) {
		web.Handle("/revoke", s.endpoint(Revocation, s.revoke))
		api.Handle("/profile", s.owned(Profile, func(_ *http.Request, _ grant, p Person) *Reply {
			groups := []any{}
			for _, org := range p.Orgs {
				groups = append(groups, org.Login)
			}
			email := p.primary()
			members := map[string]any{"id": p.ID, "username": p.Login, "name": orNull(p.Name), "groups": groups}
			if email.Address != "" {
				members["email"], members["email_verified"] = email.Address, email.Verified
			}
			return object(http.StatusOK, members)
		}))
		api.Handle("/emails", s.owned(Emails, func(r *http.Request, _ grant, p Person) *Reply { return s.paged(r, emailItems(p, nil)) }))
	},
}

// emailItems returns addresses in the form that most APIs use.
func emailItems(p Person, more func(Email) map[string]any) []any {
	var items []any
	for _, e := range p.Emails {
		item := map[string]any{"email": e.Address, "primary": e.Primary, "verified": e.Verified}
		if more != nil {
			item = more(e)
		}
		items = append(items, item)
	}
	return items
}
