package options_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk/options"
)

type Common struct {
	Label string `option:"label"`
}

type sample struct {
	Common
	ClientID string            `option:"client_id" doc:"client identifier"`
	Secret   options.Secret    `option:"client_secret"`
	Verify   bool              `option:"verify" default:"true"`
	Limit    int               `option:"limit" default:"10"`
	Timeout  time.Duration     `option:"timeout" default:"5s"`
	Scope    []string          `option:"scope" default:"openid, email"`
	Method   string            `option:"method" default:"post" oneof:"post|basic"`
	Params   map[string]string `option:"params"`
	Client   map[string]any    `option:"client"`
	Mapping  options.JSON      `option:"mapping"`
}

func defaults() sample {
	return sample{Verify: true, Limit: 10, Timeout: 5 * time.Second, Scope: []string{"openid", "email"}, Method: "post"}
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name   string
		values map[string]any
		want   func(*sample)
	}{
		{"defaults", nil, func(*sample) {}},
		{"null and empty text are not given", map[string]any{"method": nil, "limit": "", "scope": "", "mapping": options.JSON("null")}, func(*sample) {}},
		{"embedded field", map[string]any{"label": "Sign in"}, func(s *sample) { s.Label = "Sign in" }},
		{"18-digit client id as text", map[string]any{"client_id": "123456789012345678"}, func(s *sample) { s.ClientID = "123456789012345678" }},
		{"18-digit client id as int", map[string]any{"client_id": 123456789012345678}, func(s *sample) { s.ClientID = "123456789012345678" }},
		{"20-digit client id as json.Number", map[string]any{"client_id": json.Number("12345678901234567890")}, func(s *sample) { s.ClientID = "12345678901234567890" }},
		{"uint64 client id", map[string]any{"client_id": uint64(math.MaxUint64)}, func(s *sample) { s.ClientID = "18446744073709551615" }},
		{"client id with leading zero", map[string]any{"client_id": "0123"}, func(s *sample) { s.ClientID = "0123" }},
		{"client id that looks like a bool", map[string]any{"client_id": "true"}, func(s *sample) { s.ClientID = "true" }},
		{"comma and prefix in a secret", map[string]any{"client_secret": "a,b: c "}, func(s *sample) { s.Secret = "a,b: c " }},
		{"no is false", map[string]any{"verify": "no"}, func(s *sample) { s.Verify = false }},
		{"OFF is false", map[string]any{"verify": " OFF "}, func(s *sample) { s.Verify = false }},
		{"0 is false", map[string]any{"verify": 0}, func(s *sample) { s.Verify = false }},
		{"false is false", map[string]any{"verify": false}, func(s *sample) { s.Verify = false }},
		{"oneof in any case", map[string]any{"method": "BaSic"}, func(s *sample) { s.Method = "basic" }},
		{"yes is true", map[string]any{"verify": "yes"}, func(*sample) {}},
		{"integer from text", map[string]any{"limit": " -3 "}, func(s *sample) { s.Limit = -3 }},
		{"integer from whole float", map[string]any{"limit": 3.0}, func(s *sample) { s.Limit = 3 }},
		{"duration from text", map[string]any{"timeout": "1.5h"}, func(s *sample) { s.Timeout = 90 * time.Minute }},
		{"duration from milliseconds", map[string]any{"timeout": 900}, func(s *sample) { s.Timeout = 900 * time.Millisecond }},
		{"list from text", map[string]any{"scope": "a, b ,,c"}, func(s *sample) { s.Scope = []string{"a", "b", "c"} }},
		{"list from JSON", map[string]any{"scope": `["a,b", 123456789012345678]`}, func(s *sample) { s.Scope = []string{"a,b", "123456789012345678"} }},
		{"typed list", map[string]any{"scope": []any{"a", 7}}, func(s *sample) { s.Scope = []string{"a", "7"} }},
		{"empty list", map[string]any{"scope": []string{}}, func(s *sample) { s.Scope = []string{} }},
		{"map from JSON", map[string]any{"params": `{"prompt":"login","max_age":300,"x":null}`}, func(s *sample) { s.Params = map[string]string{"prompt": "login", "max_age": "300"} }},
		{"map from single values", map[string]any{"params": `{"prompt":"login","hd":"a"}`, "params__prompt": "none", "params__ui_locales": "de en"}, func(s *sample) {
			s.Params = map[string]string{"prompt": "none", "ui_locales": "de en", "hd": "a"}
		}},
		{"object from single values", map[string]any{"client__tls_options__min_version": "TLSv1.2", "client__timeout": "5000"}, func(s *sample) {
			s.Client = map[string]any{"tls_options": map[string]any{"min_version": "TLSv1.2"}, "timeout": "5000"}
		}},
		{"object from typed values", map[string]any{"client": map[string]any{"a": 1, "b": 1.5, "c": []any{true, nil}}}, func(s *sample) {
			s.Client = map[string]any{"a": json.Number("1"), "b": json.Number("1.5"), "c": []any{true, nil}}
		}},
		{"JSON keeps order and digits", map[string]any{"mapping": `{"b":"x", "a":12345678901234567890}`}, func(s *sample) { s.Mapping = options.JSON(`{"b":"x", "a":12345678901234567890}`) }},
		{"raw JSON keeps order", map[string]any{"mapping": options.JSON(`{"b":1,"a":2}`)}, func(s *sample) { s.Mapping = options.JSON(`{"b":1,"a":2}`) }},
		{"JSON from typed values", map[string]any{"mapping": []any{"x", 1}}, func(s *sample) { s.Mapping = options.JSON(`["x",1]`) }},
		{"raw JSON for other types", map[string]any{"limit": options.JSON("7"), "params": options.JSON(`{"a":"b"}`)}, func(s *sample) {
			s.Limit, s.Params = 7, map[string]string{"a": "b"}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := defaults()
			tt.want(&want)
			got, err := options.Decode[sample](tt.values)
			if err != nil {
				t.Fatalf("Decode: %v", err)
			}
			if diff := cmp.Diff(reveal(want), reveal(got)); diff != "" {
				t.Errorf("Decode (-want +got):\n%s", diff)
			}
		})
	}
}

