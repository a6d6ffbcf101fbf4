package plugin

import (
	"io"
	"sync"

	"github.com/doorward/doorward/sdk/redact"
)

// secrets are the secrets of the opened providers, to be redacted in everything that the
// plugin writes. Those of a provider's previous options are kept, too, because calls with
// them may still be running.
type secrets struct {
	set redact.Set

	mu    sync.Mutex
	known map[string][2][]string // by provider: current and previous
}

func (s *secrets) learn(provider string, texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string][2][]string{}
	}
	s.known[provider] = [2][]string{texts, s.known[provider][0]}
	var all []string
	for _, generations := range s.known {
		all = append(append(all, generations[0]...), generations[1]...)
	}
	s.set.Replace(all)
}

// redacting removes the secrets from each line that is written, and passes it on.
type redacting struct {
	to  io.Writer
	set *redact.Set
}

func (r redacting) Write(p []byte) (int, error) {
	if _, err := io.WriteString(r.to, r.set.Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
