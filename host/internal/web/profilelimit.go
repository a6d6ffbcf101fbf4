package web

import (
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/web/limit"
)

// errProfileLimited means that a user changes their profile too often.
var errProfileLimited = errors.New("too many changes of a profile")

// profileChanges is how often a user can change their profile. Each change is a row in the
// audit that stays for more than a year, so the number must be limited.
var profileChanges = limit.Rate{Points: 20, Within: 10 * time.Minute}

// profileLimit counts by user, and in this process only: each further host allows a few
// more rows.
type profileLimit struct {
	seed maphash.Seed

	mu      sync.Mutex
	buckets *limit.Buckets
}

func newProfileLimit(now func() time.Time) *profileLimit {
	return &profileLimit{seed: maphash.MakeSeed(), buckets: limit.NewBuckets(profileChanges, now)}
}

// take counts a change, or refuses it with a limitedError that is an errProfileLimited.
func (p *profileLimit) take(userID string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	exceeded := p.buckets.Take(maphash.String(p.seed, userID))
	if exceeded == nil {
		return nil
	}
	return limitedError{exceeded, time.Now(), errProfileLimited}
}
