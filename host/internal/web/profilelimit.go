package web

import (
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/web/limit"
)

// errProfileLimited: somebody changes their profile again and again.
var errProfileLimited = errors.New("too many changes of a profile")

// profileChanges is how often one person can change their profile. Each change is a row of
// the audit that stays for more than a year, so nobody may write as many as they like.
var profileChanges = limit.Rate{Points: 20, Within: 10 * time.Minute}

// profileLimit counts by user, and in this process alone: some hosts more are some rows
// more.
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
