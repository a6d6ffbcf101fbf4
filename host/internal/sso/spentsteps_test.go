package sso

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestStepIsSpentOnce(t *testing.T) {
	s := newSpentSteps()
	if !s.spend("a", testStart) || s.spend("a", testStart) || !s.spend("b", testStart) || s.spend("b", testStart) {
		t.Error("a step is not spent exactly once")
	}
}

func TestStepIsRememberedAsLongAsAnAttemptLives(t *testing.T) {
	for _, after := range []time.Duration{0, 1, time.Minute, MaxLoginTimeout / 2, MaxLoginTimeout} {
		s := newSpentSteps()
		s.spend("first", testStart)
		now := testStart.Add(MaxLoginTimeout - time.Nanosecond)
		s.spend("a", now)
		for at := time.Duration(0); at < after; at += after/4 + 1 {
			s.spend(fmt.Sprint(at), now.Add(at))
		}
		if s.spend("a", now.Add(after)) {
			t.Errorf("forgotten after %v", after)
		}
	}
}

func TestSpentStepsAreForgottenInTheEnd(t *testing.T) {
	s := newSpentSteps()
	s.spend("a", testStart)
	s.spend("b", testStart.Add(MaxLoginTimeout+1))
	s.spend("c", testStart.Add(2*MaxLoginTimeout+2))
	if n := len(s.young) + len(s.old); n != 2 {
		t.Errorf("%d steps are remembered, want 2", n)
	}
}

func TestA15SpentStepsAreBounded(t *testing.T) {
	s := newSpentSteps()
	for i := range 5 * s.maxYoung {
		if !s.spend(fmt.Sprint(i), testStart) {
			t.Fatalf("step %d counts as spent", i)
		}
	}
	if n := len(s.young) + len(s.old); n > 2*s.maxYoung || n < s.maxYoung {
		t.Errorf("%d steps are remembered, want %d to %d", n, s.maxYoung, 2*s.maxYoung)
	}
	if s.spend(fmt.Sprint(5*s.maxYoung-1), testStart) {
		t.Error("the last step is forgotten")
	}
}

func TestClockThatJumpsBack(t *testing.T) {
	s := newSpentSteps()
	s.spend("a", testStart)
	if s.spend("a", testStart.Add(-time.Hour)) {
		t.Error("forgotten")
	}
}

func TestStepIsSpentOnceByMany(t *testing.T) {
	s := newSpentSteps()
	var group sync.WaitGroup
	first := make(chan int, 32)
	for i := range 32 {
		group.Go(func() {
			if s.spend("a", testStart) {
				first <- i
			}
		})
	}
	group.Wait()
	if len(first) != 1 {
		t.Errorf("spent %d times", len(first))
	}
}
