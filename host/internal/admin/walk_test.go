package admin_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// spec is the document, as far as the walk reads it. It is decoded from what the
// handler serves.
type spec struct {
	OpenAPI    string `json:"openapi"`
	Paths      map[string]map[string]described
	Components struct{ Schemas map[string]schema }
}

type described struct {
	OperationID string       `json:"operationId"`
	Scope       people.Scope `json:"x-scope"`
	Parameters  []parameter  `json:"parameters"`
	RequestBody struct{ Content content }
	Responses   map[string]struct{ Content content }
}

type parameter struct {
	Name, In string
	Required bool
	Schema   schema
}

type content map[string]struct{ Schema schema }

type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Format     string
	Properties map[string]schema
	Required   []string
	Additional *bool `json:"additionalProperties"`
	Items      *schema
	Enum       []string
	MaxLength  *int
	Minimum    *int
	Maximum    *int
}

func (s spec) resolve(one schema) schema {
	if name, ok := strings.CutPrefix(one.Ref, "#/components/schemas/"); ok {
		return s.Components.Schemas[name]
	}
	return one
}

// conforms lists how a value differs from its schema.
func (s spec) conforms(at string, one schema, value any) (wrong []string) {
	one = s.resolve(one)
	var types []string
	switch t := one.Type.(type) {
	case string:
		types = []string{t}
	case []any:
		for _, name := range t {
			types = append(types, name.(string))
		}
	}
	kind := kindOf(value)
	if !slices.Contains(types, kind) {
		return []string{fmt.Sprintf("%s is %s, want %v", at, kind, types)}
	}
	switch v := value.(type) {
	case string:
		if _, err := time.Parse(time.RFC3339, v); one.Format == "date-time" && err != nil {
			wrong = append(wrong, at+" is not a time")
		}
		if one.Enum != nil && !slices.Contains(one.Enum, v) {
			wrong = append(wrong, at+" is "+v+", which is not listed")
		}
	case []any:
		for i, item := range v {
			wrong = append(wrong, s.conforms(fmt.Sprintf("%s[%d]", at, i), *one.Items, item)...)
		}
	case map[string]any:
		for _, name := range one.Required {
			if _, ok := v[name]; !ok {
				wrong = append(wrong, at+"."+name+" is missing")
			}
		}
		if one.Properties == nil && one.Additional == nil {
			return wrong // the document itself
		}
		for name, member := range v {
			if _, ok := one.Properties[name]; !ok {
				wrong = append(wrong, at+"."+name+" is not documented")
				continue
			}
			wrong = append(wrong, s.conforms(at+"."+name, one.Properties[name], member)...)
		}
		for name := range one.Properties {
			if _, ok := v[name]; !ok {
				wrong = append(wrong, at+"."+name+" is documented and never there")
			}
		}
	}
	return wrong
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		return "integer"
	case []any:
		return "array"
	}
	return "object"
}

// example is a request that an operation does.
type example struct {
	path  map[string]string
	query url.Values
	body  map[string]any
}

