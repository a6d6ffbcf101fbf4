package plugin

import (
	"io"
	"sync"

	"github.com/doorward/doorward/sdk/redact"
)

// secrets are those of the providers that a plugin has opened, for all that it
// writes. Those of the options before are kept as well: calls on them may go on.
type secrets struct {
	set redact.Set

	mu    sync.Mutex
	known map[string][2][]string // by provider: now, and before
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

// redacting passes on what is written, a line at a time, without secrets.
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
