package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
)

const editorID = "6f1d3b64-64d3-4a43-8a0b-0c8f7a5e9a01"

// newMember signs in a user who has a role, and returns their browser and ID.
func newMember(t *testing.T, s *site) (b *browser, id string) {
	t.Helper()
	if err := s.store.AddRole(t.Context(), sso.Role{ID: editorID, Name: "Editor"}, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	b = s.browser(t)
	b.signIn("op", "member")
	id = b.me()
	if _, _, err := s.store.ChangeUser(t.Context(), id, func(u *sso.User) ([]sso.Event, error) {
		u.Role, u.FirstName, u.LastName, u.Language = editorID, "Mem", "Ber", "de-DE"
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	return b, id
}

// Fields as Directus clients ask for them, and the data of the answer.
func TestFields(t *testing.T) {
	s := newSite(t, "")
	b, id := newMember(t, s)
	all := b.get("/users/me").data(t)
	with := func(name string, value any) map[string]any {
		other := map[string]any{}
		for k, v := range all {
			other[k] = v
		}
		other[name] = value
		return other
	}
	type m = map[string]any
	role := m{"id": editorID, "name": "Editor"}
	if all["language"] != "de-DE" || all["role"] != editorID || all["username"] != "m.ember" {
		t.Errorf("all: %v", all)
	}
	for query, want := range map[string]m{
		"fields=id":       {"id": id},
		"fields=":         all,
		"fields=,":        all,
		"fields=*":        all,
		"fields=*,avatar": with("avatar", nil),
		"fields=*,role.*": with("role", role),
		"fields=*.*":      with("role", role),
		"fields=*.*.*":    with("role", role),
		"fields=*.name":   with("role", m{"name": "Editor"}),
		"limit=1&deep=%7B%22role%22%3A%7B%22_limit%22%3A1%7D%7D&filter[id][_eq]=1&sort=id&search=x&meta=*&alias[a]=b": all,
		"fields=id,first_name":                          {"id": id, "first_name": "Mem"},
		"fields=id,+first_name":                         {"id": id, "first_name": "Mem"},
		"fields=id&fields=first_name":                   {"id": id, "first_name": "Mem"},
		"fields[]=id&fields[]=first_name":               {"id": id, "first_name": "Mem"},
		"fields%5B0%5D=id&fields%5B1%5D=first_name":     {"id": id, "first_name": "Mem"},
		"fields[]=id,first_name&fields=language":        {"id": id, "first_name": "Mem", "language": "de-DE"},
		"fields=role":                                   {"role": editorID},
		"fields=role.name":                              {"role": m{"name": "Editor"}},
		"fields=role,role.name":                         {"role": m{"name": "Editor"}},
		"fields=role.id,role.name":                      {"role": role},
		"fields=role.*,role.icon":                       {"role": m{"id": editorID, "name": "Editor", "icon": nil}},
		"fields=role.users,role.policies,role.children": {"role": m{"users": []any{}, "policies": []any{}, "children": []any{}}},
		"fields=role.parent.parent.name":                {"role": m{"parent": nil}},
		"fields=avatar.id,policies.policy.name":         {"avatar": nil, "policies": []any{}},
		"fields=title,tags,location,description,theme,token,password,tfa_secret,auth_data,last_page,appearance,email_notifications": {
			"title": nil, "tags": nil, "location": nil, "description": nil, "theme": nil, "token": nil, "password": nil, "tfa_secret": nil, "auth_data": nil,
			"last_page": nil, "appearance": nil, "email_notifications": nil,
		},
		"fields=groups,username,status,provider,external_identifier": {
			"groups": []any{"staff", "<admins>"}, "username": "m.ember", "status": "active", "provider": "op", "external_identifier": "member",
		},
	} {
		if diff := cmp.Diff(want, b.get("/users/me?"+query).data(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

// For fields that Directus does not have, the error is that of Directus; requests for too
// much are refused.
func TestFieldsThatThereAreNot(t *testing.T) {
	s := newSite(t, "")
	b, _ := newMember(t, s)
	for query, want := range map[string]string{
		"fields=id,nope":        `You don't have permission to access field "nope" in collection "directus_users" or it does not exist. Queried in root.`,
		"fields=zzz,aaa":        `You don't have permission to access fields "aaa", "zzz" in collection "directus_users" or they do not exist. Queried in root.`,
		"fields=role.nope":      `You don't have permission to access field "nope" in collection "directus_roles" or it does not exist. Queried in "role".`,
		"fields=*.nope":         `You don't have permission to access field "nope" in collection "directus_roles" or it does not exist. Queried in "role".`,
		"fields=email.domain":   `You don't have permission to access field "email.domain" in collection "directus_users" or it does not exist. Queried in root.`,
		"fields=title.*":        `You don't have permission to access field "title.*" in collection "directus_users" or it does not exist. Queried in root.`,
		`fields=["id"]`:         `You don't have permission to access field "["id"]" in collection "directus_users" or it does not exist. Queried in root.`,
		"fields=year(id)":       `You don't have permission to access field "year(id)" in collection "directus_users" or it does not exist. Queried in root.`,
		"fields=<b>%00":         `You don't have permission to access field "<b>` + "\x00" + `" in collection "directus_users" or it does not exist. Queried in root.`,
		"fields=Id":             `You don't have permission to access field "Id" in collection "directus_users" or it does not exist. Queried in root.`,
		"fields=__proto__":      `You don't have permission to access field "__proto__" in collection "directus_users" or it does not exist. Queried in root.`,
		"fields=role.role.name": `You don't have permission to access field "role" in collection "directus_roles" or it does not exist. Queried in "role".`,
	} {
		a := b.get("/users/me?" + query)
		if extensions := extensionsOf(t, a); a.StatusCode != http.StatusForbidden || extensions["code"] != "FORBIDDEN" || extensions["reason"] != want || messageOf(t, a) != want {
			t.Errorf("%s: %s %s", query, a.Status, a.body)
		}
	}
	for what, query := range map[string]string{
		"too many":         "fields=" + strings.Repeat("id,", 129),
		"too deep":         "fields=role.parent" + strings.Repeat(".a", 9),
		"too long":         "fields=" + strings.Repeat("a", 129),
		"a long query":     "fields=" + strings.Repeat("id,", 6000),
		"empty parts":      "fields=role..name",
		"a dot":            "fields=.",
		"an object":        "fields[role]=name",
		"an object within": "fields[0][x]=id",
		"an open bracket":  "fields[=id",
		"what cannot be":   "fields=%zz",
		"many parameters":  strings.Repeat("fields=id&", 65),
	} {
		if a := b.get("/users/me?" + query); a.StatusCode != http.StatusBadRequest || a.code(t) != "INVALID_PAYLOAD" {
			t.Errorf("%s: %s %s", what, a.Status, a.body)
		}
	}
	if a := b.get("/users/me?fields=" + strings.Repeat("id,", 128) + "&fieldset=x"); a.StatusCode != http.StatusOK {
		t.Errorf("as many as there may be: %s %s", a.Status, a.body)
	}
	if a := b.get("/users/me?fields=nope", "Accept", acceptHTML); a.StatusCode != http.StatusForbidden || strings.Contains(a.body, "directus_users") {
		t.Errorf("a page: %s %s", a.Status, a.body)
	}
	// Clients that are not signed in learn nothing about the fields.
	if a := s.browser(t).get("/users/me?fields=nope&access_token=x"); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("not signed in: %s %s", a.Status, a.body)
	}
}

// messageOf is the message of an error.
func messageOf(t *testing.T, a answer) string {
	t.Helper()
	var body struct{ Errors []struct{ Message string } }
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || len(body.Errors) != 1 {
		t.Fatalf("not an error: %s %s", a.Status, a.body)
	}
	return body.Errors[0].Message
}

// A user without a role has null in its place, whatever fields of it are requested.
func TestFieldsWithoutARole(t *testing.T) {
	b := newSite(t, "").browser(t)
	b.signIn("op", "ada")
	for _, query := range []string{"fields=role", "fields=role.name", "fields=role.*"} {
		if diff := cmp.Diff(map[string]any{"role": nil}, b.get("/users/me?"+query).data(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	if a := b.get("/users/me?fields=role.nope"); a.StatusCode != http.StatusForbidden {
		t.Errorf("a field of no role: %s", a.Status)
	}
	if a := b.get("/roles/me"); a.StatusCode != http.StatusOK || strings.TrimSpace(a.body) != `{"data":[]}` {
		t.Errorf("no role: %s %s", a.Status, a.body)
	}
}

func TestOwnRoles(t *testing.T) {
	s := newSite(t, "")
	b, _ := newMember(t, s)
	for path, want := range map[string]string{
		"/roles/me":                          `{"data":[{"id":"` + editorID + `","name":"Editor"}]}`,
		"/roles/me?fields=*":                 `{"data":[{"id":"` + editorID + `","name":"Editor"}]}`,
		"/roles/me?fields=name,icon,parent":  `{"data":[{"icon":null,"name":"Editor","parent":null}]}`,
		"/policies/me/globals":               `{"data":{"admin_access":false,"app_access":false,"enforce_tfa":false}}`,
		"/users/me?fields=role.id,last_name": `{"data":{"last_name":"Ber","role":{"id":"` + editorID + `"}}}`,
	} {
		if a := b.get(path); a.StatusCode != http.StatusOK || strings.TrimSpace(a.body) != want {
			t.Errorf("%s: %s %s", path, a.Status, a.body)
		}
		if a := s.browser(t).get(path); a.StatusCode != http.StatusUnauthorized || a.code(t) != "INVALID_CREDENTIALS" {
			t.Errorf("%s, not signed in: %s %s", path, a.Status, a.body)
		}
	}
	if a := b.get("/roles/me?fields=admin_access"); a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, "directus_roles") {
		t.Errorf("a field of no role: %s %s", a.Status, a.body)
	}
}

func FuzzFields(f *testing.F) {
	s := newSite(f, "")
	b := s.browser(f)
	b.signIn("op", "ada")
	home, err := url.Parse(s.URL)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"fields=*.*,role.name", "fields[]=id&fields[0]=role.*", "fields=a..b", "fields[", "fields=%00,%zz", "filter[a]=b&fields=avatar.x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/users/me", nil)
		req.URL.RawQuery = query
		for _, cookie := range b.http.Jar.Cookies(home) {
			req.AddCookie(cookie)
		}
		recorder := httptest.NewRecorder()
		s.server.ServeHTTP(recorder, req)
		switch recorder.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusForbidden:
		default:
			t.Errorf("%q: %d %s", query, recorder.Code, recorder.Body)
		}
		if !json.Valid(recorder.Body.Bytes()) || recorder.Body.Len() > 64<<10 {
			t.Errorf("%q: %d bytes: %.200s", query, recorder.Body.Len(), recorder.Body)
		}
	})
}
