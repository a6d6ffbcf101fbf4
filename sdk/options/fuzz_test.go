package options_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk/options"
)

// FuzzDecode: no value, as text or typed, makes Decode panic, return anything but Problems, or
// reveal the secret that is in every option.
func FuzzDecode(f *testing.F) {
	f.Add("client_id", `"123456789012345678"`)
	f.Add("params__a", `{"a":[1,2.5,{"b":null}]}`)
	f.Add("client__a__b", `[[[1e400]]]`)
	f.Add("timeout", `1.5`)
	f.Fuzz(func(t *testing.T, name, document string) {
		const secret = "hunter2hunter2"
		values := map[string]any{name: document}
		decodeAny(t, values)
		var typed any
		if json.Unmarshal([]byte(document), &typed) == nil {
			decodeAny(t, map[string]any{name: typed, "limit": secret[:1] + document})
		}
		_, err := options.Decode[secretive](map[string]any{name: document + secret, "secret": document + secret, "flag": document + secret})
		if err != nil && strings.Contains(err.Error(), secret) && !strings.Contains(name, secret) {
			t.Errorf("shows the secret: %v", err)
		}
	})
}

type secretive struct {
	Secret options.Secret    `option:"secret" oneof:"one|two"`
	Flag   bool              `option:"flag,secret"`
	Map    map[string]string `option:"map,secret"`
}

func decodeAny(t *testing.T, values map[string]any) {
	_, err := options.Decode[sample](values)
	if err == nil {
		return
	}
	if _, ok := errors.AsType[options.Problems](err); !ok {
		t.Errorf("error is no Problems: %v", err)
	}
	if !utf8.ValidString(err.Error()) || strings.ContainsRune(err.Error(), 0x1b) {
		t.Errorf("problem is not printable: %q", err)
	}
}
