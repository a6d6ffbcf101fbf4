package claims

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
)

func TestDecode(t *testing.T) {
	got, err := Decode([]byte(` {
		"sub": "248289761001", "n": 900719925474099312345, "f": 1.50, "t": true, "no": false, "z": null,
		"esc": "a\"\\\/\b\u00e9\uD83D\uDE00", "raw": "é😀", "empty": {}, "none": [],
		"deep": {"list": [1, "two", {"sub": "inner"}]}
	} `))
	if err != nil {
		t.Fatal(err)
	}
	want := Object{
		"sub": "248289761001", "n": json.Number("900719925474099312345"), "f": json.Number("1.50"), "t": true, "no": false, "z": nil,
		"esc": "a\"\\/\bé😀", "raw": "é😀", "empty": map[string]any{}, "none": []any{},
		"deep": map[string]any{"list": []any{json.Number("1"), "two", map[string]any{"sub": "inner"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	nested := func(depth int) string {
		return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
	}
	for _, test := range []struct{ name, json, want string }{
		{"F31 duplicate key", `{"sub":"a","sub":"b"}`, `key "sub" twice`},
		{"F31 duplicate key, equal values", `{"sub":"a","sub":"a"}`, `key "sub" twice`},
		{"F31 duplicate key, once null", `{"sub":null,"sub":"a"}`, `key "sub" twice`},
		{"F31 duplicate key, once escaped", `{"sub":"a","s\u0075b":"b"}`, `key "sub" twice`},
		{"F31 case variant", `{"sub":"a","SUB":"root"}`, `key "SUB" in two spellings`},
		{"F31 case variant, Kelvin sign", `{"k":"a","\u212a":"root"}`, `key "\u212a" in two spellings`},
		{"F31 case variant, long s", `{"ſub":"root","sub":"a"}`, `key "sub" in two spellings`},
		{"F31 duplicate key deep", `{"a":[{"b":{"c":1,"c":2}}]}`, `key "c" twice`},
		{"F31 case variant deep", `{"a":[{"b":{"c":1,"C":2}}]}`, `key "C" in two spellings`},
		{"F31 __proto__", `{"__proto__":{"admin":true}}`, `__proto__`},
		{"F31 __proto__ escaped and deep", `{"a":{"\u005f_proto__":1}}`, `__proto__`},
		{"F31 one level too deep", nested(MaxDepth + 1), "nested more than 16"},
		{"F31 arrays too deep", `{"a":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + "}", "nested more than 16"},
		{"F31 nesting 10000", nested(10_000), ""},
		{"F31 nesting 40000", nested(40_000), ""},
		{"F31 1 MB of claims", `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, "at most 262144"},
		{"F31 too many values", `{"a":[` + strings.Repeat("0,", MaxValues) + `0]}`, "more than 20000 values"},
		{"F31 invalid UTF-8 in a value", "{\"sub\":\"a\xff\"}", "UTF-8"},
		{"F31 invalid UTF-8 in a key", "{\"su\xc0\xafb\":1}", "UTF-8"},
		{"F31 UTF-8 surrogate", "{\"sub\":\"\xed\xa0\x80\"}", "UTF-8"},
		{"F31 lone high surrogate", `{"sub":"a\ud800"}`, "lone surrogate"},
		{"F31 lone high surrogate before text", `{"sub":"\ud800abcdefgh"}`, "lone surrogate"},
		{"F31 lone high surrogate before an escape", `{"sub":"\ud800\n12345"}`, "lone surrogate"},
		{"F31 two high surrogates", `{"sub":"\ud800\ud800"}`, "lone surrogate"},
		{"F31 lone low surrogate", `{"sub":"\udc00"}`, "lone surrogate"},
		{"F31 lone surrogate in a key", `{"\udfff":1}`, "lone surrogate"},
		{"NUL", `{"sub":"admin\u0000"}`, "NUL"},
		{"NUL in a key", `{"su\u0000b":1}`, "NUL"},
		{"raw control character", "{\"sub\":\"a\nb\"}", "JSON"},
		{"endless number", `{"n":` + strings.Repeat("1", MaxNumber+1) + `}`, "a number of more than 64"},
		{"array", `[{"sub":"a"}]`, "not a JSON object"},
		{"string", `"sub"`, "not a JSON object"},
		{"null", `null`, "not a JSON object"},
		{"empty", ``, "not valid JSON"},
		{"two objects", `{"sub":"a"}{"sub":"b"}`, "not valid JSON"},
		{"trailing comma", `{"sub":"a",}`, "not valid JSON"},
		{"comment", `{/**/"sub":"a"}`, "not valid JSON"},
		{"byte order mark", "\ufeff{}", "not valid JSON"},
		{"not JSON", `<html>`, "not valid JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Decode([]byte(test.json))
			if err == nil {
				t.Fatalf("accepted as %v", got)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want %q in it", err, test.want)
			}
		})
	}
}

// TestDecodeFor: two spellings matter only for names that are read; a name that occurs twice
// always matters.
func TestDecodeFor(t *testing.T) {
	for _, test := range []struct{ json, want string }{
		{`{"sub":"a","Dept":1,"dept":2,"x":{"A":1,"a":2}}`, ""},
		{`{"sub":"a","SUB":"root"}`, `key "SUB" in two spellings`},
		{`{"SUB":"root","sub":"a"}`, `key "sub" in two spellings`},
		{`{"\u017fub":"root","sub":"a"}`, `key "sub" in two spellings`},
		{`{"roles":{"my.app":1,"MY.APP":2}}`, `in two spellings`},
		{`{"dept":1,"dept":1}`, `key "dept" twice`},
		{`{"x":{"dept":1,"dept":1}}`, `key "dept" twice`},
		{`{"__proto__":1}`, "__proto__"},
	} {
		_, err := DecodeFor([]byte(test.json), append(Names("roles.my.app"), "sub")...)
		checkError(t, err, test.want)
	}
}

func TestDecodeList(t *testing.T) {
	got, err := DecodeList([]byte(` [{"email":"a@example.com","primary":true}, 967361082460459008, "x", null, [1]] `))
	if err != nil {
		t.Fatal(err)
	}
	want := []any{
		map[string]any{"email": "a@example.com", "primary": true}, json.Number("967361082460459008"), "x", nil, []any{json.Number("1")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := DecodeList([]byte("[]")); err != nil || got == nil || len(got) != 0 {
		t.Errorf("empty list: %v, %v", got, err)
	}
}

func TestDecodeListRefuses(t *testing.T) {
	for _, test := range []struct{ name, json, want string }{
		{"OS14 duplicate key in an element", `[{"verified":true},{"verified":false,"verified":true}]`, `key "verified" twice`},
		{"OS14 case variant in an element", `[{"verified":false,"VERIFIED":true}]`, `key "VERIFIED" in two spellings`},
		{"OS14 long s in an element", `[{"iſ":1,"is":2}]`, "in two spellings"},
		{"OS15 a million elements", "[" + strings.Repeat("1,", 1_000_000) + "1]", "at most 262144"},
		{"OS15 too many values", "[" + strings.Repeat("0,", MaxValues) + "0]", "more than 20000 values"},
		{"OS15 too deep", strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), "nested more than 16"},
		{"OS15 lone surrogate", `["\ud800"]`, "lone surrogate"},
		{"OS15 NUL", `["\u0000"]`, "NUL"},
		{"OS15 invalid UTF-8", "[\"\xff\"]", "UTF-8"},
		{"OS15 byte order mark", "\ufeff[]", "not valid JSON"},
		{"OS15 trailing data", `[] x`, "not valid JSON"},
		{"object", `{"a":[]}`, "not a JSON array"},
		{"null", `null`, "not a JSON array"},
		{"empty", ``, "not valid JSON"},
		{"HTML", `<html>`, "not valid JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := DecodeList([]byte(test.json))
			if err == nil {
				t.Fatalf("accepted as %v", got)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want %q in it", err, test.want)
			}
		})
	}
}

func TestDecodeAcceptsTheLimits(t *testing.T) {
	for _, test := range []struct{ name, json string }{
		{"depth", strings.Repeat(`{"a":`, MaxDepth) + "1" + strings.Repeat("}", MaxDepth)},
		{"values", `{"a":[` + strings.Repeat("0,", MaxValues-2) + `0]}`},
		{"number", `{"n":` + strings.Repeat("1", MaxNumber) + `}`},
		{"size", `{"a":"` + strings.Repeat("x", MaxBytes-len(`{"a":""}`)) + `"}`},
		{"same key in different objects", `{"a":{"x":1},"b":{"X":1},"x":1}`},
		{"key that only looks alike", `{"sub":"a","sսb":"b"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Decode([]byte(test.json)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDecodeErrorHoldsNoValue(t *testing.T) {
	const secret = "very-secret-value"
	for _, text := range []string{
		`{"a":"` + secret + `","a":"` + secret + `"}`,
		`{"a":"` + secret + `\ud800"}`,
		`{"a":"` + secret,
	} {
		_, err := Decode([]byte(text))
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("error %v for %s", err, text)
		}
	}
}

// FuzzDecode compares Decode with encoding/json: what Decode accepts must mean the same there,
// and Decode must accept it again after encoding.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"sub":"a","aud":["b",1,true,null,{"c":-1.5e3}]}`, `{"sub":"a","SUB":"b"}`,
		`{"a":"\ud83d\ude00\u00e9\"\\"}`, `{"a":"\ud83d"}`, ` {"a" : [ ] , "b" : { } } `, "{\"\xff\":1}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Decode(data)
		if err != nil {
			return
		}
		decoder := json.NewDecoder(strings.NewReader(string(data)))
		decoder.UseNumber()
		var want map[string]any
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("encoding/json refuses what Decode accepts: %v", err)
		}
		if diff := cmp.Diff(want, map[string]any(got)); diff != "" {
			t.Fatal(diff)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		// Escaping may make the text longer than Decode reads.
		if _, err := Decode(again); err != nil && len(again) <= MaxBytes {
			t.Fatalf("refuses its own %s: %v", again, err)
		}
	})
}

// FuzzDecodeFor compares DecodeFor with Decode: it accepts at least as much, and reads the
// same. What it accepts in addition has two spellings of a name that is not read, or a value
// that cannot be read.
func FuzzDecodeFor(f *testing.F) {
	for _, seed := range []string{`{}`, `{"sub":"\u0000","x":["\ud800",{"\u0000":1}]}`, `{"sub":"a","SUB":"b"}`, `{"x":1,"X":2}`, `{"a":{"x":1,"X":2,"x":3}}`, `{"K":1,"\u212a":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, strictly := Decode(data)
		got, err := DecodeFor(data, "sub")
		switch {
		case strictly == nil && (err != nil || cmp.Diff(want, got) != ""):
			t.Fatalf("%v, %s", err, cmp.Diff(want, got))
		case strictly != nil && err == nil && !strings.Contains(strictly.Error(), "spelling") && !hasUnreadable(map[string]any(got)) && !hasOddKey(data):
			t.Fatalf("accepts what has another fault: %v", strictly)
		}
		if err != nil {
			return
		}
		handedOn, err := json.Marshal(got.readable())
		if err != nil {
			t.Fatal(err)
		}
		// Escaping may make the text longer than Decode reads.
		if _, err := Decode(handedOn); err != nil && len(handedOn) <= MaxBytes && !strings.Contains(err.Error(), "spelling") {
			t.Fatalf("what is handed on cannot be read: %q, %v", handedOn, err)
		}
	})
}

// hasOddKey also reports true for some objects without odd keys: it looks for odd characters
// anywhere.
func hasOddKey(data []byte) bool {
	return strings.Contains(strings.ToLower(string(data)), `\u0000`) || strings.Contains(strings.ToLower(string(data)), `\ud`)
}

// TestUnreadable: a value that cannot be read is an error only for callers that need it.
func TestUnreadable(t *testing.T) {
	const text = `{"sub":"a","name":"A\u0000B","nick":"\ud800","zip":1,"big":DIGITS,"o\u0000":1,` +
		`"address":{"street":"\udc00","city":"x","list":["a","\u0000"]},"roles":{"admin":{},"b\ud800":{}},"groups":["a","b\u0000"]}`
	object, err := DecodeFor([]byte(strings.Replace(text, "DIGITS", strings.Repeat("1", MaxNumber+1), 1)), "sub", "name")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"name", "nick", "big", "roles"} {
		if _, ok := object[name].(Unreadable); !ok {
			t.Errorf("%s is %v", name, object[name])
		}
		if _, err := object.String(name); err == nil {
			t.Errorf("%s is read as a string", name)
		}
	}
	mapping := OpenID()
	identity, err := mapping.Identity(object)
	if err != nil || identity.Subject != "a" || identity.Name != "" || !identity.GroupsUnknown || len(identity.Warnings) != 2 {
		t.Errorf("%+v, %v", identity, err)
	}
	want := map[string]any{"sub": "a", "zip": json.Number("1"), "address": map[string]any{"city": "x", "list": []any{"a", nil}}, "groups": []any{"a", nil}}
	if diff := cmp.Diff(want, identity.Claims); diff != "" {
		t.Error(diff)
	}
	mapping.Groups = "roles"
	if got, _ := mapping.Identity(object); !got.GroupsUnknown {
		t.Error("groups with a key that cannot be read are known")
	}
	mapping.Subject = "nick"
	if _, err := mapping.Identity(object); sdk.ReasonOf(err) != ReasonSubjectInvalid {
		t.Errorf("a subject that cannot be read: %v", err)
	}
}

// FuzzLookup: no path and no value causes a panic, and a path with a backslash leads to at
// most one value.
func FuzzLookup(f *testing.F) {
	f.Add([]byte(`{"a.b":{"c":[1,{"d":2}]},"a":{"b":1}}`), "a.b.c.1.d")
	f.Add([]byte(`{"a.b":{"c":1}}`), `a\.b.c`)
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		object, err := Decode(data)
		if err != nil || strings.Count(path, ".") > 8 {
			return
		}
		if _, err := object.Lookup(path); err != nil && strings.Contains(path, `\`) {
			t.Fatal(err)
		}
		Names(path)
	})
}

// FuzzDecodeList compares DecodeList with Decode: an array is read like the same array in an
// object.
func FuzzDecodeList(f *testing.F) {
	for _, seed := range []string{`[]`, `[{"a":1},[2,"x",null,true]]`, `[{"a":1,"A":2}]`, ` [ "\ud83d" ] `, `{}`, `[1`, "[\"\xff\"]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := DecodeList(data)
		object, errObject := Decode([]byte(`{"a":` + string(data) + `}`))
		if err != nil {
			return
		}
		if errObject != nil {
			// One level and one value more than the list alone.
			if !strings.Contains(errObject.Error(), "nested") && !strings.Contains(errObject.Error(), "values") && !strings.Contains(errObject.Error(), "bytes") {
				t.Fatalf("Decode refuses it: %v", errObject)
			}
			return
		}
		if diff := cmp.Diff(object["a"], any(list)); diff != "" {
			t.Fatal(diff)
		}
	})
}