// reveal makes secrets comparable in a diff.
func reveal(s sample) any {
	return struct {
		Sample sample
		Secret string
	}{s, s.Secret.Reveal()}
}

func TestDecodeProblems(t *testing.T) {
	deep := any("x")
	for range 40 {
		deep = []any{deep}
	}
	tests := []struct {
		name   string
		values map[string]any
		want   string // substring of the one problem
	}{
		{"float for text", map[string]any{"client_id": 1.0}, "client_id: must be text (put it in quotes)"},
		{"exponent for text", map[string]any{"client_id": json.Number("1e3")}, "client_id: must be text"},
		{"bool for text", map[string]any{"client_id": true}, "client_id: must be text (put it in quotes), not true or false"},
		{"list for text", map[string]any{"client_secret": []any{"a", "b"}}, "client_secret: must be text (put it in quotes), not a list"},
		{"word for bool", map[string]any{"verify": "maybe"}, `verify: must be true or false, not "maybe"`},
		{"2 for bool", map[string]any{"verify": 2}, `verify: must be true or false, not "2"`},
		{"word for integer", map[string]any{"limit": "ten"}, `limit: must be a whole number, not "ten"`},
		{"fraction for integer", map[string]any{"limit": 1.5}, "limit: must be a whole number"},
		{"large integer", map[string]any{"limit": "99999999999999999999"}, "limit: must be a whole number"},
		{"word for duration", map[string]any{"timeout": "soon"}, "timeout: must be a duration such as 30s"},
		{"negative duration", map[string]any{"timeout": "-5s"}, "timeout: must be a duration"},
		{"huge duration", map[string]any{"timeout": "400y"}, "timeout: must be a duration of less than"},
		{"mapping for list", map[string]any{"scope": map[string]any{"a": "b"}}, "scope: must be a list of texts, not a mapping"},
		{"bool in list", map[string]any{"scope": []any{"a", true}}, "scope: element 2 must be text"},
		{"broken JSON list", map[string]any{"scope": `["a]`}, "scope: is not valid JSON"},
		{"outside oneof", map[string]any{"method": "Bassic"}, `method: must be one of post, basic, not "Bassic"; did you mean "basic"?`},
		{"text for map", map[string]any{"params": "prompt=login"}, `params: is not valid JSON; write {"key":"value"}, or single values named params__key`},
		{"array for map", map[string]any{"params": `["a"]`}, "params: is not a JSON object"},
		{"object in map", map[string]any{"params": `{"claims":{}}`}, "params: the value of claims must be text, not a mapping"},
		{"bool in single value", map[string]any{"params__x": true}, "params__x: must be text"},
		{"key twice", map[string]any{"params": `{"a":"1","a":"2"}`}, "params: has the same key twice"},
		{"single value inside a text", map[string]any{"client__a": "x", "client__a__b": "y"}, "client__a__b: is part of a value that is not a mapping"},
		{"broken JSON", map[string]any{"mapping": `{"a":`}, "mapping: is not valid JSON"},
		{"JSON with more behind it", map[string]any{"mapping": `{} {}`}, "mapping: is not valid JSON"},
		{"NUL in text", map[string]any{"client_id": "a\x00b"}, "client_id: must be UTF-8 text without NUL"},
		{"NUL in JSON", map[string]any{"params": `{"a":"\u0000"}`}, "params: must be UTF-8 text without NUL"},
		{"broken UTF-8", map[string]any{"client_id": "a\xff"}, "client_id: must be UTF-8 text"},
		{"too large", map[string]any{"client_id": strings.Repeat("x", options.MaxValueSize+1)}, "client_id: is larger than 1 MiB"},
		{"too many elements", map[string]any{"client": map[string]any{"a": make([]any, options.MaxValueSize+1)}}, "client: is larger than 1 MiB"},
		{"too deep", map[string]any{"client": map[string]any{"a": deep}}, "client: is nested deeper"},
		{"too deep JSON", map[string]any{"mapping": strings.Repeat("[", 100)}, "mapping: is nested deeper"},
		{"strange type", map[string]any{"client": struct{}{}}, "client: has the unexpected type struct {}"},
		{"not a number", map[string]any{"client": map[string]any{"a": math.NaN()}}, "client: is not a number"},
		{"unknown", map[string]any{"clientid": "x"}, "clientid: there is no such option; did you mean client_id?"},
		{"unknown, nothing near", map[string]any{"colour": "x"}, "colour: there is no such option"},
		{"unknown with escape codes", map[string]any{"\x1b[2J": "x"}, `"\x1b[2J": there is no such option`},
		{"single value of something else", map[string]any{"label__x": "x"}, "label__x: there is no such option"},
		{"single value without a key", map[string]any{"params__": "x"}, "params__: there is no such option"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := options.Decode[sample](tt.values)
			problems, ok := errors.AsType[options.Problems](err)
			if !ok || len(problems) != 1 {
				t.Fatalf("Decode: %v, want one problem", err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Decode:\n got %s\nwant %s", err, tt.want)
			}
		})
	}
}

