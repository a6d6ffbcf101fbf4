package redact

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

const (
	long = "canary-2f6b91d0-long"
	key  = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50\nDFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n"
)

func set(secrets ...string) *Set {
	s := &Set{}
	s.Replace(secrets)
	return s
}

func TestText(t *testing.T) {
	quoted := `a"quoted"\secret<of>some&length`
	encoded, err := json.Marshal(quoted)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ secret, text, want string }{
		"whole":                    {long, "the client secret " + long + " is wrong", "the client secret [redacted] is wrong"},
		"inside other text":        {long, "x" + long + "y", "x[redacted]y"},
		"twice":                    {long, long + long, "[redacted][redacted]"},
		"a part of 16 bytes":       {long, "starts with " + long[:16] + "...", "starts with [redacted]..."},
		"a part of 15 bytes":       {long, "starts with " + long[:15], "starts with " + long[:15]},
		"a line of a PEM":          {key, "read MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50 and", "read [redacted] and"},
		"another line of a PEM":    {key, "DFtMDoQikTmiCqirVv9mWG9qfSnF", "[redacted]"},
		"a hint about a PEM":       {key, "must begin with -----BEGIN PRIVATE KEY-----", "must begin with -----BEGIN PRIVATE KEY-----"},
		"a short one as a word":    {"hunter2", "password hunter2, or \"hunter2\"", "password [redacted], or \"[redacted]\""},
		"a short one in a word":    {"hunter2", "xhunter2 hunter23", "xhunter2 hunter23"},
		"a short one at the ends":  {"hunter2", "hunter2", "[redacted]"},
		"short ones side by side":  {"ab", "ab ab abab ab", "[redacted] [redacted] abab [redacted]"},
		"the hint of openid":       {"secret", "check client_id, client_secret and client_token_endpoint_auth_method", "check client_id, client_secret and client_token_endpoint_auth_method"},
		"with signs at the ends":   {"!pw!", "a!pw!b", "a[redacted]b"},
		"one letter":               {"a", "a b", "a b"},
		"none":                     {"", "a b", "a b"},
		"as JSON":                  {quoted, string(encoded), `"[redacted]"`},
		"as Go":                    {quoted, fmt.Sprintf("%q", quoted), `"[redacted]"`},
		"in a URL":                 {quoted, "?secret=" + url.QueryEscape(quoted), "?secret=[redacted]"},
		"with letters around":      {"päss", "xpäss päss", "xpäss [redacted]"},
		"a word before the secret": {"wort", "Antwort wort", "Antwort [redacted]"},
	} {
		if got := set(test.secret).Text(test.text); got != test.want {
			t.Errorf("%s: %q became %q, want %q", name, test.text, got, test.want)
		}
	}
}

func TestSetsOfSeveral(t *testing.T) {
	s := set("hunter2", "hunter2-and-more-of-it", "and")
	if got := s.Text("hunter2-and-more-of-it, hunter2 and hand"); got != "[redacted], [redacted] [redacted] hand" {
		t.Errorf("got %q", got)
	}
	s.Replace(nil)
	if got := s.Text("hunter2"); got != "hunter2" {
		t.Errorf("after they are gone: %q", got)
	}
	var none *Set
	if got := none.Text("x") + (&Set{}).Text("y"); got != "xy" {
		t.Errorf("without secrets: %q", got)
	}
}

func FuzzText(f *testing.F) {
	f.Add("hunter2", "the hunter2 \xff")
	f.Add(long, strings.Repeat(long, 3))
	f.Fuzz(func(t *testing.T, secret, text string) {
		got := set(secret).Text(text)
		if len(secret) >= Long && !strings.ContainsAny(secret, "\n") && strings.TrimSpace(secret) == secret &&
			!strings.HasPrefix(secret, "-----") && strings.Contains(got, secret) && !strings.Contains(Mark, secret) {
			t.Errorf("%q is in %q", secret, got)
		}
	})
}
