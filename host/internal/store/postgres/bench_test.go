package postgres

import (
	"fmt"
	"sync/atomic"
	"testing"
)

func benchStore(b *testing.B) *Store {
	b.Helper()
	s := server(b)
	return mustOpen(b, optionsOf(s.Host, s.Port, s.NewDatabase(b)))
}

var benchLogins atomic.Int64

// BenchmarkLogin signs in somebody who is known; the server does not sync.
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
