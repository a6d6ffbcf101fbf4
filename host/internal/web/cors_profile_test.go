package web_test

import (
	"net/http"
	"testing"
)

// A request with a cookie can change a profile if it comes from a page whose origin is
// listed, and from no other page.
func TestChangeMeFromAnotherOrigin(t *testing.T) {
	b := signedInHere(t, sharingSite(t, byName))
	if a := b.patch("/users/me?fields=language", `{"language":"de-DE"}`, fromApplication...); a.StatusCode != http.StatusOK || a.Header.Get("Access-Control-Allow-Origin") != application {
		t.Errorf("a page of the application: %s %v %s", a.Status, a.Header, a.body)
	}
	for _, origin := range strangers {
		a := b.patch("/users/me", `{"language":"xx"}`, "Origin", origin, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors")
		if a.StatusCode != http.StatusForbidden || len(corsHeaders(a)) > 0 {
			t.Errorf("a page of %s: %s %v", origin, a.Status, corsHeaders(a))
		}
	}
	withoutCookies := sharingSite(t, withoutCredentials).browser(t)
	withoutCookies.signIn("op", "ada")
	if a := withoutCookies.patch("/users/me", `{"language":"xx"}`, fromApplication...); a.StatusCode != http.StatusForbidden {
		t.Errorf("a page of the application, with CORS_CREDENTIALS=false: %s", a.Status)
	}
	if got := b.get("/users/me?fields=language").data(t)["language"]; got != "de-DE" {
		t.Errorf("the language is %v", got)
	}
}
