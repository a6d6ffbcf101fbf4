package main

import (
	"os"
	"path/filepath"
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

// What never rests is told by its path: changed, gone, or new.
func TestChangedIn(t *testing.T) {
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "same"), filepath.Join(dir, "a changed one"), filepath.Join(dir, "gone"), filepath.Join(dir, "new")}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range paths[:3] {
		write(path, "x")
	}
	before := signatureOf(paths)
	write(paths[1], "xx")
	write(paths[3], "x")
	if err := os.Remove(paths[2]); err != nil {
		t.Fatal(err)
	}
	if got := changedIn(before, signatureOf(paths)); !slices.Equal(got, paths[1:]) {
		t.Errorf("changed: %q", got)
	}
	if got := changedIn(before, before); got != nil {
		t.Errorf("nothing has changed, and %q", got)
	}
}

// A file that could not be read is often put right by chmod, which changes nothing in it.
func TestSignatureHasTheMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "client.key")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := signatureOf([]string{path})
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if signatureOf([]string{path}) == before {
		t.Error("chmod is no change")
	}
}
