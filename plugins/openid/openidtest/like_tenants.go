package openidtest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (l *likeness) okta() {
	l.person.Subject = "00uid4BxXw6I6TV4m0g3"
	l.person.Claims["zoneinfo"], l.person.Claims["updated_at"] = "America/Los_Angeles", 1311280970
	l.knows("openid", "profile", "email", "address", "phone", "offline_access", "groups")
}

func (l *likeness) auth0() {
	l.client.ClaimsInIDToken = true
	l.person.Subject = "auth0|5f7c8ec7c33c6c004bbafe82"
	l.person.Claims["updated_at"] = "2020-06-16T03:23:10.426Z"
	l.person.Claims["https://example.com/groups"] = []string{"staff"}
	delete(l.person.Claims, "groups")
}

func (l *likeness) cognito() {
	l.hides("pkce")
	l.person.Subject = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	delete(l.person.Claims, "groups")
	delete(l.person.Claims, "preferred_username")
	l.metadata(func(document map[string]any) { delete(document, "end_session_endpoint") })
	l.quirk.Offline = func(url.Values) bool { return true }
	l.quirk.Authorize = func(r *http.Request) string {
		if strings.Contains(r.URL.RawQuery, "+") {
			return "spaces must be percent-encoded"
		}
		return ""
	}
	l.quirk.Claims = func(claims map[string]any) {
		claims["cognito:groups"], claims["cognito:username"], claims["token_use"] = []string{"staff"}, "alice", "id"
	}
	l.quirk.UserInfo = func(claims map[string]any) {
		if claims["email_verified"] == true {
			claims["email_verified"] = "true"
		}
		claims["username"] = "alice"
	}
	l.quirk.Serve = map[string]func(*http.Request) (*Answer, bool){"/logout": l.cognitoLogout}
}

// cognitoLogout is Cognito's logout, which is not that of OpenID Connect and returns no
// parameters.
func (l *likeness) cognitoLogout(r *http.Request) (*Answer, bool) {
	query := r.URL.Query()
	if query.Get("client_id") != l.client.ID || !slices.Contains(l.client.PostLogoutRedirectURIs, query.Get("logout_uri")) {
		return &Answer{Status: http.StatusBadRequest, Header: http.Header{}, Body: []byte("Required String parameter 'redirect_uri' is not present")}, true
	}
	return &Answer{Status: http.StatusFound, Header: http.Header{"Location": {query.Get("logout_uri")}}}, true
}

func (l *likeness) keycloak() {
	l.client.ClaimsInIDToken = true
	l.person.Subject = "f1c2d3e4-0000-4000-8000-000000000001"
	delete(l.person.Claims, "groups")
	l.person.Claims["realm_access"] = map[string]any{"roles": []string{"staff", "offline_access"}}
	l.quirk.Offline = func(url.Values) bool { return true }
	l.quirk.Response = func(params map[string]string) { params["session_state"] = "d4b5" }
	l.quirk.Metadata = nil // it sends iss
	l.quirk.Claims = func(claims map[string]any) { claims["typ"], claims["azp"] = "ID", claims["aud"] }
}

func (l *likeness) zitadel() {
	l.person.Subject = "163840776835432705"
	delete(l.person.Claims, "groups")
	l.person.Claims["urn:zitadel:iam:org:project:roles"] = map[string]any{"staff": map[string]any{"163840776835432700": "acme.example"}}
	l.quirk.Claims = func(claims map[string]any) {
		claims["aud"] = []any{claims["aud"], "163840776835432345"}
		claims["azp"] = l.client.ID
	}
}

func (l *likeness) authentik() {
	l.client.ClaimsInIDToken = true
	l.person.Subject = "b2e3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091"
}
