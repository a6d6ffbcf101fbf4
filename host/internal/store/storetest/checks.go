package storetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

// sessionsVariable sets how many sessions the larger store has in a benchmark of session
// checks. Without it there are few, so that the benchmark takes no time; make bench
// BENCH_SESSIONS=1000000 sets it.
const sessionsVariable = "DOORWARD_BENCH_SESSIONS"

// BenchSessions returns how many sessions the larger store has, and how many rounds there
// are.
func BenchSessions(b *testing.B) (sessions, rounds int) {
	b.Helper()
	text := os.Getenv(sessionsVariable)
	if text == "" {
		return 5_000, 1
	}
	sessions, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("%s: %v", sessionsVariable, err)
	}
	return sessions, 10
}

// Filled is a store with many sessions, of one user each. Session number i, from 0 on, has
// the token FilledToken(i).
type Filled struct {
	store.Store
	Sessions int

	// Reopen opens the store again, with nothing in memory.
	Reopen func(b *testing.B) store.Store

	// Dir holds the files of the database.
	Dir string
}

// FilledToken is the hash that FilledHash computes in SQL.
func FilledToken(i int) (hash sso.TokenHash) {
	binary.BigEndian.PutUint32(hash[:], uint32(i*2654435761))
	binary.BigEndian.PutUint64(hash[24:], uint64(i))
	return hash
}

// BenchmarkSessionChecks compares lookups of session tokens, without the host's cache, in
// a store with a million sessions and in one with a thousand, by turns. "times" is the
// median of the rounds' quotients.
func BenchmarkSessionChecks(b *testing.B, fill func(b *testing.B, sessions int) *Filled) {
	sessions, rounds := BenchSessions(b)
	few, many := fill(b, 1000), fill(b, sessions)
	for _, c := range []struct {
		name   string
		before func(f *Filled, b *testing.B)
		check  func(f *Filled, b *testing.B) time.Duration
	}{
		{"the same people", (*Filled).warm, (*Filled).samePeople},
		{"anybody", nil, (*Filled).anybody},
		{"anybody, after a restart", (*Filled).restart, (*Filled).anybody},
		{"anybody, after a restart, from the disk", (*Filled).chill, (*Filled).anybody},
		{"the same people, 50 logins a second", (*Filled).warm, (*Filled).besideLogins},
	} {
		round := func(b *testing.B, f *Filled) (µs float64) {
			if c.before != nil {
				c.before(f, b)
			}
			return float64(c.check(f, b).Nanoseconds()) / 1000
		}
		b.Run(c.name, func(b *testing.B) {
			Compare(b, rounds, sessions, func() float64 { return round(b, few) }, func() float64 { return round(b, many) })
		})
	}
}

// Compare measures few and many sessions by turns, in µs, and reports the medians.
func Compare(b *testing.B, rounds, sessions int, few, many func() float64) {
	b.Helper()
	var ofFew, ofMany, times []float64
	for b.Loop() {
		for range rounds {
			one, other := few(), many()
			ofFew, ofMany, times = append(ofFew, one), append(ofMany, other), append(times, other/one)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ofFew), "µs-of-1000")
	b.ReportMetric(median(ofMany), "µs-of-"+strconv.Itoa(sessions))
	b.ReportMetric(median(times), "times")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// people returns n sessions, spread over the store.
func (f *Filled) people(n int) []int {
	var people []int
	for i := range n {
		people = append(people, i*(f.Sessions/n))
	}
	return people
}

// lookUp returns how long each lookup took.
func (f *Filled) lookUp(b *testing.B, people []int) time.Duration {
	b.Helper()
	begun := time.Now()
	for _, i := range people {
		if _, err := f.SessionToken(b.Context(), FilledToken(i)); err != nil {
			b.Fatalf("session %d: %v", i, err)
		}
	}
	return time.Since(begun) / time.Duration(len(people))
}

func (f *Filled) warm(b *testing.B) { f.lookUp(b, f.people(500)) }

func (f *Filled) samePeople(b *testing.B) time.Duration { return f.lookUp(b, f.people(500)) }

// anybody looks up other sessions each time, in a larger store.
func (f *Filled) anybody(b *testing.B) time.Duration {
	people := make([]int, 500)
	for i := range people {
		people[i] = rand.IntN(f.Sessions) //nolint:gosec // nothing to guess
	}
	return f.lookUp(b, people)
}

func (f *Filled) restart(b *testing.B) {
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	f.Store = f.Reopen(b)
	f.lookUp(b, []int{0}) // connections
}

// chill also makes the system drop the files from memory.
func (f *Filled) chill(b *testing.B) {
	f.restart(b)
	if err := forgetFiles(f.Dir); err != nil {
		b.Fatal(err)
	}
}

// besideLogins looks up sessions for a while in which 50 users sign in every second.
func (f *Filled) besideLogins(b *testing.B) time.Duration {
	ctx, cancel := context.WithCancel(b.Context())
	var logins sync.WaitGroup
	logins.Go(func() { SignIn(ctx, b, f, 50) })
	var took []time.Duration
	for begun := time.Now(); time.Since(begun) < 300*time.Millisecond; {
		took = append(took, f.lookUp(b, f.people(500)))
	}
	cancel()
	logins.Wait()
	slices.Sort(took)
	return took[len(took)/2]
}

// SignIn stores that many logins a second in a Filled, until ctx ends.
func SignIn(ctx context.Context, b *testing.B, s store.Store, aSecond int) {
	each := time.NewTicker(time.Second / time.Duration(aSecond))
	defer each.Stop()
	for {
		select {
		case now := <-each.C:
			if err := s.CreateSession(b.Context(), filledLogin(now)); err != nil {
				b.Error(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func filledLogin(now time.Time) sso.NewSession {
	id := fmt.Sprintf("login-%d", now.UnixNano())
	return sso.NewSession{
		Session: sso.Session{
			ID: id, UserID: FilledUser(0), Provider: "corp", Kind: sso.KindSession, CreatedAt: now, ExpiresAt: now.Add(time.Hour), IP: "192.0.2.17",
			AtProvider: sso.AtProvider{Subject: FilledUser(0), LogoutSubject: FilledUser(0)},
		},
		Token: sso.NewToken().Hash(), Once: []sso.OnceID{{Scope: "attempt", ID: id, Until: now.Add(time.Hour)}},
	}
}

// FilledUser is the ID of the user of a session, and the ID of the session.
func FilledUser(i int) string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(i*2654435761), i)
}
