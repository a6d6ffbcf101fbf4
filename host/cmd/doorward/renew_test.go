package main

import (
	"slices"
	"testing"
	"time"
)

// What failed is tried again each minute until it works, and said once.
func TestReopening(t *testing.T) {
	begun := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var o reopening
	if o.due(begun) {
		t.Error("due although nothing failed")
	}
	for _, step := range []struct {
		at           time.Duration
		due          bool
		failed, news []string
	}{
		{0, false, []string{"a: down"}, []string{"a: down"}},
		{59 * time.Second, false, nil, nil},
		{60 * time.Second, true, []string{"a: down"}, nil},
		{119 * time.Second, false, nil, nil},
		{120 * time.Second, true, []string{"a: down", "b: down"}, []string{"b: down"}},
		{180 * time.Second, true, []string{}, nil},
		{time.Hour, false, []string{"a: down"}, []string{"a: down"}}, // a file has changed once more
	} {
		now := begun.Add(step.at)
		if o.due(now) != step.due {
			t.Errorf("after %v: due is %v", step.at, !step.due)
		}
		if step.failed == nil {
			continue
		}
		var news []string
		if o, news = o.next(step.failed, now); !slices.Equal(news, step.news) {
			t.Errorf("after %v: told %q, want %q", step.at, news, step.news)
		}
	}
}
