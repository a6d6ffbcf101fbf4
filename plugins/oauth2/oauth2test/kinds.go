package oauth2test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// discord: IDs are strings, names are not unique, bodies are forms.
var discord = flavour{
	name: "Discord (fake)", authorize: "/oauth2/authorize", token: "api:/api/oauth2/token", api: "/api", apart: true,
	auth: Any, expires: 7 * 24 * time.Hour, refresh: true,
	unauthorized: func() *Reply {
		return object(http.StatusUnauthorized, map[string]any{"message": "401: Unauthorized", "code": 0})
	},
	routes: func(s *Server, _, api *http.ServeMux) {
		api.Handle("/api/users/@me", s.owned(Profile, func(_ *http.Request, g grant, p Person) *Reply {
			email := p.primary()
			members := map[string]any{
				"id": p.ID, "username": p.Login, "global_name": orNull(p.Name), "discriminator": "0", "avatar": nil, "flags": 0,
			}
			if has(g, "email") {
				members["email"], members["verified"] = orNull(email.Address), email.Verified
			}
			return object(http.StatusOK, members)
		}))
		api.Handle("/api/users/@me/guilds", s.owned(Orgs, func(_ *http.Request, g grant, p Person) *Reply {
			if !has(g, "guilds") {
				return object(http.StatusUnauthorized, map[string]any{"message": "401: Unauthorized", "code": 0})
			}
			var items []any
			for _, org := range p.Orgs {
				items = append(items, map[string]any{"id": org.ID, "name": org.Login, "icon": nil, "owner": false, "permissions": "0"})
			}
			return list(items)
		}))
	},
}

// facebook: errors are objects, and each request needs a proof.
var facebook = flavour{
	name: "Facebook (fake)", authorize: "/dialog/oauth", token: "api:/oauth/access_token", apart: true,
	auth: Post, sep: ",", kind: "bearer", expires: 60 * 24 * time.Hour,
	refuse: func(_ *http.Request, p problem) *Reply { return facebookError(http.StatusBadRequest, p.text, 100) },
	guard: func(s *Server, r *http.Request, token string) *Reply {
		for _, client := range s.config.Clients {
			mac := hmac.New(sha256.New, []byte(client.Secret))
			mac.Write([]byte(token))
			if r.URL.Query().Get("appsecret_proof") == hex.EncodeToString(mac.Sum(nil)) {
				return nil
			}
		}
		return facebookError(http.StatusBadRequest, "API calls from the server require an appsecret_proof argument", 100)
	},
	unauthorized: func() *Reply {
		return facebookError(http.StatusUnauthorized, "Invalid OAuth access token.", 190)
	},
	routes: func(s *Server, _, api *http.ServeMux) {
		api.Handle("/me", s.owned(Profile, func(_ *http.Request, g grant, p Person) *Reply {
			first, last, _ := strings.Cut(p.Name, " ")
			members := map[string]any{"id": p.ID, "name": p.Name, "first_name": first, "last_name": last}
			if email := p.primary(); has(g, "email") && email.Address != "" {
				members["email"] = email.Address
			}
			reply := object(http.StatusOK, members)
			reply.Header.Set("Content-Type", "text/javascript; charset=UTF-8")
			return reply
		}))
	},
}

func facebookError(status int, text string, code int) *Reply {
	return object(status, map[string]any{"error": map[string]any{"message": text, "type": "OAuthException", "code": code, "fbtrace_id": "A1"}})
}

// x: Basic and PKCE are required, the profile is in a wrapper, and addresses are confirmed or
// absent.
var x = flavour{
	name: "X (fake)", authorize: "/i/oauth2/authorize", token: "api:/2/oauth2/token", apart: true,
	auth: Basic, kind: "bearer", expires: 2 * time.Hour, pkce: true, stateMax: 500,
	routes: func(s *Server, _, api *http.ServeMux) {
		api.Handle("/2/users/me", s.owned(Profile, func(r *http.Request, g grant, p Person) *Reply {
			if !has(g, "users.read") || !has(g, "tweet.read") {
				return object(http.StatusForbidden, map[string]any{"title": "Forbidden", "detail": "missing scope", "status": 403})
			}
			data := map[string]any{"id": p.ID, "username": p.Login, "name": p.Name}
			email := p.primary()
			if has(g, "users.email") && email.Verified && strings.Contains(r.URL.Query().Get("user.fields"), "confirmed_email") {
				data["confirmed_email"] = email.Address
			}
			return object(http.StatusOK, map[string]any{"data": data})
		}))
	},
}

