package upstream_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
)

func TestWithoutSecrets(t *testing.T) {
	refusal := func(text string) error { return sdk.InvalidResponse("why", "%s", text) }
	for _, test := range []struct {
		name, secret, text string
		kept               bool
	}{
		{"E15 whole", "a-secret-of-some-length", "bad a-secret-of-some-length!", false},
		{"E15 part", "a-secret-of-some-length", "bad secret-of-some", false},
		{"E15 end", "a-secret-of-some-length", "of-some-length", false},
		{"E15 short secret", "pw", "the pw", false},
		{"E15 quoted", `a"b"c"d"e"f"g"h`, fmt.Sprintf("%q", `a"b"c"d"e"f"g"h`), false},
		{"E15 with backslashes", `a\b\c\d\e\f\g\h\i\j\k\l\m`, fmt.Sprintf("%q", `a\b\c\d\e\f\g\h\i\j\k\l\m`), false},
		{"a word in common", "client-secret-of-some-length", "check client_secret", true},
		{"a hint of ours about a weak secret", "secret", "check client_id, client_secret and client_token_endpoint_auth_method", true},
		{"a weak secret that the provider repeats", "hunter2", `the provider says "bad password hunter2"`, false},
		{"no secret", "", "check client_secret", true},
		{"other text", "a-secret-of-some-length", "expired", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := refusal(test.text)
			after := upstream.WithoutSecrets(before, "", test.secret)
			plugintest.Refused(t, after, sdk.ErrInvalidResponse, "why")
			if (after.Error() == before.Error()) != test.kept {
				t.Errorf("%q became %q", before, after)
			}
		})
	}
	if err := upstream.WithoutSecrets(nil, "x"); err != nil {
		t.Error(err)
	}
	if err := upstream.WithoutSecrets(errors.New("a fault with a-secret"), "a-secret"); err == nil || err.Error() != upstream.LeftOut {
		t.Errorf("a fault: %v", err)
	}
}
