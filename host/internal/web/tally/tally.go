// Package tally counts sign-ins and refused sign-ins, for metrics and for the totals in the
// audit. Clients that are refused have not signed in, so whatever they do takes a limited
// amount of memory and rows.
package tally

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// Limits of what is counted separately. Reasons are from a known set, and providers from
// the configuration, which a reload can change; anything beyond counts as Other.
const (
	maxKinds = 2000
	maxSums  = 64 // rows per minute and host
)

// Other is the reason of refusals without a word of their own.
const Other = "other"

// A Refusal is the provider and the reason of a refused sign-in.
type Refusal struct{ Provider, Reason string }

// Tally counts. Its methods are safe for concurrent use; a nil Tally counts nothing.
type Tally struct {
	now func() time.Time

	mu        sync.Mutex
	signIns   map[string]uint64 // by provider
	refusals  map[Refusal]uint64
	refreshes map[string]uint64 // by outcome

	unsaved map[Refusal]int // refusals that are not in the stored totals yet
	since   time.Time       // when the first of them was counted
}

// New makes a Tally.
func New(now func() time.Time) *Tally {
	return &Tally{now: now, signIns: map[string]uint64{}, refusals: map[Refusal]uint64{}, refreshes: map[string]uint64{}, unsaved: map[Refusal]int{}}
}

// SignedIn counts a login.
func (t *Tally) SignedIn(provider string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.signIns[provider]; !known && len(t.signIns) >= maxKinds {
		provider = ""
	}
	t.signIns[provider]++
}

// Refused counts a refused login, or a refused answer in one. The reason must be from a
// fixed set; provider is empty if it is not a configured one.
func (t *Tally) Refused(provider, reason string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	kind := Refusal{provider, reason}
	if _, known := t.refusals[kind]; !known && len(t.refusals) >= maxKinds {
		kind = Refusal{"", Other}
	}
	t.refusals[kind]++
	if len(t.unsaved) == 0 {
		t.since = t.now()
	}
	t.unsaved[kind]++
}

// Refreshed counts a refresh. The outcome must be from a fixed set.
func (t *Tally) Refreshed(outcome string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refreshes[outcome]++
}

// Counted are the counts since the start.
type Counted struct {
	SignIns   map[string]uint64
	Refusals  map[Refusal]uint64
	Refreshes map[string]uint64
}

// Counted returns a copy.
func (t *Tally) Counted() Counted {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Counted{maps.Clone(t.signIns), maps.Clone(t.refusals), maps.Clone(t.refreshes)}
}

// Sums is where the totals of refusals are stored.
type Sums interface {
	// AddRefusals adds to the totals of a minute, and deletes some of those from before
	// forget; none if that is zero.
	AddRefusals(ctx context.Context, minute time.Time, sums []sso.RefusalSum, forget time.Time) error
}

// Save adds the refusals since the last call to the totals of the minute of the first one.
// It writes only if there are any. After an error they are kept for the next call, unless
// nobody knows whether they were stored.
func (t *Tally) Save(ctx context.Context, to Sums, forget time.Time) error {
	t.mu.Lock()
	unsaved, since := t.unsaved, t.since
	t.unsaved = map[Refusal]int{}
	t.mu.Unlock()
	if len(unsaved) == 0 {
		return nil
	}
	err := to.AddRefusals(ctx, since.Truncate(time.Minute), sumsOf(unsaved), forget)
	if err == nil {
		return nil
	}
	if !errors.Is(err, sso.ErrOutcomeUnknown) {
		t.restoreUnsaved(unsaved, since)
	}
	return fmt.Errorf("storing the counts of refused sign-ins: %w", err)
}

func (t *Tally) restoreUnsaved(unsaved map[Refusal]int, since time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for kind, n := range unsaved {
		t.unsaved[kind] += n
	}
	t.since = since
}

// sumsOf has a row for each of the most frequent refusals, and one for all others.
func sumsOf(counts map[Refusal]int) []sso.RefusalSum {
	sums := make([]sso.RefusalSum, 0, len(counts))
	for kind, n := range counts {
		sums = append(sums, sso.RefusalSum{Provider: kind.Provider, Reason: kind.Reason, N: n})
	}
	slices.SortFunc(sums, func(a, b sso.RefusalSum) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Reason, b.Reason))
	})
	if len(sums) <= maxSums {
		return sums
	}
	others := sso.RefusalSum{Reason: Other}
	for _, sum := range sums[maxSums-1:] {
		others.N += sum.N
	}
	kept := sums[:maxSums-1]
	if i := slices.IndexFunc(kept, func(s sso.RefusalSum) bool { return s.Provider == "" && s.Reason == Other }); i >= 0 {
		kept[i].N += others.N
		return kept
	}
	return append(kept, others)
}
