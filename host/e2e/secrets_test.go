package e2e

import (
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// secretSet collects what must never be logged: secrets in the configuration of the host,
// and secrets that passed through it during logins.
type secretSet struct {
	mu     sync.Mutex
	values map[string]string // what it is, by value
}

// shortestSecret keeps words such as "alice" from being taken for secrets.
const shortestSecret = 12

func (s *secretSet) add(what, value string) {
	if len(value) < shortestSecret {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = map[string]string{}
	}
	s.values[value] = what
}

// secretParameters are the secret parameters of a callback and of a token request.
var secretParameters = []string{"code", "code_verifier", "client_secret", "access_token", "refresh_token", "id_token"}

func (s *secretSet) addParameters(values url.Values) {
	for _, name := range secretParameters {
		for _, value := range values[name] {
			s.add(name, value)
		}
	}
}

// tokenShapes match tokens that the tests did not see.
var tokenShapes = map[string]*regexp.Regexp{
	"a JWT":             regexp.MustCompile(`\beyJ[\w-]{8,}\.[\w-]{8,}\.`),
	"a code in a query": regexp.MustCompile(`[?&]code=[\w-]{8,}`),
	"a bearer token":    regexp.MustCompile(`(?i)bearer [\w.~+/-]{16,}`),
}

// checkLogs looks for secrets in all logs of the test (L06).
func (s *secretSet) checkLogs(t testing.TB, logs string) {
	t.Helper()
	for _, leak := range s.leaks(logs) {
		t.Errorf("L06 the host logged %s", leak)
	}
}

func (s *secretSet) leaks(logs string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for value, what := range s.values {
		if line := lineWith(logs, value); line != "" {
			found = append(found, what+": "+line)
		}
	}
	for what, shape := range tokenShapes {
		if text := shape.FindString(logs); text != "" {
			found = append(found, what+": "+lineWith(logs, text))
		}
	}
	return found
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

func TestSecretsAreFoundInLogs(t *testing.T) {
	secrets := &secretSet{}
	secrets.add("client secret", "correct horse battery")
	for _, tc := range []struct {
		name, logs string
		want       bool
	}{
		{"known secret", "a\nsecret=correct horse battery\n", true},
		{"unknown JWT", "token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2ln\n", true},
		{"code in a URL", "GET /callback?state=x&code=abcdefghijkl\n", true},
		{"nothing", "signed in provider=op\n", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if leaks := secrets.leaks(tc.logs); len(leaks) > 0 != tc.want {
				t.Errorf("leaks = %q, want any: %v", leaks, tc.want)
			}
		})
	}
}
