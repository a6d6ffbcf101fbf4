package plugin

import (
	"sync"
	"time"
)

// How often a warning about a provider is repeated, and how many are remembered.
const (
	repeatAfter   = time.Hour
	maxRemembered = 1000
)

// repeats prevents a warning that every login would cause from filling the log: each
// warning is logged once an hour for each provider.
type repeats struct {
	mu sync.Mutex
	at map[[2]string]time.Time
}

// first reports whether a warning is to be logged now. When there are too many to
// remember, all are forgotten.
func (r *repeats) first(provider, what string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := [2]string{provider, what}
	if at, ok := r.at[key]; ok && now.Sub(at) < repeatAfter && !now.Before(at) {
		return false
	}
	if r.at == nil || len(r.at) >= maxRemembered {
		r.at = map[[2]string]time.Time{}
	}
	r.at[key] = now
	return true
}
