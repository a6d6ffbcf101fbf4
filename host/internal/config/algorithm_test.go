package config_test

import "testing"

func TestAlgorithmInAnyCase(t *testing.T) {
	for text, want := range map[string]string{"": "EdDSA", "eddsa": "EdDSA", "EDDSA": "EdDSA", "es256": "ES256", "Rs256": "RS256"} {
		if got := newSetup(t, "ACCESS_TOKEN_ALGORITHM="+text).mustLoad(t).AccessTokenAlgorithm; got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if got := newSetup(t).yaml(t, "access_token_algorithm: es256\n").mustLoad(t).AccessTokenAlgorithm; got != "ES256" {
		t.Errorf("in YAML: %q", got)
	}
}