func TestDecodeReportsEverythingInOrder(t *testing.T) {
	type C struct {
		ID     string `option:"id,required" doc:"who we are"`
		Method string `option:"method" oneof:"a|b"`
		Limit  int    `option:"limit"`
		Good   string `option:"good"`
	}
	c, err := options.Decode[C](map[string]any{"zeta": "1", "limit": "x", "method": "c", "alpha": "2", "good": "kept"})
	want := strings.Join([]string{
		"id: is required and not set (who we are)",
		`method: must be one of a, b, not "c"`,
		`limit: must be a whole number, not "x"`,
		"alpha: there is no such option",
		"zeta: there is no such option",
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("Decode:\n got %v\nwant %s", err, want)
	}
	if c.Good != "kept" {
		t.Error("the option without a problem is lost")
	}
}

func TestDecodeRequired(t *testing.T) {
	type C struct {
		Scope  []string       `option:"scope,required"`
		Secret options.Secret `option:"secret,required"`
	}
	for _, empty := range []any{nil, "", []any{}, " , "} {
		_, err := options.Decode[C](map[string]any{"scope": empty, "secret": "x"})
		if err == nil || err.Error() != "scope: is required and not set" {
			t.Errorf("Decode with scope %#v: %v", empty, err)
		}
	}
}

func TestDecodeTooManyValues(t *testing.T) {
	values := map[string]any{}
	for i := range options.MaxValues + 1 {
		values[strings.Repeat("x", i)] = ""
	}
	if _, err := options.Decode[sample](values); err == nil || !strings.Contains(err.Error(), "more than 1000") {
		t.Errorf("Decode: %v", err)
	}
}

func TestProblemsHoldNoSecret(t *testing.T) {
	type C struct {
		Text   options.Secret    `option:"text" oneof:"a|b"`
		Bool   bool              `option:"bool,secret"`
		Int    int               `option:"int,secret"`
		Time   time.Duration     `option:"time,secret"`
		List   []string          `option:"list,secret" oneof:"a|b"`
		Map    map[string]string `option:"map,secret"`
		Object map[string]any    `option:"object"`
		JSON   options.JSON      `option:"json,secret"`
	}
	const secret = "hunter2"
	values := map[string]any{"unknown": secret, "map__x": []any{secret}}
	for _, name := range []string{"text", "bool", "int", "time", "list", "map", "object", "json"} {
		values[name] = secret
	}
	_, err := options.Decode[C](values)
	if problems, _ := errors.AsType[options.Problems](err); len(problems) != 10 {
		t.Errorf("Decode: %v, want ten problems", err)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("problems show the secret:\n%v", err)
	}
}

type validated struct {
	Min int `option:"min"`
	Max int `option:"max"`
}

func (v *validated) Validate() error {
	var problems options.Problems
	if v.Min > v.Max {
		problems.Addf("min", "must be at most max, which is %d", v.Max)
	}
	if v.Max == 13 {
		return errors.New("unlucky")
	}
	return problems.Err()
}

func TestDecodeValidates(t *testing.T) {
	tests := []struct {
		values map[string]any
		want   string
	}{
		{map[string]any{"min": 1, "max": 2}, ""},
		{map[string]any{"min": 3, "max": 2}, "min: must be at most max, which is 2"},
		{map[string]any{"max": 13}, "unlucky"},
		{map[string]any{"min": "x", "max": 13}, `min: must be a whole number, not "x"`},
	}
	for _, tt := range tests {
		_, err := options.Decode[validated](tt.values)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("Decode(%v): %q, want %q", tt.values, got, tt.want)
		}
	}
}

func TestDecodeLeavesTheValuesAlone(t *testing.T) {
	inner := map[string]any{"a": 1.5}
	values := map[string]any{"client": inner, "client__b": "x"}
	c, err := options.Decode[sample](values)
	if err != nil {
		t.Fatal(err)
	}
	c.Client["a"] = "changed"
	if diff := cmp.Diff(map[string]any{"a": 1.5}, inner); diff != "" {
		t.Errorf("the caller's mapping changed (-want +got):\n%s", diff)
	}
}