// examples has an example of each operation, each in its own harness. A new operation needs
// one, or the walk fails.
func examples(h *harness) map[string]example {
	user, session := h.person("ann")
	key, err := h.ops.AddKey(people.WithActor(h.t.Context(), people.Operator), people.AddKey{Name: "monitoring", Scopes: []string{"users:read"}})
	if err != nil {
		h.t.Fatal(err)
	}
	editor := sso.NewRole("Editor")
	h.mustAddRole(editor)
	ofUser := map[string]string{"user": user}
	return map[string]example{
		"document":     {},
		"listUsers":    {query: url.Values{"provider": {"corp"}, "subject": {"ann"}, "status": {"active"}, "email": {"ANN@example.org"}, "limit": {"1"}}},
		"addUser":      {body: map[string]any{"provider": "corp", "subject": "bob", "email": "bob@example.org", "first_name": "Bob", "last_name": "B", "id": sso.NewUUID()}},
		"showUser":     {path: ofUser},
		"setUser":      {path: ofUser, body: map[string]any{"email": nil, "first_name": "Ann", "role": "Editor"}},
		"deleteUser":   {path: ofUser},
		"suspendUser":  {path: ofUser},
		"activateUser": {path: ofUser},
		"inviteUser":   {path: map[string]string{"user": h.unclaimed("cas")}, body: map[string]any{"expires_at": h.now.Add(time.Hour).Format(time.RFC3339)}},
		"importUsers": {body: map[string]any{"dry_run": false, "users": []map[string]any{{
			"id": sso.NewUUID(), "status": "active", "role": "", "email": "dan@example.org", "first_name": "Dan", "last_name": "D",
			"provider": "corp", "external_identifier": "uid=dan", "email_provider": "corp",
		}}}},
		"linkUser":     {path: ofUser, body: map[string]any{"provider": "other", "subject": "a-17"}},
		"unlinkUser":   {path: ofUser, query: url.Values{"provider": {"corp"}, "subject": {"ann"}}},
		"listRoles":    {},
		"addRole":      {body: map[string]any{"name": "Author", "id": "author"}},
		"renameRole":   {path: map[string]string{"role": "Editor"}, body: map[string]any{"name": "Redactor"}},
		"removeRole":   {path: map[string]string{"role": editor.ID}, query: url.Values{"without": {"true"}}},
		"listSessions": {query: url.Values{"user": {user}, "provider": {"corp"}}},
		"showSession":  {path: map[string]string{"session": session}},
		"endSession":   {path: map[string]string{"session": session}},
		"endSessions":  {body: map[string]any{"user": user}},
		"listEvents": {query: url.Values{
			"since": {h.now.Format(time.RFC3339)}, "user": {user}, "session": {session}, "provider": {"corp"}, "kind": {"signed_in"}, "after": {"1"}, "limit": {"1"},
		}},
		"listRefusals": {query: url.Values{"since": {h.now.Format(time.RFC3339)}, "limit": {"1"}}},
		"listKeys":     {},
		"addKey":       {body: map[string]any{"name": "import", "scopes": []string{"users:read"}, "expires_at": h.now.Add(time.Hour).Format(time.RFC3339)}},
		"removeKey":    {path: map[string]string{"key": key.ID}},
	}
}

// walked is an operation of the document, in its own harness.
type walked struct {
	*harness
	spec
	described
	method, path string
	example
	as []string // header of the caller; its key has the scope of the operation, and others' reading
}

// ask makes the request of the example, with what change makes of it.
func (w walked) ask(t *testing.T, change func(e *example)) answer {
	t.Helper()
	e := example{path: maps.Clone(w.example.path), query: maps.Clone(w.query), body: maps.Clone(w.body)}
	if e.query == nil {
		e.query = url.Values{}
	}
	if change != nil {
		change(&e)
	}
	path := w.path
	for name, value := range e.path {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	if len(e.query) > 0 {
		path += "?" + e.query.Encode()
	}
	var body any
	if e.body != nil {
		body = e.body
	}
	got := ask(t, w.keys, w.method, path, body, w.as...)
	w.checkAnswer(t, got)
	return got
}

// checkAnswer holds an answer to the document.
func (w walked) checkAnswer(t *testing.T, got answer) {
	t.Helper()
	response, ok := w.Responses[fmt.Sprint(got.status)]
	if !ok {
		t.Fatalf("status %d is not documented: %s", got.status, got.body)
	}
	var value any
	got.decode(t, &value)
	for _, wrong := range w.conforms("answer", response.Content["application/json"].Schema, value) {
		t.Errorf("%d: %s\n%s", got.status, wrong, got.body)
	}
}

// walk runs do for each operation of the document.
func walk(t *testing.T, do func(t *testing.T, w walked)) {
	var all spec
	first := newHarness(t)
	ask(t, first.operator, http.MethodGet, admin.Prefix+"/openapi.json", nil).decodeData(t, &all)
	if all.OpenAPI != "3.1.0" || len(all.Paths) < 10 {
		t.Fatalf("openapi %q with %d paths", all.OpenAPI, len(all.Paths))
	}
	seen := map[string]bool{}
	for path, methods := range all.Paths {
		for method, op := range methods {
			seen[op.OperationID] = true
			t.Run(op.OperationID, func(t *testing.T) {
				h := newHarness(t)
				e, ok := examples(h)[op.OperationID]
				if !ok {
					t.Fatal("there is no example of this operation")
				}
				w := walked{harness: h, spec: all, described: op, method: strings.ToUpper(method), path: path, example: e}
				w.as = h.bearer(people.UsersRead, cmpScope(op.Scope))
				do(t, w)
			})
		}
	}
	for id := range examples(first) {
		if !seen[id] {
			t.Errorf("%s is not documented", id)
		}
	}
}

// cmpScope is the scope, or any where none is needed.
func cmpScope(scope people.Scope) people.Scope {
	if scope == "" {
		return people.UsersRead
	}
	return scope
}

// decodeData decodes the document, which stands in no envelope.
func (a answer) decodeData(t *testing.T, to any) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("%d: %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, to); err != nil {
		t.Fatal(err)
	}
}

