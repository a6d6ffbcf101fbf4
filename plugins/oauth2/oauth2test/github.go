package oauth2test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// gitHub is an OAuth app at github.com. Sources: "Authorizing OAuth apps" and "Getting
// started with the REST API".
func gitHub() flavour {
	return flavour{
		name: "GitHub (fake)", authorize: "/login/oauth/authorize", token: "/login/oauth/access_token", apart: true,
		auth: Any, sep: ",", kind: "bearer", prefix: "gho_", mismatch: true, subpaths: true,
		answer: gitHubForm,
		refuse: func(r *http.Request, p problem) *Reply {
			reply := object(http.StatusOK, map[string]any{ // every error
				"error": p.code, "error_description": p.text, "error_uri": "https://docs.github.com/apps/troubleshooting",
			})
			gitHubForm(r, reply)
			return reply
		},
		codes: map[string]string{
			"invalid_grant": "bad_verification_code", "invalid_client": "incorrect_client_credentials",
			"invalid_request": "redirect_uri_mismatch", "refresh": "bad_refresh_token",
		},
		guard: gitHubGuard,
		unauthorized: func() *Reply {
			return object(http.StatusUnauthorized, map[string]any{
				"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401",
			})
		},
		routes: func(s *Server, _, api *http.ServeMux) { gitHubRoutes(s, api, "") },
	}
}

// gitHubApp is a GitHub App: tokens expire, refresh tokens can be used once, and there are
// permissions instead of scopes.
func gitHubApp() flavour {
	f := gitHub()
	f.name, f.prefix, f.refreshPrefix, f.subpaths = "GitHub App (fake)", "ghu_", "ghr_", false
	f.expires, f.refresh = 8*time.Hour, true
	f.members = func(Person) map[string]any { return map[string]any{"refresh_token_expires_in": 15897600, "scope": ""} }
	return f
}

// gitHubEnterprise is a GitHub Enterprise Server: its API is below /api/v3, it does not
// require a User-Agent, and it does not verify addresses.
func gitHubEnterprise() flavour {
	f := gitHub()
	f.name, f.apart, f.api, f.guard = "GitHub Enterprise (fake)", false, "/api/v3", nil
	f.routes = func(s *Server, _, api *http.ServeMux) { gitHubRoutes(s, api, "/api/v3") }
	return f
}

// gitHubForm sends a form unless the request asks for JSON.
func gitHubForm(r *http.Request, reply *Reply) {
	reply.Form = !strings.Contains(r.Header.Get("Accept"), "json")
}

