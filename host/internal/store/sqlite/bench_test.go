package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

const benchSessions = 20_000

func benchUser(i int) string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(i*2654435761), i)
}

// benchStore returns a store with many sessions and their tokens.
func benchStore(b *testing.B, groups ...string) (*Store, []sso.TokenHash) {
	b.Helper()
	s, tokens := newStore(b), make([]sso.TokenHash, benchSessions)
	err := s.write(b.Context(), func(tx *sql.Tx) error {
		for i := range tokens {
			tokens[i] = sso.NewToken().Hash()
			if err := addBenchSession(b.Context(), s, tx, i, tokens[i], sso.NewGroups(groups)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return s, tokens
}

func addBenchSession(ctx context.Context, s *Store, tx *sql.Tx, i int, token sso.TokenHash, groups sso.Groups) error {
	user := sso.User{
		ID: benchUser(i), Provider: "corp", Subject: benchUser(i), Status: sso.UserActive, Role: "editor",
		Email: "someone@example.org", FirstName: "Some", LastName: "One", CreatedAt: now, LastAccess: now,
	}
	if err := insertUser(ctx, tx, user); err != nil {
		return err
	}
	session := benchSession(benchUser(i), user.ID)
	session.Groups = groups
	pk, err := s.insertSession(ctx, tx, session)
	if err != nil {
		return err
	}
	return s.insertToken(ctx, tx, token, pk, session.ExpiresAt)
}

func benchSession(id, userID string) sso.Session {
	return sso.Session{
		ID: id, UserID: userID, Provider: "corp", Kind: sso.KindSession, CreatedAt: now, ExpiresAt: now.Add(time.Hour), IP: "192.0.2.17",
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	}
}

// BenchmarkSessionToken is the cost of each request with a session cookie. The context
// can be cancelled, like that of each request.
func BenchmarkSessionToken(b *testing.B) {
	s, tokens := benchStore(b)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	lookUp := func(i int) {
		if _, err := s.SessionToken(ctx, tokens[i*7919%len(tokens)]); err != nil {
			b.Error(err)
		}
	}
	b.Run("one by one", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			lookUp(i)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				lookUp(i)
			}
		})
	})
}

// BenchmarkSessionTokenWithGroups compares, by turns, lookups of a session with 40 groups
// and of one without. The metric "of-without" is the rate of the first divided by the
// rate of the second.
func BenchmarkSessionTokenWithGroups(b *testing.B) {
	var groups []string
	for i := range 40 {
		groups = append(groups, fmt.Sprintf("department-%d", i))
	}
	const batch = 200
	burst := func(s *Store, tokens []sso.TokenHash, from int) time.Duration {
		begun := time.Now()
		for i := from; i < from+batch; i++ {
			if _, err := s.SessionToken(b.Context(), tokens[i*7919%len(tokens)]); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(begun)
	}
	with, withTokens := benchStore(b, groups...)
	without, withoutTokens := benchStore(b)
	var some, none time.Duration
	for i := 0; b.Loop(); i += batch {
		none += burst(without, withoutTokens, i)
		some += burst(with, withTokens, i)
	}
	b.ReportMetric(none.Seconds()/some.Seconds(), "of-without")
	b.ReportMetric(float64(some.Nanoseconds())/float64(b.N*batch), "ns/lookup")
}

func BenchmarkCreateSession(b *testing.B) {
	s, _ := benchStore(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		session := benchSession(fmt.Sprint("s-", i), benchUser(i%benchSessions))
		if err := s.CreateSession(b.Context(), sso.NewSession{Session: session, Token: sso.NewToken().Hash(), RemoveBefore: now}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRotateToken(b *testing.B) {
	s, tokens := benchStore(b)
	old := tokens[0]
	b.ReportAllocs()
	for b.Loop() {
		next := sso.NewToken().Hash()
		if err := s.RotateToken(b.Context(), sso.Rotation{SessionID: benchUser(0), Old: old, New: next, Successor: make([]byte, 71), Now: now, ExpiresAt: now.Add(time.Hour)}); err != nil {
			b.Fatal(err)
		}
		old = next
	}
}