// Each operation does what the document says, and answers with nothing else.
func TestDocumentAndBehaviourAreTheSame(t *testing.T) {
	walk(t, func(t *testing.T, w walked) {
		if got := w.ask(t, nil); got.status != http.StatusOK {
			t.Fatalf("the example: %d %s", got.status, got.body)
		}
		w.checkParameters(t)
		w.checkBody(t)
		w.checkTaken(t)
		w.checkFailure(t)
	})
}

// checkTaken: what is documented as a conflict is one, and nothing else is.
func (w walked) checkTaken(t *testing.T) {
	_, documented := w.Responses["409"]
	make, ok := conflicts[w.OperationID]
	if documented != ok {
		t.Fatalf("409 is documented: %v; there is an example: %v", documented, ok)
	}
	if ok {
		make(w)
		w.refused(t, "what is taken", 409, nil)
	}
}

// conflicts make the example of an operation one about what is taken.
var conflicts = map[string]func(w walked){
	"addUser": func(walked) {}, // the example was done before
	"addRole": func(walked) {},
	"addKey":  func(walked) {},
	"linkUser": func(w walked) {
		other, _ := w.person("another")
		w.example.path["user"] = other
	},
	"inviteUser": func(w walked) {
		somebody, _ := w.person("another")
		w.example.path["user"] = somebody
	},
	"renameRole": func(w walked) {
		w.mustAddRole(sso.NewRole("Taken"))
		w.example.path["role"], w.body["name"] = "Taken", "Redactor"
	},
	"removeRole": func(w walked) {
		role := sso.NewRole("Held")
		w.mustAddRole(role)
		user := sso.User{ID: sso.NewUUID(), Status: sso.UserInvited, Role: role.ID}
		if err := w.store.AddUser(w.t.Context(), user, sso.Event{}); err != nil {
			w.t.Fatal(err)
		}
		w.example.path["role"] = role.ID
		delete(w.query, "without")
	},
}

// checkFailure: holders of a key do not see errors of the database. The last check.
func (w walked) checkFailure(t *testing.T) {
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	got := w.ask(t, nil)
	if got.status != 500 || strings.Contains(string(got.body), "sql") {
		t.Errorf("without a database: %d %s", got.status, got.body)
	}
	if !strings.Contains(w.logged.String(), "sql") {
		t.Errorf("the log has no reason: %s", &w.logged)
	}
}

func (w walked) refused(t *testing.T, what string, status int, change func(e *example)) {
	t.Helper()
	if got := w.ask(t, change); got.status != status {
		t.Errorf("%s: %d %s, want %d", what, got.status, got.body, status)
	}
}