func gitHubGuard(_ *Server, r *http.Request, _ string) *Reply {
	switch version := r.Header.Get("X-GitHub-Api-Version"); {
	case r.UserAgent() == "" || strings.HasPrefix(r.UserAgent(), "Go-http-client"):
		return text(http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
	case version != "" && version != "2022-11-28":
		return object(http.StatusBadRequest, map[string]any{"message": "unsupported version"})
	}
	return nil
}

func gitHubRoutes(s *Server, api *http.ServeMux, prefix string) {
	app := s.config.Kind == GitHubApp
	api.Handle(prefix+"/user", s.owned(Profile, func(_ *http.Request, g grant, p Person) *Reply {
		members := map[string]any{
			"login": p.Login, "id": json.Number(p.ID), "node_id": "U_" + p.ID, "avatar_url": "https://avatars.example/u/" + p.ID,
			"type": "User", "site_admin": false, "name": orNull(p.Name), "email": nil, "suspended_at": nil,
		}
		if p.Suspended {
			members["suspended_at"] = "2026-11-01T00:00:00Z"
		}
		return gitHubHeader(object(http.StatusOK, members), g)
	}))
	api.Handle(prefix+"/user/emails", s.owned(Emails, func(r *http.Request, g grant, p Person) *Reply {
		switch {
		case app && has(g, "no-emails"):
			return object(http.StatusForbidden, map[string]any{"message": "Resource not accessible by integration"})
		case !app && !has(g, "user:email") && !has(g, "user"):
			return object(http.StatusNotFound, map[string]any{"message": "Not Found"})
		}
		return gitHubHeader(s.paged(r, emailItems(p, func(e Email) map[string]any {
			return map[string]any{
				"email": e.Address, "primary": e.Primary, "verified": e.Verified && s.config.Kind != GitHubEnterprise,
				"visibility": map[bool]any{true: "private", false: nil}[e.Primary],
			}
		})), g)
	}))
	api.Handle(prefix+"/user/orgs", s.owned(Orgs, func(r *http.Request, g grant, p Person) *Reply {
		if refused := gitHubOrgs(s, g, p); refused != nil {
			return refused
		}
		var items []any
		for _, org := range shown(p) {
			items = append(items, map[string]any{"login": org.Login, "id": json.Number(org.ID), "node_id": "O_" + org.ID, "description": ""})
		}
		return gitHubHeader(s.paged(r, items), g)
	}))
	api.Handle(prefix+"/user/teams", s.owned(Teams, func(r *http.Request, g grant, p Person) *Reply {
		if refused := gitHubOrgs(s, g, p); refused != nil {
			return refused
		}
		var items []any
		for _, org := range shown(p) {
			for _, team := range org.Teams {
				items = append(items, map[string]any{
					"id": json.Number(team.ID), "name": strings.ToUpper(team.Slug), "slug": team.Slug, "permission": "pull",
					"organization": map[string]any{"login": org.Login, "id": json.Number(org.ID)},
				})
			}
		}
		return gitHubHeader(s.paged(r, items), g)
	}))
	api.Handle("DELETE "+prefix+"/applications/{client}/token", s.endpoint(Revocation, s.gitHubRevoke))
}

// shown returns the organizations that have approved the app.
func shown(p Person) []Org {
	var list []Org
	for _, org := range p.Orgs {
		if !org.Restricted {
			list = append(list, org)
		}
	}
	return list
}

// gitHubOrgs refuses a request without the scope, or if an organization requires a session.
func gitHubOrgs(s *Server, g grant, p Person) *Reply {
	if s.config.Kind != GitHubApp && !has(g, "read:org") {
		return object(http.StatusForbidden, map[string]any{"message": "You need at least read:org scope to list your organizations."})
	}
	for _, org := range p.Orgs {
		if org.SAML {
			reply := object(http.StatusForbidden, map[string]any{"message": "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization."})
			reply.Header.Set("X-GitHub-SSO", "required; url=https://github.com/orgs/"+org.Login+"/sso")
			return reply
		}
	}
	return nil
}

func gitHubHeader(reply *Reply, g grant) *Reply {
	reply.Header.Set("X-OAuth-Scopes", strings.Join(g.scopes, ", "))
	reply.Header.Set("X-GitHub-Api-Version-Selected", "2022-11-28")
	reply.Header.Set("X-RateLimit-Limit", "5000")
	reply.Header.Set("X-RateLimit-Remaining", "4999")
	return reply
}

// gitHubRevoke deletes the token of a request with Basic authentication and JSON.
func (s *Server) gitHubRevoke(r *http.Request) *Reply {
	id, secret, _ := r.BasicAuth()
	client, ok := s.client(id)
	if !ok || client.Secret != secret || r.PathValue("client") != id {
		return object(http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
	}
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || !s.grants.end(body.AccessToken) {
		return object(http.StatusNotFound, map[string]any{"message": "Not Found"})
	}
	return &Reply{Status: http.StatusNoContent, Header: http.Header{}}
}

// paged returns one page of a list, with links to the other pages in a Link field.
func (s *Server) paged(r *http.Request, items []any) *Reply {
	number := func(name string, otherwise int) int {
		n, err := strconv.Atoi(r.URL.Query().Get(name))
		if err != nil || n < 1 {
			return otherwise
		}
		return n
	}
	size := min(number("per_page", number("limit", 30)), 100)
	if s.config.PageSize > 0 {
		size = min(size, s.config.PageSize)
	}
	page := number("page", 1)
	last := max(1, (len(items)+size-1)/size)
	at := func(n int, rel string) string {
		query := r.URL.Query()
		query.Set("page", strconv.Itoa(n))
		target := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawQuery: query.Encode()}
		return fmt.Sprintf(`<%s>; rel="%s"`, target.String(), rel)
	}
	var links []string
	if page < last {
		links = append(links, at(last, "last"), at(page+1, "next"))
	}
	if page > 1 {
		links = append(links, at(page-1, "prev"), at(1, "first"))
	}
	start := min((page-1)*size, len(items))
	reply := list(items[start:min(start+size, len(items))])
	if len(links) > 0 {
		reply.Header.Set("Link", strings.Join(links, ", "))
	}
	return reply
}

// gitea has an API similar to GitHub's, below /api/v1 of the same host.
func gitea() flavour {
	return flavour{
		name: "Gitea (fake)", authorize: "/login/oauth/authorize", token: "/login/oauth/access_token", api: "/api/v1",
		auth: Any, plain: true, kind: "bearer", expires: time.Hour, refresh: true,
		refuse: func(_ *http.Request, p problem) *Reply {
			// The same error code for a wrong code and for a wrong secret.
			said := map[string]string{"invalid_grant": "client is not authorized", "invalid_client": "invalid client secret"}
			if text, ok := said[p.code]; ok {
				p.code, p.text = "unauthorized_client", text
			}
			return object(http.StatusBadRequest, map[string]any{"error": p.code, "error_description": p.text})
		},
		routes: func(s *Server, _, api *http.ServeMux) {
			api.Handle("/api/v1/user", s.owned(Profile, func(_ *http.Request, _ grant, p Person) *Reply {
				return object(http.StatusOK, map[string]any{
					"id": json.Number(p.ID), "login": p.Login, "username": p.Login, "full_name": p.Name,
					"email": p.Login + "@noreply.example.com", "active": true, "prohibit_login": p.Suspended,
				})
			}))
			api.Handle("/api/v1/user/emails", s.owned(Emails, func(_ *http.Request, _ grant, p Person) *Reply {
				return list(emailItems(p, func(e Email) map[string]any {
					return map[string]any{"email": e.Address, "primary": e.Primary, "verified": e.Verified, "user_id": json.Number(p.ID), "username": p.Login}
				}))
			}))
			api.Handle("/api/v1/user/orgs", s.owned(Orgs, func(r *http.Request, g grant, p Person) *Reply {
				if !has(g, "read:organization") {
					return object(http.StatusForbidden, map[string]any{"message": "token does not have at least one of required scope(s)"})
				}
				var items []any
				for _, org := range p.Orgs {
					items = append(items, map[string]any{"id": json.Number(org.ID), "name": org.Login, "username": org.Login})
				}
				return s.paged(r, items)
			}))
			api.Handle("/api/v1/user/teams", s.owned(Teams, func(r *http.Request, _ grant, p Person) *Reply {
				var items []any
				for _, org := range p.Orgs {
					for _, team := range org.Teams {
						items = append(items, map[string]any{
							"id": json.Number(team.ID), "name": team.Slug,
							"organization": map[string]any{"id": json.Number(org.ID), "name": org.Login},
						})
					}
				}
				return s.paged(r, items)
			}))
		},
	}
}
