package openidtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (l *likeness) twitch() {
	l.hides("pkce")
	l.posts()
	l.client.ClaimsInIDToken = true
	l.person.Subject = "713936733"
	delete(l.person.Claims, "groups")
	l.quirk.Offline = func(url.Values) bool { return true }
	l.quirk.UserInfo = onlySubject
	l.quirk.Claims = func(claims map[string]any) {
		claims["preferred_username"], claims["email"], claims["email_verified"] = "alice", "alice@example.com", true
	}
	l.quirk.ClaimsFor = onlyAsked
	l.quirk.Token = func(body map[string]any) {
		body["token_type"] = "bearer"
		body["scope"] = []string{"openid", "user:read:email"}
	}
	l.quirk.Answer = func(at Stage, a *Answer) {
		switch {
		case at != AtToken || a.Status < 400:
		case strings.Contains(string(a.Body), "invalid_client"):
			a.Status, a.Body = http.StatusForbidden, []byte(`{"status":403,"message":"invalid client secret"}`)
		default:
			a.Status, a.Body = http.StatusBadRequest, []byte(`{"status":400,"message":"Invalid authorization code"}`)
		}
	}
}

// onlyAsked keeps only the claims that the parameter claims requests in the ID token (OpenID
// Connect Core section 5.5).
func onlyAsked(request url.Values, claims map[string]any) {
	var asked struct {
		IDToken map[string]any `json:"id_token"`
	}
	_ = json.Unmarshal([]byte(request.Get("claims")), &asked)
	for _, name := range slices.Concat(claimsByScope["profile"], claimsByScope["email"]) {
		if _, ok := asked.IDToken[name]; !ok {
			delete(claims, name)
		}
	}
}

func onlySubject(claims map[string]any) {
	for name := range claims {
		if name != "sub" {
			delete(claims, name)
		}
	}
}

func (l *likeness) slack() {
	l.hides("pkce")
	l.client.ClaimsInIDToken = true
	l.person.Subject = "U0R7JM"
	for name, value := range map[string]any{
		"https://slack.com/user_id": "U0R7JM", "https://slack.com/team_id": "T0R7GR", "https://slack.com/team_name": "acme",
		"date_email_verified": 1622128723,
	} {
		l.person.Claims[name] = value
	}
	delete(l.person.Claims, "groups")
	l.quirk.Token = func(body map[string]any) { body["ok"] = true }
	l.quirk.UserInfo = func(claims map[string]any) { claims["ok"] = true }
	l.quirk.Answer = func(at Stage, a *Answer) {
		if (at == AtToken || at == AtUserInfo) && a.Status >= 400 {
			code := "invalid_code"
			if strings.Contains(string(a.Body), "invalid_client") {
				code = "bad_client_secret"
			}
			a.Status, a.Body = http.StatusOK, []byte(`{"ok":false,"error":"`+code+`"}`)
		}
	}
}

func (l *likeness) linkedIn() {
	l.hides("pkce")
	l.posts()
	l.client.ClaimsInIDToken = true
	l.quirk.WithoutPKCE = true
	l.person.Subject = "782bbtaQ"
	l.person.Claims["locale"] = map[string]any{"country": "US", "language": "en"}
	delete(l.person.Claims, "groups")
	delete(l.person.Claims, "preferred_username")
	l.knows("openid", "profile", "email")
	l.quirk.Redeem = func(form url.Values) string {
		if form.Has("code_verifier") {
			return "invalid_client"
		}
		return ""
	}
	l.quirk.Claims = func(claims map[string]any) {
		delete(claims, "nonce")
		claims["email_verified"], claims["locale"] = "true", "en_US"
	}
	l.quirk.Keys = func(keys []map[string]any) []map[string]any {
		for _, k := range keys {
			delete(k, "use")
		}
		return keys
	}
}

func (l *likeness) line() {
	l.posts()
	l.client.IDTokenSignedResponseAlg = "ES256"
	l.client.ClaimsInIDToken = true
	l.person.Subject = "U0123456789abcdef0123456789abcdef"
	l.person.Claims = map[string]any{"name": "Alice", "email": "alice@example.com", "picture": "https://profile.line.example/1"}
	l.metadata(func(document map[string]any) { document["id_token_signing_alg_values_supported"] = []string{"ES256"} })
	l.quirk.SignWithSecret = func(form url.Values) bool { return form.Get("id_token_key_type") != "JWK" }
	l.quirk.Offline = func(url.Values) bool { return true }
	l.quirk.UserInfo = func(claims map[string]any) { delete(claims, "email") }
}

func (l *likeness) gitLab() {
	l.person.Subject = "4711"
	l.person.Claims["groups"] = []string{"acme/staff", "acme"}
	l.person.Claims["groups_direct"] = []string{"acme/staff"}
	l.quirk.Offline = func(url.Values) bool { return true }
	l.quirk.Redeem = func(form url.Values) string {
		if form.Get("grant_type") == "refresh_token" && form.Get("redirect_uri") == "" {
			return "invalid_grant"
		}
		return ""
	}
}
