package codeflow

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/doorward/doorward/sdk"
)

func tokensOf(access string) Tokens { return Tokens{Token: &oauth2.Token{AccessToken: access}} }

func unspent(Tokens) bool { return false }

func newRenewals(t *testing.T, now func() time.Time) *Renewals {
	t.Helper()
	r := NewRenewals(now)
	t.Cleanup(r.Close)
	return r
}

func TestRenewals(t *testing.T) {
	var clock atomic.Int64
	now := func() time.Time { return time.Unix(clock.Load(), 0) }
	var asked atomic.Int64
	renew := func(context.Context) (Tokens, error) {
		return tokensOf(string(rune('a' + asked.Add(1)))), nil
	}
	t.Run("what came of it serves for a while", func(t *testing.T) {
		r := newRenewals(t, now)
		asked.Store(0)
		one, err1 := r.Do(t.Context(), "rt", unspent, renew)
		two, err2 := r.Do(t.Context(), "rt", unspent, renew)
		if err1 != nil || err2 != nil || one.AccessToken != two.AccessToken || asked.Load() != 1 {
			t.Errorf("%q and %q after %d questions, %v %v", one.AccessToken, two.AccessToken, asked.Load(), err1, err2)
		}
		if _, err := r.Do(t.Context(), "another", unspent, renew); err != nil || asked.Load() != 2 {
			t.Errorf("another token: %d questions, %v", asked.Load(), err)
		}
		clock.Add(int64(keepRenewal / time.Second))
		if _, err := r.Do(t.Context(), "rt", unspent, renew); err != nil || asked.Load() != 3 {
			t.Errorf("later: %d questions, %v", asked.Load(), err)
		}
	})
	t.Run("what is spent does not serve", func(t *testing.T) {
		r := newRenewals(t, now)
		asked.Store(0)
		one, err := r.Do(t.Context(), "rt", unspent, renew)
		if err != nil {
			t.Fatal(err)
		}
		two, err := r.Do(t.Context(), "rt", func(t Tokens) bool { return t.AccessToken == one.AccessToken }, renew)
		if err != nil || two.AccessToken == one.AccessToken {
			t.Errorf("%q again, %v", two.AccessToken, err)
		}
	})
	t.Run("a failure is forgotten", func(t *testing.T) {
		r := newRenewals(t, now)
		failure := errors.New("down")
		if _, err := r.Do(t.Context(), "rt", unspent, func(context.Context) (Tokens, error) { return Tokens{}, failure }); !errors.Is(err, failure) {
			t.Errorf("%v", err)
		}
		if _, err := r.Do(t.Context(), "rt", unspent, renew); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
	t.Run("it goes on without whoever came first", func(t *testing.T) {
		r := newRenewals(t, now)
		begun, release := make(chan struct{}), make(chan struct{})
		ctx, leave := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			_, err := r.Do(ctx, "rt", unspent, func(own context.Context) (Tokens, error) {
				close(begun)
				<-release
				return tokensOf("at"), own.Err()
			})
			if !errors.Is(err, sdk.ErrUnavailable) {
				t.Errorf("the caller that left: %v", err)
			}
		})
		<-begun
		leave()
		group.Wait()
		close(release)
		got, err := r.Do(t.Context(), "rt", unspent, func(context.Context) (Tokens, error) {
			t.Error("asked a second time")
			return Tokens{}, nil
		})
		if err != nil || got.AccessToken != "at" {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("Close breaks it off", func(t *testing.T) {
		r := NewRenewals(now)
		begun := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() {
			_, err := r.Do(t.Context(), "rt", unspent, func(own context.Context) (Tokens, error) {
				close(begun)
				<-own.Done()
				return Tokens{}, own.Err()
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
		<-begun
		r.Close()
		group.Wait()
	})
	t.Run("it does not grow without end", func(t *testing.T) {
		r := newRenewals(t, now)
		for i := range 2 * maxRenewals {
			if _, err := r.Do(t.Context(), string(rune(i+0x100)), unspent, renew); err != nil {
				t.Fatal(err)
			}
		}
		if len(r.list) > maxRenewals {
			t.Errorf("%d are kept", len(r.list))
		}
	})
}
