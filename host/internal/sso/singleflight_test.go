package sso

import (
	"context"
	"errors"
	"testing"
)

// Callers share one answer. When the first goes away, the others still get it; when all
// have gone, the call is cancelled, and later callers start another one.
func TestFlightsAreGivenUpByTheLast(t *testing.T) {
	var f singleflight[string]
	asked, answers := make(chan context.Context, 1), make(chan string)
	ask := func(waiting context.Context) (string, error) {
		asked <- waiting
		select {
		case answer := <-answers:
			return answer, nil
		case <-waiting.Done():
			<-answers // gives up slowly
			return "", waiting.Err()
		}
	}
	type result struct {
		answer string
		err    error
	}
	call := func(ctx context.Context) <-chan result {
		ended := make(chan result, 1)
		go func() {
			answer, err := f.do(ctx, "key", ask)
			ended <- result{answer, err}
		}()
		return ended
	}
	callers := func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.byKey["key"].waiting
	}
	await := func(n int) {
		t.Helper()
		for callers() != n {
			if t.Context().Err() != nil {
				t.Fatal("the test is over")
			}
		}
	}
	one, oneGoes := context.WithCancel(t.Context())
	two, twoGoes := context.WithCancel(t.Context())

	first := call(one)
	waiting := <-asked
	second := call(t.Context())
	await(2)
	oneGoes()
	await(1)
	if waiting.Err() != nil {
		t.Error("given up while another waits")
	}
	answers <- "shared"
	if got := <-second; got.answer != "shared" || got.err != nil {
		t.Errorf("the second: %+v", got)
	}
	<-first

	third := call(two)
	waiting = <-asked
	twoGoes()
	<-waiting.Done()
	late := call(t.Context()) // joins a call that is cancelled
	await(1)
	answers <- ""
	if got := <-third; !errors.Is(got.err, context.Canceled) {
		t.Errorf("who gave up: %+v", got)
	}
	<-asked // asks again
	answers <- "fresh"
	if got := <-late; got.answer != "fresh" || got.err != nil {
		t.Errorf("who came later: %+v", got)
	}
}
