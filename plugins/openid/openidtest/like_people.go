package openidtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// AppleTeam is the team that owns the client of the provider like Apple.
const AppleTeam = "TEAM123456"

func (l *likeness) google() {
	l.client.ClaimsInIDToken = true
	l.person.Subject = "110169484474386276334" // more than fits into 64 bits
	l.person.Claims["hd"] = "example.com"
	l.knows("openid", "email", "profile")
	l.quirk.Offline = func(request url.Values) bool {
		return request.Get("access_type") == "offline" && slices.Contains(strings.Fields(request.Get("prompt")), "consent")
	}
	l.quirk.Response = func(params map[string]string) {
		delete(params, "iss")
		params["scope"], params["authuser"], params["hd"], params["prompt"] = "email openid", "0", "example.com", "consent"
	}
	l.quirk.UserInfo = func(claims map[string]any) { delete(claims, "groups") }
	l.quirk.Claims = func(claims map[string]any) {
		delete(claims, "groups")
		claims["azp"] = claims["aud"]
	}
}

const microsoftTemplate = "https://login.microsoftonline.com/{tenantid}/v2.0"

// microsoft is one tenant, or all tenants if the issuer is the one for many.
func (l *likeness) microsoft() {
	l.hides("pkce")
	tenant := "00000000-0000-0000-0000-000000000000"
	l.client.ClaimsInIDToken = true
	delete(l.person.Claims, "email_verified")
	delete(l.person.Claims, "groups")
	many := strings.HasSuffix(l.issuer, "/common/v2.0")
	l.metadata(func(document map[string]any) {
		if many {
			document["issuer"] = microsoftTemplate
		}
	})
	l.quirk.Keys = func(keys []map[string]any) []map[string]any {
		for _, k := range keys {
			k["issuer"] = microsoftTemplate
			delete(k, "alg")
		}
		return keys
	}
	l.quirk.Token = func(body map[string]any) { body["scope"], body["ext_expires_in"] = "email profile", 3600 }
	l.quirk.Claims = func(claims map[string]any) {
		claims["tid"], claims["ver"] = tenant, "2.0"
		claims["iss"] = strings.Replace(microsoftTemplate, "{tenantid}", tenant, 1)
		iat, _ := claims["iat"].(int64)
		claims["iat"], claims["nbf"] = iat-300, iat-300
		claims["_claim_names"] = map[string]any{"groups": "src1"}
		claims["_claim_sources"] = map[string]any{"src1": map[string]any{"endpoint": "https://graph.windows.net/x/getMemberObjects"}}
	}
}

func (l *likeness) apple() {
	l.hides("pkce")
	l.posts()
	l.client.ClaimsInIDToken = true
	l.person.Subject = "001234.0123456789abcdef0123456789abcdef.1234"
	l.person.Claims = map[string]any{"email": "alice@privaterelay.appleid.com", "email_verified": "true", "is_private_email": "true"}
	l.metadata(func(document map[string]any) { delete(document, "userinfo_endpoint") })
	first := true
	l.quirk.Authorize = func(r *http.Request) string {
		scopes := strings.Fields(r.FormValue("scope"))
		wantsMore := slices.Contains(scopes, "name") || slices.Contains(scopes, "email")
		if wantsMore && r.FormValue("response_mode") != modeFormPost {
			return "response_mode must be form_post when name or email scope is requested"
		}
		return ""
	}
	l.quirk.Response = func(params map[string]string) {
		delete(params, "iss")
		if first && params["code"] != "" {
			params["user"] = `{"name":{"firstName":"Alice","lastName":"Archer"},"email":"mallory@example.com"}`
		}
		first = false
	}
	l.quirk.Claims = func(claims map[string]any) { claims["nonce_supported"] = true }
	l.quirk.Offline = func(url.Values) bool { return true }
	l.quirk.Secret = l.isAppleSecret
}

// isAppleSecret checks what Apple documents that it checks.
func (l *likeness) isAppleSecret(secret string, now time.Time) bool {
	const longest = 15_777_000 * time.Second
	jws, err := jose.ParseSignedCompact(secret, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(l.client.Keys) == 0 {
		return false
	}
	payload, err := jws.Verify(assertionKey(l.client, jws.Signatures[0].Header.KeyID))
	if err != nil {
		return false
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		Issued   int64  `json:"iat"`
		Expires  int64  `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return false
	}
	issued, expires := time.Unix(claims.Issued, 0), time.Unix(claims.Expires, 0)
	return claims.Issuer == AppleTeam && claims.Subject == l.client.ID && claims.Audience == "https://appleid.apple.com" &&
		!issued.After(now) && expires.After(now) && expires.Sub(issued) <= longest
}