// checkParameters: none is known that is not documented, and what is documented holds.
func (w walked) checkParameters(t *testing.T) {
	if w.OperationID == "document" {
		return
	}
	w.refused(t, "a parameter that is not documented", 400, func(e *example) { e.query.Set("nonsense", "1") })
	for _, p := range w.Parameters {
		if p.In == "path" {
			w.refused(t, "nobody of that ID", 404, func(e *example) { e.path[p.Name] = "nobody" })
			w.refused(t, "too long an ID", 400, func(e *example) { e.path[p.Name] = strings.Repeat("x", *p.Schema.MaxLength+1) })
			continue
		}
		if p.Required {
			w.refused(t, "without "+p.Name, 400, func(e *example) { e.query.Del(p.Name) })
		}
		w.refused(t, p.Name+" twice", 400, func(e *example) { e.query[p.Name] = []string{"a", "a"} })
		if p.Schema.MaxLength != nil {
			w.refused(t, "too long a "+p.Name, 400, func(e *example) { e.query.Set(p.Name, strings.Repeat("x", *p.Schema.MaxLength+1)) })
		}
		for _, bound := range []*int{p.Schema.Minimum, p.Schema.Maximum} {
			if bound != nil {
				beyond := *bound + 1
				if bound == p.Schema.Minimum {
					beyond = *bound - 1
				}
				w.refused(t, fmt.Sprint(p.Name, " of ", beyond), 400, func(e *example) { e.query.Set(p.Name, fmt.Sprint(beyond)) })
			}
		}
	}
}

// checkBody does the same with the members of the body.
func (w walked) checkBody(t *testing.T) {
	body := w.resolve(w.RequestBody.Content["application/json"].Schema)
	if body.Properties == nil {
		return
	}
	w.refused(t, "a member that is not documented", 400, func(e *example) { e.body["nonsense"] = 1 })
	w.as = append(w.as[:len(w.as):len(w.as)], "Content-Type", "text/plain")
	w.refused(t, "another content type", 415, nil)
	w.as = w.as[:len(w.as)-2]
	w.refused(t, "too large a body", 413, func(e *example) { e.body["nonsense"] = strings.Repeat("x", 64<<10) })
	for name, member := range body.Properties {
		if slices.Contains(body.Required, name) {
			w.refused(t, "without "+name, 400, func(e *example) { delete(e.body, name) })
		}
		w.refused(t, "a number for "+name, 400, func(e *example) { e.body[name] = 17 })
		if types, ok := member.Type.([]any); !ok || !slices.Contains(types, any("null")) {
			w.refused(t, "null for "+name, 400, func(e *example) { e.body[name] = nil })
		}
		if member.MaxLength != nil {
			w.refused(t, "too long a "+name, 400, func(e *example) { e.body[name] = strings.Repeat("x", *member.MaxLength+1) })
		}
	}
}

// A key has what the document says that an operation needs, and nothing less will do.
func TestKeysHaveTheirScopesOnly(t *testing.T) {
	walk(t, func(t *testing.T, w walked) {
		if w.Scope == "" {
			return
		}
		var others []people.Scope
		for _, scope := range people.Scopes() {
			if scope != w.Scope {
				others = append(others, scope)
			}
		}
		for what, c := range map[string]struct {
			as     []string
			status int
		}{
			"no key":               {nil, 401},
			"no key of ours":       {[]string{"Authorization", "Bearer nonsense"}, 401},
			"another scheme":       {[]string{"Authorization", "Basic eDp5"}, 401},
			"all scopes but one":   {w.bearer(others...), 403},
			"a key that is nobody": {[]string{"Authorization", "Bearer dwadm_" + strings.Repeat("A", 43)}, 401},
		} {
			w.as = c.as
			w.refused(t, what, c.status, nil)
		}
		w.as = w.bearer(w.Scope, people.UsersRead)
		if got := w.ask(t, nil); got.status != http.StatusOK {
			t.Errorf("with the scope: %d %s", got.status, got.body)
		}
	})
}
