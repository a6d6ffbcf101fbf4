package sqlite

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// BenchmarkLogins signs in known users with several callers: all in one batch, and with a
// transaction for each, and both also with 5 ms more for each commit, as on a slow disk.
// The rounds take turns, so that other load on the machine affects both.
func BenchmarkLogins(b *testing.B) {
	for _, delay := range []time.Duration{0, 5 * time.Millisecond} {
		for _, callers := range []int{1, 8, 32} {
			b.Run(fmt.Sprintf("callers=%d/delay=%v", callers, delay), func(b *testing.B) { benchLogins(b, callers, delay) })
		}
	}
}

func benchLogins(b *testing.B, callers int, delay time.Duration) {
	together, apart := newLogins(b, delay), newLogins(b, delay)
	apart.store.owner.maxBatch = 1
	const round = 4 // of each caller
	for b.Loop() {
		together.run(callers, round)
		apart.run(callers, round)
	}
	b.ReportMetric(together.rate(), "logins/s")
	b.ReportMetric(apart.rate(), "logins/s-apart")
	b.ReportMetric(together.rate()/apart.rate(), "times")
	b.ReportMetric(float64(together.commits.Load())/float64(together.made.Load()), "commits/login")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkEventOfALogin signs in known users one by one, with and without an event for
// each, by turns: on a disk that takes no time, and on one that takes 5 ms for a commit.
func BenchmarkEventOfALogin(b *testing.B) {
	for _, delay := range []time.Duration{0, 5 * time.Millisecond} {
		b.Run(fmt.Sprint("delay=", delay), func(b *testing.B) {
			with, without := newLogins(b, delay), newLogins(b, delay)
			with.events = true
			for b.Loop() {
				with.run(1, 4)
				without.run(1, 4)
			}
			b.ReportMetric(with.rate(), "logins/s")
			b.ReportMetric(with.rate()/without.rate(), "of-without")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkLoginBesideEndSessions signs in while an operator ends all sessions: each
// login waits for one step of that at most.
func BenchmarkLoginBesideEndSessions(b *testing.B) {
	s, _ := benchStore(b)
	ended := make(chan error)
	go func() {
		_, err := sso.EndSessions(b.Context(), s, sso.SessionMatch{}, sso.Event{At: now, Kind: sso.EventSessionEnded, Actor: sso.ActorOperator})
		ended <- err
	}()
	var worst time.Duration
	beside := 0
	for n, going := int64(1), true; going; n++ {
		began := time.Now()
		if err := s.CreateSession(b.Context(), sso.NewSession{Session: benchSession(fmt.Sprint("beside-", n), benchUser(1)), Token: sso.NewToken().Hash()}); err != nil {
			b.Fatal(err)
		}
		worst, beside = max(worst, time.Since(began)), beside+1
		select {
		case err := <-ended:
			if err != nil {
				b.Fatal(err)
			}
			going = false
		default:
		}
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst")
	b.ReportMetric(float64(beside), "logins-beside")
	b.ReportMetric(0, "ns/op")
}

// logins signs in users at a store.
type logins struct {
	b       *testing.B
	store   *Store
	commits atomic.Int64
	made    atomic.Int64
	took    time.Duration
	events  bool // each login has one
}

const loginUsers = 50

func newLogins(b *testing.B, delay time.Duration) *logins {
	b.Helper()
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "doorward.db"), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	l := &logins{b: b, store: s}
	for i := range loginUsers {
		addUser(b, s, benchUser(i))
	}
	onCommit(b, s, func() bool {
		l.commits.Add(1)
		time.Sleep(delay) // simulates the disk
		return false
	})
	return l
}

func (l *logins) run(callers, each int) {
	began := time.Now()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				login := knownLogin(l.made.Add(1))
				if l.events {
					login.Events = func() []sso.Event { return []sso.Event{benchEvent(login.Session)} }
				}
				if err := l.store.CreateSession(l.b.Context(), login); err != nil {
					l.b.Error(err)
				}
			}
		})
	}
	all.Wait()
	l.took += time.Since(began)
}

func (l *logins) rate() float64 { return float64(l.made.Load()) / l.took.Seconds() }

func knownLogin(n int64) sso.NewSession {
	session := benchSession(fmt.Sprintf("%08x-login-%d", uint32(n*2654435761), n), "")
	subject := benchUser(int(n % loginUsers))
	session.AtProvider = sso.AtProvider{Subject: subject, LogoutSubject: subject, SealedGrant: make([]byte, 200)}
	return sso.NewSession{
		Session: session, Token: sso.NewToken().Hash(), RemoveBefore: now,
		Once: []sso.OnceID{{Scope: "attempt", ID: fmt.Sprint(n), Until: now.Add(time.Hour)}},
		Decide: func(known *sso.User) (sso.User, error) {
			user := *known
			user.LastAccess = now.Add(time.Duration(n) * time.Millisecond)
			return user, nil
		},
	}
}

// benchEvent is as long as the event of a login from a browser.
func benchEvent(session sso.Session) sso.Event {
	return sso.Event{
		At: now, Kind: sso.EventSignedIn, Actor: sso.ActorUser, Provider: session.Provider, Subject: "0123456789abcdef0123456789abcdef",
		UserID: sso.NewUUID(), SessionID: session.ID, Address: "2001:db8::17", RequestID: "0123456789abcdef",
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
	}
}
