package postgres

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

func benchStore(b *testing.B) *Store {
	b.Helper()
	s := server(b)
	return mustOpen(b, optionsOf(s.Host, s.Port, s.NewDatabase(b)))
}

var benchLogins atomic.Int64

// BenchmarkLogin signs in a known user; the server does not sync.
func BenchmarkLogin(b *testing.B) {
	s := benchStore(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := benchLogins.Add(1)
			if err := s.CreateSession(b.Context(), loginOf(fmt.Sprint("p", n%100), fmt.Sprint("s", n))); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEventOfALogin does so with and without an event, by turns.
func BenchmarkEventOfALogin(b *testing.B) {
	stores := [2]*Store{benchStore(b), benchStore(b)}
	var took [2]time.Duration
	for b.Loop() {
		for i, s := range stores {
			began := time.Now()
			for range 4 {
				n := benchLogins.Add(1)
				login := loginOf(fmt.Sprint("p", n%100), fmt.Sprint("s", n))
				if i == 0 {
					login.Events = func() []sso.Event {
						return []sso.Event{{At: at, Kind: sso.EventSignedIn, Actor: sso.ActorUser, Provider: "corp", UserID: sso.NewUUID(), SessionID: login.Session.ID, UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"}}
					}
				}
				if err := s.CreateSession(b.Context(), login); err != nil {
					b.Fatal(err)
				}
			}
			took[i] += time.Since(began)
		}
	}
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "of-without")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkSessionToken(b *testing.B) {
	s := benchStore(b)
	login := loginOf("ann", "s1")
	if err := s.CreateSession(b.Context(), login); err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.SessionToken(b.Context(), login.Token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRotation(b *testing.B) {
	s := benchStore(b)
	login := loginOf("ann", "s1")
	if err := s.CreateSession(b.Context(), login); err != nil {
		b.Fatal(err)
	}
	token := login.Token
	for b.Loop() {
		next := loginOf("ann", "s1").Token
		if err := s.RotateToken(b.Context(), rotationOf("s1", token, next)); err != nil {
			b.Fatal(err)
		}
		token = next
	}
}
