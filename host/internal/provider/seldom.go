package provider

import (
	"sync"
	"time"
)

// seldom says of many events that some happened since it last said so.
type seldom struct {
	mu     sync.Mutex
	again  time.Time
	unsaid int
}

// sayAgain is how long an operator is not told the same again.
const sayAgain = 5 * time.Second

func (s *seldom) count(now time.Time) (since int, say bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaid++
	if now.Before(s.again) {
		return 0, false
	}
	since, s.unsaid, s.again = s.unsaid, 0, now.Add(sayAgain)
	return since, true
}
