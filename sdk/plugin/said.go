package plugin

import (
	"sync"
	"time"
)

// How often a warning about a provider is repeated, and how many are remembered.
const (
	sayAgain = time.Hour
	maxSaid  = 1000
)

// said keeps a warning that each login would bring from filling the log: each is said
// once an hour for each provider. The zero value has said nothing.
type said struct {
	mu sync.Mutex
	at map[[2]string]time.Time
}

// first reports whether a warning is to be said now. When there are too many to
// remember, all are forgotten.
func (s *said) first(provider, what string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := [2]string{provider, what}
	if at, ok := s.at[key]; ok && now.Sub(at) < sayAgain && !now.Before(at) {
		return false
	}
	if s.at == nil || len(s.at) >= maxSaid {
		s.at = map[[2]string]time.Time{}
	}
	s.at[key] = now
	return true
}
