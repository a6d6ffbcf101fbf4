package web_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/web"
)

// However many clients ask, the store is checked once a second.
func TestHealthIsAskedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		failure := errors.New("full")
		storage := func(context.Context) error {
			time.Sleep(100 * time.Millisecond)
			if asked.Add(1) == 2 {
				return failure
			}
			return nil
		}
		var logged bytes.Buffer
		health := web.NewStoreHealth(storage, hclog.New(&hclog.LoggerOptions{Output: &logged}))
		all := func(want error) {
			t.Helper()
			var group sync.WaitGroup
			for range 200 {
				group.Go(func() {
					if err := health.Ask(t.Context()); !errors.Is(err, want) {
						t.Errorf("error %v, want %v", err, want)
					}
				})
			}
			group.Wait()
		}
		all(nil)
		all(nil)
		if asked.Load() != 1 {
			t.Errorf("asked %d times", asked.Load())
		}
		time.Sleep(time.Second)
		all(failure)
		time.Sleep(time.Second)
		all(nil)
		if asked.Load() != 3 {
			t.Errorf("asked %d times", asked.Load())
		}
		if _, then, failed := strings.Cut(logged.String(), "store is failing"); !failed || strings.Count(then, "store works again") != 1 {
			t.Errorf("the log does not say when it began and ended:\n%s", logged.String())
		}
	})
}

// A client that goes away while it waits for the answer does not take it from the others.
func TestHealthOfWhoGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		health := web.NewStoreHealth(func(ctx context.Context) error {
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, hclog.NewNullLogger())
		gone, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		done := make(chan error)
		go func() { done <- health.Ask(gone) }()
		synctest.Wait()
		if err := health.Ask(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who went away: %v", err)
		}
	})
}

func TestHealth(t *testing.T) {
	s := newSite(t, "")
	a := s.browser(t).get("/server/health")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"warn"`) || a.Header.Get("Content-Type") != "application/health+json" {
		t.Errorf("with a provider that is gone: %s %s", a.Status, a.body)
	}
}