// bitbucket: the URL of the next page is in the body.
var bitbucket = flavour{
	name: "Bitbucket (fake)", authorize: "/site/oauth2/authorize", token: "/site/oauth2/access_token", api: "/2.0", apart: true,
	auth: Any, kind: "bearer", expires: 2 * time.Hour, refresh: true,
	routes: func(s *Server, _, api *http.ServeMux) {
		api.Handle("/2.0/user", s.owned(Profile, func(_ *http.Request, _ grant, p Person) *Reply {
			return object(http.StatusOK, map[string]any{
				"account_id": "557058:" + p.ID, "uuid": "{" + p.ID + "}", "username": p.Login, "nickname": p.Login, "display_name": p.Name, "type": "user",
			})
		}))
		api.Handle("/2.0/user/emails", s.owned(Emails, func(r *http.Request, _ grant, p Person) *Reply {
			items := emailItems(p, func(e Email) map[string]any {
				return map[string]any{"type": "email", "email": e.Address, "is_primary": e.Primary, "is_confirmed": e.Verified}
			})
			page, _ := strconv.Atoi(r.URL.Query().Get("page"))
			members := map[string]any{"pagelen": 1, "page": page + 1, "values": []any{}}
			if page < len(items) {
				members["values"] = items[page : page+1]
			}
			if page+1 < len(items) {
				members["next"] = s.API() + "/user/emails?page=" + strconv.Itoa(page+1)
			}
			return object(http.StatusOK, members)
		}))
	},
}

// spotify: does not say whether an address is verified.
var spotify = flavour{
	name: "Spotify (fake)", authorize: "/authorize", token: "/api/token", api: "/v1", apart: true,
	auth: Any, expires: time.Hour, refresh: true,
	routes: func(s *Server, _, api *http.ServeMux) {
		api.Handle("/v1/me", s.owned(Profile, func(_ *http.Request, g grant, p Person) *Reply {
			members := map[string]any{"id": "spotify" + p.ID, "display_name": orNull(p.Name), "images": []any{}}
			if has(g, "user-read-email") {
				members["email"] = p.primary().Address
			}
			return object(http.StatusOK, members)
		}))
	},
}

// yandex: uses the scheme OAuth instead of Bearer.
var yandex = flavour{
	name: "Yandex (fake)", authorize: "/authorize", token: "/token", apart: true,
	auth: Any, kind: "bearer", expires: 365 * 24 * time.Hour, refresh: true, scheme: "OAuth",
	routes: func(s *Server, _, api *http.ServeMux) {
		api.Handle("/info", s.owned(Profile, func(_ *http.Request, _ grant, p Person) *Reply {
			first, last, _ := strings.Cut(p.Name, " ")
			members := map[string]any{
				"id": p.ID, "login": p.Login, "display_name": p.Login, "real_name": p.Name, "first_name": first, "last_name": last,
				"default_email": orNull(p.primary().Address), "emails": []any{},
			}
			for _, e := range p.Emails {
				members["emails"] = append(members["emails"].([]any), e.Address)
			}
			return object(http.StatusOK, members)
		}))
	},
}

