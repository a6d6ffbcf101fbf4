package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/watch"
)

// renewableFiles watches the files with values of providers, such as certificates. The first look
// uses the signature from when the configuration was read, because a start takes a while.
func (r *reloader) renewableFiles(ctx context.Context) *watch.Files {
	first := true
	return &watch.Files{
		Signature: func() string {
			if first {
				first = false
				return r.asRead
			}
			return watch.Signature(r.inForce().RenewableFiles())
		},
		Removes:  func() []string { return nil }, // no provider is removed
		Restless: r.restless,
		Take:     func() { r.renew(ctx) },
	}
}

// renew reopens the providers whose files have changed. A file that cannot be used has no
// effect until it changes again.
func (r *reloader) renew(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	renewed, err := r.last.Renewed()
	if err != nil {
		r.logger.Warn("a changed file cannot be used; its old content stays in force", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	r.last = renewed
	r.reopen(ctx)
}

// reopenAfter is the pause before providers are reopened after a failure: a plugin may have
// been down for a moment.
const reopenAfter = time.Minute

// reopening is the result of the latest reopen.
type reopening struct {
	failed []string
	at     time.Time
}

// due reports whether it is time to try again.
func (o reopening) due(now time.Time) bool {
	return len(o.failed) > 0 && now.Sub(o.at) >= reopenAfter
}

// next returns the result after another reopen, and the failures that are not logged yet.
func (o reopening) next(failed []string, now time.Time) (next reopening, news []string) {
	for _, what := range failed {
		if !slices.Contains(o.failed, what) {
			news = append(news, what)
		}
	}
	return reopening{failed, now}, news
}

// reopenAgain calls reopen if the latest reopen failed and it is time to try again.
func (r *reloader) reopenAgain(ctx context.Context, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reopened.due(now) {
		r.reopen(ctx)
	}
}

// reopen is called with mu held. It logs a failure once.
func (r *reloader) reopen(ctx context.Context) {
	done, err := r.providers.Reopen(ctx, configured(r.last))
	if err != nil {
		return // the host is stopping
	}
	var news []string
	r.reopened, news = r.reopened.next(done.Failed, time.Now())
	for _, what := range news {
		r.logger.Error("could not be opened with the new content of its files, the old one stays in force if there is one", "what", what)
	}
	if done.Failed = nil; !done.Empty() {
		r.logger.Info("opened with the new content of certificate and secret files", "done", done.String())
	}
}
