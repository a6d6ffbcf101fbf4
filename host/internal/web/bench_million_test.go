package web_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/sqlite"
	"github.com/doorward/doorward/host/internal/store/storetest"
	"github.com/doorward/doorward/host/internal/web"
)

// BenchmarkSessionChecksOfMany compares GET /users/me of users among a million with the
// same among a thousand, over loopback, without the session cache, and alternating; and
// once more while 50 users sign in every second. storetest says how many sessions there
// are. "times" is the median of the rounds' ratios.
func BenchmarkSessionChecksOfMany(b *testing.B) {
	sessions, rounds := storetest.BenchSessions(b)
	few, many := openFilled(b, 1000), openFilled(b, sessions)
	for name, logins := range map[string]int{"quiet": 0, "50 logins a second": 50} {
		b.Run(name, func(b *testing.B) {
			storetest.Compare(b, rounds, sessions, func() float64 { return few.checks(b, logins) }, func() float64 { return many.checks(b, logins) })
		})
	}
}

// filledSite is a site with many sessions, and the tokens of some, spread over the store.
type filledSite struct {
	*site
	client *http.Client
	tokens []sso.Token
}

func openFilled(b *testing.B, sessions int) filledSite {
	b.Helper()
	path := filepath.Join(b.TempDir(), "filled.db")
	empty, err := sqlite.Open(b.Context(), path, nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := empty.Close(); err != nil {
		b.Fatal(err)
	}
	if err := storetest.FillSQLite(b.Context(), path, sessions); err != nil {
		b.Fatal(err)
	}
	f := filledSite{client: &http.Client{Transport: &http.Transport{}}}
	f.handOut(b, path, sessions)
	uncached := func(s store.Store, _ func() time.Time) store.Store { return s }
	corp := directory{list: []sso.Provider{{Name: "corp", Driver: "openid", Mode: sso.ModeSession, LoginTimeout: time.Minute}}}
	f.site = newSiteOn(b, path, uncached, "", corp, func(*web.Config) {})
	f.logger.SetLevel(hclog.Info)
	b.Cleanup(f.client.CloseIdleConnections)
	return f
}

// handOut gives real tokens to some of the sessions.
func (f *filledSite) handOut(b *testing.B, path string, sessions int) {
	b.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	n := min(sessions, 20_000)
	for i := range n {
		token, old := sso.NewToken(), storetest.FilledToken(i*(sessions/n))
		hash := token.Hash()
		if _, err := tx.ExecContext(b.Context(), `UPDATE session_tokens SET hash = ? WHERE hash = ?`, hash[:], old[:]); err != nil {
			b.Fatal(err)
		}
		f.tokens = append(f.tokens, token)
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

// checks returns how long one check takes, in µs.
func (f filledSite) checks(b *testing.B, logins int) float64 {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	var others sync.WaitGroup
	if logins > 0 {
		others.Go(func() { storetest.SignIn(ctx, b, f.store, logins) })
	}
	const span = 300 * time.Millisecond
	n, begun := 0, time.Now()
	for ; time.Since(begun) < span; n++ {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, f.URL+"/users/me", nil)
		if err != nil {
			b.Fatal(err)
		}
		token := f.tokens[rand.IntN(len(f.tokens))] //nolint:gosec // nothing to guess
		req.Header.Set("Cookie", "directus_session_token="+string(token))
		resp, err := f.client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status)
		}
	}
	took := time.Since(begun)
	cancel()
	others.Wait()
	return float64(took.Microseconds()) / float64(n)
}
