package web_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What Directus clients read is unchanged. The username and the groups of the session are
// added, and are null if they are not known.
func TestMeTellsGroupsAndUsername(t *testing.T) {
	s := newSite(t, "")
	for code, want := range map[string]map[string]any{
		"member":    {"username": "m.ember", "groups": []any{"staff", "<admins>"}},
		"ada":       {"username": nil, "groups": []any{}},
		"somewhere": {"username": nil, "groups": nil},
	} {
		b := s.browser(t)
		b.signIn("op", code)
		byCookie := b.get("/users/me").data(t)
		state := b.begin("/auth/login/op?mode=json")
		access := b.get("/auth/login/op/callback?code=" + code + "&state=" + state).data(t)["access_token"].(string)
		byToken := s.browser(t).get("/users/me", "Authorization", "Bearer "+access).data(t)
		for how, me := range map[string]map[string]any{"cookie": byCookie, "access token": byToken} {
			got := map[string]any{"username": me["username"], "groups": me["groups"]}
			if diff := cmp.Diff(want, got); diff != "" || me["external_identifier"] != code {
				t.Errorf("%s by %s: %s", code, how, diff)
			}
			if _, ok := me["groups"]; !ok {
				t.Errorf("%s by %s: no groups at all", code, how)
			}
		}
	}
}