// nextcloud: the envelope of OCS, XML unless the request asks for JSON in its query and a header field, and the
// user in the token response.
var nextcloud = flavour{
	name: "Nextcloud (fake)", authorize: "/apps/oauth2/authorize", token: "/apps/oauth2/api/v1/token", api: "/ocs/v2.php",
	auth: Any, expires: time.Hour, refresh: true,
	members: func(p Person) map[string]any { return map[string]any{"user_id": p.Login} },
	refuse: func(_ *http.Request, p problem) *Reply {
		return object(http.StatusBadRequest, map[string]any{"error": p.code})
	},
	routes: func(s *Server, _, api *http.ServeMux) {
		api.Handle("/ocs/v2.php/cloud/user", s.owned(Profile, func(r *http.Request, _ grant, p Person) *Reply {
			if r.Header.Get("OCS-APIRequest") != "true" || r.URL.Query().Get("format") != "json" {
				return &Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/xml; charset=utf-8"}}, Body: "<?xml version=\"1.0\"?>\n<ocs><meta><status>ok</status></meta></ocs>"}
			}
			groups := []any{}
			for _, org := range p.Orgs {
				groups = append(groups, org.Login)
			}
			return object(http.StatusOK, map[string]any{"ocs": map[string]any{
				"meta": map[string]any{"status": "ok", "statuscode": 200, "message": "OK"},
				"data": map[string]any{
					"enabled": !p.Suspended, "id": p.Login, "displayname": p.Name, "email": orNull(p.primary().Address), "groups": groups,
				},
			}})
		}))
	},
}

// atlassian: an audience is required.
var atlassian = flavour{
	name: "Atlassian (fake)", authorize: "/authorize", token: "/oauth/token", apart: true,
	auth: Any, expires: time.Hour, wants: map[string]string{"audience": "api.atlassian.com"},
	routes: func(s *Server, _, api *http.ServeMux) {
		api.Handle("/me", s.owned(Profile, func(_ *http.Request, g grant, p Person) *Reply {
			if !has(g, "read:me") {
				return object(http.StatusForbidden, map[string]any{"code": 403, "message": "The app is missing the required OAuth scopes."})
			}
			email := p.primary()
			status := "active"
			if p.Suspended {
				status = "inactive"
			}
			return object(http.StatusOK, map[string]any{
				"account_id": "557058:" + p.ID, "account_type": "atlassian", "account_status": status, "name": p.Name, "nickname": p.Login,
				"email": email.Address, "email_verified": email.Verified,
			})
		}))
	},
}

// reddit: Basic is required, and all requests need a descriptive User-Agent.
var reddit = flavour{
	name: "Reddit (fake)", authorize: "/api/v1/authorize", token: "/api/v1/access_token", apart: true,
	auth: Basic, kind: "bearer", expires: time.Hour, agent: true,
	guard: func(_ *Server, r *http.Request, _ string) *Reply {
		if genericAgent(r) {
			return text(http.StatusTooManyRequests, "Too Many Requests")
		}
		return nil
	},
	routes: func(s *Server, _, api *http.ServeMux) {
		api.Handle("/api/v1/me", s.owned(Profile, func(_ *http.Request, _ grant, p Person) *Reply {
			return object(http.StatusOK, map[string]any{"id": "t2" + p.ID, "name": p.Login, "icon_img": "https://example.com/a.png?s=1&amp;t=2", "is_suspended": p.Suspended})
		}))
	},
}

// mastodon: tokens do not expire.
var mastodon = flavour{
	name: "Mastodon (fake)", authorize: "/oauth/authorize", token: "/oauth/token", api: "/api/v1", auth: Post,
	members: func(Person) map[string]any {
		return map[string]any{"created_at": json.Number(strconv.FormatInt(time.Now().Unix(), 10))}
	},
	unauthorized: func() *Reply {
		return object(http.StatusUnauthorized, map[string]any{"error": "The access token is invalid"})
	},
	routes: func(s *Server, web, api *http.ServeMux) {
		web.Handle("/oauth/revoke", s.endpoint(Revocation, s.revoke))
		api.Handle("/api/v1/accounts/verify_credentials", s.owned(Profile, func(_ *http.Request, g grant, p Person) *Reply {
			if !has(g, "profile") && !has(g, "read:accounts") {
				return object(http.StatusForbidden, map[string]any{"error": "This action is outside the authorized scopes"})
			}
			return object(http.StatusOK, map[string]any{
				"id": p.ID, "username": p.Login, "acct": p.Login, "display_name": p.Name, "suspended": p.Suspended, "avatar_static": "https://example.com/" + url.PathEscape(p.Login) + ".png",
			})
		}))
	},
}
