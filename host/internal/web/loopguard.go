package web

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// loopWithin is how soon a browser in a redirect loop returns.
	loopWithin = 10 * time.Second

	maxLoopEntries = 4096
)

// loopGuard remembers for a short time which sessions were redirected where without asking
// the user.
type loopGuard struct {
	now  func() time.Time
	mu   sync.Mutex
	sent map[[sha256.Size]byte]time.Time
}

// again reports whether the holder of a session was sent to that target just now. If not,
// it remembers that they are being sent there.
func (g *loopGuard) again(session, target string) bool {
	key, now := sha256.Sum256([]byte(session+"\x00"+target)), g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if at, ok := g.sent[key]; ok && now.Sub(at).Abs() < loopWithin {
		delete(g.sent, key) // the next time may be a manual retry
		return true
	}
	if g.sent == nil || len(g.sent) >= maxLoopEntries {
		g.sent = map[[sha256.Size]byte]time.Time{}
	}
	g.sent[key] = now
	return false
}
