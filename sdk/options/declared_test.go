package options

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type declaring struct {
	Text    string            `option:"text"`
	Secret  Secret            `option:"secret,required"`
	Flag    bool              `option:"flag" default:"true"`
	Number  int               `option:"number" default:"7"`
	Wait    time.Duration     `option:"wait" default:"10s"`
	Short   time.Duration     `option:"short"`
	List    []string          `option:"list" default:"a,b"`
	Map     map[string]string `option:"map"`
	Object  map[string]any    `option:"object"`
	Raw     JSON              `option:"raw"`
	OneOf   string            `option:"one_of" oneof:"x|y"`
	Ignored string            `option:"unset"`
}

func declaringSchema(t *testing.T) Schema {
	t.Helper()
	schema, err := SchemaOf[declaring]()
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestDeclared(t *testing.T) {
	got, err := Declared(declaringSchema(t), map[string]any{
		"text": json.Number("123456789012345678"), "secret": Secret("s"), "flag": "no", "wait": "1.5m", "short": "1.5ms", "list": " c, d ",
		"map__a": "1", "map__b": "2", "object": `{"a":{"b":1}}`, "object__c": "x", "raw": `{"z":1,"a":12345678901234567890}`, "one_of": "y", "unset": "",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"text": "123456789012345678", "secret": "s", "flag": false, "number": 7, "wait": json.Number("90000"), "short": "1.5ms",
		"list": []string{"c", "d"}, "map": map[string]string{"a": "1", "b": "2"}, "object": map[string]any{"a": map[string]any{"b": json.Number("1")}, "c": "x"},
		"raw": JSON(`{"z":1,"a":12345678901234567890}`), "one_of": "y",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Reading by the schema and then by the struct gives the same as the struct alone, so a
// plugin of any version that decodes options itself gets the same.
func TestDeclaredAndDecodedIsDecoded(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"text":  {"secret": "s", "flag": "off", "number": "12", "wait": "7d", "short": "0.25ms", "list": `["a,b"]`, "map": `{"a":"b"}`, "object": `{"a":1.5}`, "raw": "[1, 2]"},
		"typed": {"secret": "s", "flag": false, "number": 12, "wait": 500, "list": []any{"a", json.Number("1")}, "map": map[string]any{"a": json.Number("1")}, "object": map[string]any{"a": []any{1}}, "raw": map[string]any{"a": "b"}},
		"few":   {"secret": "s"},
		"parts": {"secret": "s", "map__a__b": "c", "object__a__b": "true", "list": ""},
	} {
		alone, err := Decode[declaring](values)
		if err != nil {
			t.Fatal(err)
		}
		declared, err := Declared(declaringSchema(t), values)
		if err != nil {
			t.Fatal(err)
		}
		both, err := Decode[declaring](declared)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(alone, both); diff != "" {
			t.Errorf("%s (-alone +declared first):\n%s", name, diff)
		}
	}
}

// The problems are those of Decode.
func TestDeclaredProblems(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"all":     {"flag": "maybe", "number": "many", "wait": "soon", "list": []any{1.5}, "map": "x", "object": "[]", "raw": "{", "one_of": "z", "texts": "x"},
		"missing": {"text": "x"},
		"typed":   {"secret": "s", "text": true, "list": map[string]any{}},
	} {
		_, want := Decode[declaring](values)
		_, got := Declared(declaringSchema(t), values)
		problems, ok := errors.AsType[Problems](got)
		if diff := cmp.Diff(want, got); !ok || len(problems) == 0 || diff != "" {
			t.Errorf("%s (-decode +declared):\n%s", name, diff)
		}
	}
	many := map[string]any{}
	for i := range MaxValues + 1 {
		many["o"+strings.Repeat("x", i)] = "x"
	}
	if _, err := Declared(declaringSchema(t), many); err == nil {
		t.Error("too many: accepted")
	}
}

func TestDeclaredOfATypeThatIsNewer(t *testing.T) {
	schema := Schema{Options: []Option{{Name: "colour", Type: "colour", Required: true}}}
	got, err := Declared(schema, map[string]any{"colour": "#fff"})
	if diff := cmp.Diff(map[string]any{"colour": "#fff"}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}
