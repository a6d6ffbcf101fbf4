package web

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// returnsWithin is how soon a browser that goes round is back.
	returnsWithin = 10 * time.Second

	maxReturns = 4096
)

// returns remembers for a moment who was sent where without being asked.
type returns struct {
	now  func() time.Time
	mu   sync.Mutex
	sent map[[sha256.Size]byte]time.Time
}

// again reports whether the holder of a session was sent to that place just now. Else it
// remembers that they are.
func (r *returns) again(session, target string) bool {
	key, now := sha256.Sum256([]byte(session+"\x00"+target)), r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.sent[key]; ok && now.Sub(at).Abs() < returnsWithin {
		delete(r.sent, key) // the next time may be another try, by hand
		return true
	}
	if r.sent == nil || len(r.sent) >= maxReturns {
		r.sent = map[[sha256.Size]byte]time.Time{}
	}
	r.sent[key] = now
	return false
}
