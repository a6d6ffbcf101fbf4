package claims

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func decode(t *testing.T, text string) Object {
	t.Helper()
	o, err := Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestTime(t *testing.T) {
	at := time.Unix(1_700_000_000, 0).UTC()
	for _, test := range []struct {
		name, json string
		want       time.Time
		refuse     bool
	}{
		{name: "F08 whole seconds", json: `1700000000`, want: at},
		{name: "F08 fraction is cut", json: `1700000000.9`, want: at},
		{name: "F08 zero", json: `0`, want: time.Unix(0, 0).UTC()},
		{name: "F08 last second", json: `253402300799`, want: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		{name: "F08 null", json: `null`},
		{name: "F08 string", json: `"1700000000"`, refuse: true},
		{name: "F08 1e400", json: `1e400`, refuse: true},
		{name: "F08 exponent", json: `1.7e9`, refuse: true},
		{name: "F08 negative", json: `-1`, refuse: true},
		{name: "F08 negative zero", json: `-0`, refuse: true},
		{name: "F08 array", json: `[1700000000]`, refuse: true},
		{name: "F08 boolean", json: `true`, refuse: true},
		{name: "F08 object", json: `{}`, refuse: true},
		{name: "F08 year 10000", json: `253402300800`, refuse: true},
		{name: "F08 beyond 64 bits", json: `99999999999999999999`, refuse: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := decode(t, `{"exp":`+test.json+`}`).Time("exp")
			if (err != nil) != test.refuse {
				t.Fatalf("error %v, want one: %v", err, test.refuse)
			}
			if !got.Equal(test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	if got, err := (Object{}).Time("exp"); err != nil || !got.IsZero() {
		t.Errorf("absent: %v, %v", got, err)
	}
}

func TestTrue(t *testing.T) {
	for text, want := range map[string]bool{
		`true`: true, `false`: false, `"true"`: false, `1`: false, `["true"]`: false, `[true]`: false, `{}`: false, `null`: false,
	} {
		t.Run("D03 email_verified "+text, func(t *testing.T) {
			if got := decode(t, `{"v":`+text+`}`).True("v"); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	if (Object{}).True("v") {
		t.Error("absent is true")
	}
}

func TestStrings(t *testing.T) {
	for _, test := range []struct {
		json    string
		want    []string
		wantErr string
	}{
		{`"a"`, []string{"a"}, ""},
		{`["a","b"]`, []string{"a", "b"}, ""},
		{`[]`, []string{}, ""},
		{`null`, nil, ""},
		{`["a",1]`, nil, `claim "aud" is a list that contains a number`},
		{`["a",null]`, nil, "that contains null"},
		{`[["a"]]`, nil, "that contains a list"},
		{`{"a":1}`, nil, `claim "aud" is an object, not a string or a list of strings`},
		{`1`, nil, "is a number"},
	} {
		t.Run(test.json, func(t *testing.T) {
			got, err := decode(t, `{"aud":`+test.json+`}`).Strings("aud")
			checkError(t, err, test.wantErr)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestString(t *testing.T) {
	for _, test := range []struct{ json, want, wantErr string }{
		{`"a"`, "a", ""},
		{`null`, "", ""},
		{`1`, "", `claim "s" is a number, not a string`},
		{`true`, "", "is a boolean"},
		{`["a"]`, "", "is a list"},
	} {
		got, err := decode(t, `{"s":`+test.json+`}`).String("s")
		checkError(t, err, test.wantErr)
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.json, got, test.want)
		}
	}
}

func TestIntAndObject(t *testing.T) {
	o := decode(t, `{"i":-3600,"f":1.5,"e":1e3,"s":"1","big":9223372036854775808,"z":null,"o":{"i":1}}`)
	if got, err := o.Int("i"); err != nil || got != -3600 {
		t.Errorf("i: %v, %v", got, err)
	}
	if got, err := o.Int("z"); err != nil || got != 0 {
		t.Errorf("z: %v, %v", got, err)
	}
	for _, name := range []string{"f", "e", "s", "big", "o"} {
		if got, err := o.Int(name); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	inner, err := o.Object("o")
	if err != nil || !inner.Has("i") || inner.Has("o") {
		t.Errorf("o: %v, %v", inner, err)
	}
	if got, err := o.Object("z"); err != nil || got != nil {
		t.Errorf("z: %v, %v", got, err)
	}
	if _, err := o.Object("i"); err == nil {
		t.Error("a number is an object")
	}
}

func TestLookup(t *testing.T) {
	o := decode(t, `{
		"sub":"a", "realm_access":{"roles":["r"]}, "https://example.com/groups":["g"],
		"resource_access":{"my.client":{"roles":["c"]}}, "emails":[{"value":"m"}],
		"x.y":1, "x":{"y":2}, "null":null, "back\\slash":3
	}`)
	for _, test := range []struct {
		path    string
		want    any
		wantErr string
	}{
		{"sub", "a", ""},
		{"realm_access.roles", []any{"r"}, ""},
		{"https://example.com/groups", []any{"g"}, ""},
		{"resource_access.my.client.roles", []any{"c"}, ""},
		{"emails.0.value", "m", ""},
		{"emails.1.value", nil, ""},
		{"emails.-1.value", nil, ""},
		{"emails.x", nil, ""},
		{"sub.0", nil, ""},
		{"realm_access.", nil, ""},
		{".sub", nil, ""},
		{"", nil, ""},
		{"null", nil, ""},
		{"SUB", nil, ""},
		{"x.y", nil, "more than once"},
		{`x\.y`, json.Number("1"), ""},
		{`resource_access.my\.client.roles`, []any{"c"}, ""},
		{`resource_access.my.client\.roles`, nil, ""},
		{`back\\slash`, json.Number("3"), ""},
	} {
		t.Run(test.path, func(t *testing.T) {
			got, err := o.Lookup(test.path)
			checkError(t, err, test.wantErr)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
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
