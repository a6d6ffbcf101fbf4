package fieldpath

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk/claims"
)

const sample = `{
	"id": 967361082460459008, "login": "jane", "name": null, "empty": "", "no": false, "zero": 0,
	"data": {"id": "7", "user": {"open_id": "x"}}, "response": [{"id": 9007199254740993}],
	"https://slack.com/user_id": "U1", "a.b": 1, "a": {"b": 2},
	"emails": [
		{"email": "old@example.com", "primary": false, "verified": true, "kind": "x"},
		{"email": "jane@example.com", "primary": true, "verified": true, "n": 1},
		{"email": "odd@example.com", "primary": "true", "verified": 1, "kind": "a && b"}
	],
	"orgs": [{"login": "acme", "id": 1, "archived": false}, {"login": "umbrella", "id": 2, "archived": true}, {"id": 3}],
	"text": ["one", "two"], "none": [], "flags": [{"odd": "true"}]
}`

func decoded(t testing.TB, text string) map[string]any {
	t.Helper()
	o, err := claims.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOne(t *testing.T) {
	v := decoded(t, sample)
	for _, test := range []struct {
		path    string
		want    any
		wantErr string
	}{
		{"id", json.Number("967361082460459008"), ""},
		{"login", "jane", ""},
		{"data.user.open_id", "x", ""},
		{"response.0.id", json.Number("9007199254740993"), ""},
		{"https://slack.com/user_id", "U1", ""},
		{"emails[primary && verified].email", "jane@example.com", ""},
		{"emails[ primary&&verified ].email", "jane@example.com", ""},
		{"emails[verified && !primary].email", "old@example.com", ""},
		{"emails[n=1].email", "jane@example.com", ""},
		{`emails[kind="a && b"].email`, "odd@example.com", ""},
		{"emails[kind!=x && primary].email", "jane@example.com", ""},
		{"emails[primary=true].email", nil, "leads to 2 values"},
		{"emails[verified].email", nil, "leads to 2 values"},
		{"emails[].email", nil, "leads to 3 values"},
		{"emails[nobody].email", nil, ""},
		{"emails[primary].nothing", nil, ""},
		{"emails[!verified].email", nil, "neither true nor false"},
		{"flags[!odd]", nil, "neither true nor false"},
		{"login[primary].email", nil, "not a list"},
		{"absent[primary].email", nil, ""},
		{"name|login", "jane", ""},
		{"empty|name|login", "jane", ""},
		{"empty", nil, ""},
		{"absent|nothing", nil, ""},
		{"no", false, ""},
		{"a.b", nil, "more than once"},
		{"ID", nil, ""},
		{"emails[PRIMARY].email", nil, ""},
	} {
		t.Run(test.path, func(t *testing.T) {
			p, err := Parse(test.path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.One(v)
			checkError(t, err, test.wantErr)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAll(t *testing.T) {
	v := decoded(t, sample)
	for _, test := range []struct {
		path string
		want []any
	}{
		{"orgs[].login", []any{"acme", "umbrella"}},
		{"orgs[!archived].login", []any{"acme"}},
		{"text", []any{"one", "two"}},
		{"text[]", []any{"one", "two"}},
		{"login", []any{"jane"}},
		{"none", nil},
		{"none|text", []any{"one", "two"}},
		{"absent", nil},
		{"name", nil},
	} {
		got, err := MustParse(test.path).All(v)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", test.path, err, diff)
		}
	}
}

// TestListAtTheTop: many responses with lists are arrays.
func TestListAtTheTop(t *testing.T) {
	list, err := claims.DecodeList([]byte(`[{"email":"a@example.com","primary":true},{"email":"b@example.com","primary":false}]`))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := MustParse("[primary].email").One(list); got != "a@example.com" || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := MustParse("[].email").All(list); len(got) != 2 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for path, want := range map[string]string{
		"": "empty", "a.": "dot", ".a": "dot", "a..b": "dot", "a[b": "do not end", "a[b].": "no name", "a[b]c": "a dot is required",
		"a]": "bracket", "a[b c=": "nothing", "a[b=]": "nothing", "a[b & c]": "&&", "a[!b=c]": "both", "a[b=\"c]": "quote",
		"a[=b]": "name", "a[!]": "name", "|a": "empty", "a|": "empty", " a": "space", "a ": "space", "a\x00": "control",
		"a[b].[c]": "no name", "a[b !c]": "inside", "a[b]..c": "no name",
		strings.Repeat("a.", maxSteps) + "a":               "steps",
		strings.Repeat("a", MaxLength+1):                   "bytes",
		"a" + strings.Repeat("[]", maxSteps):               "steps",
		"a[b" + strings.Repeat("&&b", maxConditions) + "]": "conditions",
		"a" + strings.Repeat("|a", maxAlternatives):        "alternatives",
	} {
		_, err := Parse(path)
		if err == nil {
			t.Errorf("%.40q: accepted", path)
			continue
		}
		checkError(t, err, want)
	}
}

func TestShapeOfPaths(t *testing.T) {
	for path, want := range map[string]struct {
		single bool
		last   string
	}{
		"id": {true, "id"}, "data.user.login": {true, "data.user.login"}, "emails[primary].email": {true, "email"},
		"orgs[].login": {false, "login"}, "name|login": {false, "name"},
	} {
		p := MustParse(path)
		if p.Single() != want.single || p.Last() != want.last || p.String() != path || p.IsZero() {
			t.Errorf("%s: %v, %q", path, p.Single(), p.Last())
		}
	}
	if !(Path{}).IsZero() || (Path{}).Last() != "" {
		t.Error("the zero path leads somewhere")
	}
}

func TestRules(t *testing.T) {
	v := decoded(t, sample)
	for rule, want := range map[string]bool{
		"id": true, "login": true, "name": false, "empty": false, "no": false, "zero": false, "none": false, "emails": true, "data": true,
		"absent": false, "login=jane": true, "login!=jane": false, "absent!=00": true, "absent=": false, "no=false": true,
		"data.id=7": true, "id=967361082460459008": true, "id!=967361082460459009": true, `emails[kind="a && b"].email=odd@example.com`: true,
		`login = "jane"`: true,
	} {
		r, err := ParseRule(rule)
		if rule == "absent=" {
			checkError(t, err, "nothing")
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		if got, err := r.Holds(v); got != want || err != nil {
			t.Errorf("%s: %v, %v", rule, got, err)
		}
	}
	if _, err := MustParseRule("emails[verified].email=x").Holds(v); err == nil {
		t.Error("two values, but no error")
	}
	for _, bad := range []string{"", "=x", "a=\"b\" c", "a[=b"} {
		if _, err := ParseRule(bad); err == nil {
			t.Errorf("%q: accepted", bad)
		}
	}
}

func TestTemplates(t *testing.T) {
	team := decoded(t, `{"organization":{"login":"acme","id":7},"slug":"devs","bad":"x/y","flag":true,"up":".."}`)
	for template, want := range map[string]string{
		"{organization.login}/{slug}": "acme/devs", "id:{organization.id}": "id:7", "constant": "constant", "{slug}": "devs", "{bad}": "x/y",
	} {
		if got, err := MustParseTemplate(template).Write(team, nil); got != want || err != nil {
			t.Errorf("%s: %q, %v", template, got, err)
		}
	}
	for template, want := range map[string]string{
		"{organization.login}/{bad}": "separator", "{absent}": "neither", "{flag}": "neither", "{organization}": "neither",
	} {
		_, err := MustParseTemplate(template).Write(team, nil)
		checkError(t, err, want)
	}
	if _, err := MustParseTemplate("{bad}/{slug}").Write(team, nil); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("%v", err)
	}
	got, err := MustParseTemplate("/users/{bad}").Write(team, func(s string) (string, error) { return url.PathEscape(s), nil })
	if got != "/users/x%2Fy" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"{", "}", "{}", "{a", "a}b", "{a..b}", strings.Repeat("{a}", maxSteps+1), strings.Repeat("a", MaxLength+1)} {
		if _, err := ParseTemplate(bad); err == nil {
			t.Errorf("%.30q: accepted", bad)
		}
	}
	if !MustParseTemplate("x").Constant() || MustParseTemplate("{x}").Constant() {
		t.Error("constant or not")
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("unexpected error: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error %v, want %q in it", err, want)
	}
}

// FuzzPath: any text is a path or is refused. The search for any path in any response ends,
// finds only values in the response, and never two values where one is expected.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"id", "emails[primary && verified].email", "a[b=c && !d]|e", "orgs[].login", `x[y!="&&"]`, "[].a", "a.b.c"} {
		f.Add(path, []byte(sample))
	}
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		if len(p.alternatives) > maxAlternatives || p.String() != text {
			t.Fatalf("%q became %q", text, p)
		}
		object, err := claims.Decode(data)
		if err != nil {
			return
		}
		one, errOne := p.One(map[string]any(object))
		all, errAll := p.All(map[string]any(object))
		if errOne == nil && one != nil && errAll == nil && len(all) == 0 {
			if list, ok := one.([]any); !ok || len(list) > 0 {
				t.Fatalf("%q finds one value, %v, and no values", text, one)
			}
		}
	})
}

// FuzzRule: any text is a rule or is refused, and the output of a template contains its
// text.
func FuzzRule(f *testing.F) {
	for _, text := range []string{"error", "ok=false", "resultcode!=00", `a[b="c=d"].e = "f"`, "{a.b}/{c}"} {
		f.Add(text, []byte(sample))
	}
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		object, err := claims.Decode(data)
		if err != nil {
			return
		}
		if r, err := ParseRule(text); err == nil {
			_, _ = r.Holds(map[string]any(object))
		}
		template, err := ParseTemplate(text)
		if err != nil {
			return
		}
		if written, err := template.Write(map[string]any(object), nil); err == nil {
			for _, literal := range template.literals {
				if !strings.Contains(written, literal) {
					t.Fatalf("%q is written as %q", text, written)
				}
			}
		}
	})
}
