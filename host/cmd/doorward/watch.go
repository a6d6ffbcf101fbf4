package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/watch"
)

// pollEvery is how often --watch looks at the files. Looking is better than being
// told: it works with mounted folders and with links that are changed.
const pollEvery = time.Second

// watch reloads at SIGHUP, until ctx is done; then the channel is closed. With files it
// also reloads when one of them has changed; without, it takes what those hold that
// change by themselves, such as certificates.
func (r *reloader) watch(ctx context.Context, files bool) <-chan struct{} {
	done := make(chan struct{})
	watched := r.values(ctx)
	if files {
		watched = r.files(ctx)
	}
	watched.Look(time.Now())
	go func() {
		defer close(done)
		poll := time.NewTicker(pollEvery)
		defer poll.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.hangUp:
				_, _ = r.reload(ctx, control.Reloading{}) // logged
			case now := <-poll.C:
				watched.Look(now)
				r.reopenAgain(ctx, now)
			}
		}
	}()
	return done
}

// files are those that a reload would read.
func (r *reloader) files(ctx context.Context) *watch.Files {
	return &watch.Files{
		Signature: r.signature,
		Removes: func() []string {
			cfg, err := r.load()
			if err != nil {
				return nil // the reload says why
			}
			removed, _ := r.removed(cfg)
			return removed
		},
		Waits: func(removes []string) {
			what := "providers"
			if len(removes) == 1 {
				what = "provider"
			}
			r.logger.Warn(fmt.Sprintf("%d %s would be removed; waiting until the file has rested for %d s", len(removes), what, int(watch.RestBeforeRemoval.Seconds())),
				"providers", strings.Join(removes, ", "), "files", strings.Join(r.inForce().Files, ", "))
		},
		Restless: r.restless,
		Take:     func() { _, _ = r.reload(ctx, control.Reloading{}) }, // logged
	}
}

func (r *reloader) restless(before, after string) {
	r.logger.Warn(fmt.Sprintf("files change again and again, and no change of a file is taken until all have rested for %d s", int(watch.Rest.Seconds())),
		"files", strings.Join(changedIn(before, after), ", "))
}

// signature changes when a file changes that a reload would read.
func (r *reloader) signature() string {
	cfg := r.inForce()
	plugins, _ := filepath.Glob(filepath.Join(cfg.PluginDir, "doorward-plugin-*"))
	return signatureOf(append(append([]string{cfg.PluginLock}, cfg.Files...), plugins...))
}

// signatureOf changes when a file does, or the file that a link leads to, and when
// another user may read it.
func signatureOf(paths []string) string {
	var b strings.Builder
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			var stat syscall.Stat_t
			if found, ok := info.Sys().(*syscall.Stat_t); ok {
				stat = *found
			}
			fmt.Fprintf(&b, "%d,%d,%d,%s,%d,%d %s\n", info.Size(), info.ModTime().UnixNano(), stat.Ino, info.Mode(), stat.Uid, stat.Gid, path)
		}
	}
	return b.String()
}

// changedIn are the paths of which two signatures tell different things.
func changedIn(before, after string) []string {
	lines := map[string]int{}
	for line := range strings.Lines(before + after) {
		lines[line]++
	}
	var paths []string
	for line, times := range lines {
		if _, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); times == 1 && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}
