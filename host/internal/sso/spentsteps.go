package sso

import (
	"sync"
	"time"
)

// spentSteps records which steps of attempts were continued, so that one sealed attempt
// cannot be sent to the mechanism twice. It is in the memory of this process only,
// because unauthenticated requests must not write to the store; completed logins are
// spent in the store, too.
//
// Entries are kept in two generations. The older one is dropped when the younger one is
// as old as an attempt can get, or full: then an early replay reaches the mechanism, and
// the store still refuses to complete it.
type spentSteps struct {
	mu           sync.Mutex
	young, old   map[string]struct{}
	youngSince   time.Time
	maxYoung     int
	generationIs time.Duration
}

func newSpentSteps() *spentSteps {
	return &spentSteps{
		young: map[string]struct{}{}, old: map[string]struct{}{},
		maxYoung: 50_000, generationIs: MaxLoginTimeout,
	}
}

// spend reports whether this is the first time that the step is continued.
func (s *spentSteps) spend(step string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.young) >= s.maxYoung || now.Sub(s.youngSince) > s.generationIs {
		s.old, s.young, s.youngSince = s.young, map[string]struct{}{}, now
	}
	_, inYoung := s.young[step]
	_, inOld := s.old[step]
	if inYoung || inOld {
		return false
	}
	s.young[step] = struct{}{}
	return true
}
