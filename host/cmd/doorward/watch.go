package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/watch"
)

// pollEvery is how often --watch looks at the files. Unlike notifications, polling works
// with mounted folders and with links that change.
const pollEvery = time.Second

// watch reloads at SIGHUP, until ctx is done; then it closes the channel. With files it
// also reloads when a file of the configuration changes. Without, it only watches files
// that are renewed automatically, such as certificates.
func (r *reloader) watch(ctx context.Context, files bool) <-chan struct{} {
	done := make(chan struct{})
	watched := r.renewableFiles(ctx)
	if files {
		watched = r.configurationFiles(ctx)
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

// configurationFiles watches the files that a reload would read.
func (r *reloader) configurationFiles(ctx context.Context) *watch.Files {
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
			r.logger.Warn(fmt.Sprintf("%d %s would be removed; waiting until the file has not changed for %d s", len(removes), what, int(watch.RestBeforeRemoval.Seconds())),
				"providers", strings.Join(removes, ", "), "files", strings.Join(r.inForce().Files, ", "))
		},
		Restless: r.restless,
		Take:     func() { _, _ = r.reload(ctx, control.Reloading{}) }, // logged
	}
}

func (r *reloader) restless(before, after string) {
	r.logger.Warn(fmt.Sprintf("files keep changing; changes are applied when no file has changed for %d s", int(watch.Rest.Seconds())),
		"files", strings.Join(watch.ChangedIn(before, after), ", "))
}

// signature changes when a file that a reload would read changes.
func (r *reloader) signature() string {
	cfg := r.inForce()
	plugins, _ := filepath.Glob(filepath.Join(cfg.PluginDir, "doorward-plugin-*"))
	return watch.Signature(append(append([]string{cfg.PluginLock}, cfg.Files...), plugins...))
}
