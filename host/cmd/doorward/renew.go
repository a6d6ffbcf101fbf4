package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/watch"
)

// values are the files that hold values of providers. The first look is at what was
// there when the configuration was read: a start takes a while.
func (r *reloader) values(ctx context.Context) *watch.Files {
	first := true
	return &watch.Files{
		Signature: func() string {
			if first {
				first = false
				return r.asRead
			}
			return signatureOf(r.inForce().RenewableFiles())
		},
		Removes:  func() []string { return nil }, // providers stay
		Restless: r.restless,
		Take:     func() { r.renew(ctx) },
	}
}

// renew opens the providers anew whose files hold something else now. What cannot be
// taken stays as it was until its file changes again.
func (r *reloader) renew(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	renewed, err := r.last.Renewed()
	if err != nil {
		r.logger.Warn("a file has changed, and what it holds cannot be taken; what was read before goes on", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	r.last = renewed
	r.reopen(ctx)
}

// reopenAfter is how long after a failure providers are tried again: a plugin may have
// been down for a moment.
const reopenAfter = time.Minute

// reopening is what came of the latest reopen.
type reopening struct {
	failed []string
	at     time.Time
}

// due reports whether it is time to try again what failed.
func (o reopening) due(now time.Time) bool {
	return len(o.failed) > 0 && now.Sub(o.at) >= reopenAfter
}

// next is what came of another one, and what of it nobody has been told yet.
func (o reopening) next(failed []string, now time.Time) (next reopening, news []string) {
	for _, what := range failed {
		if !slices.Contains(o.failed, what) {
			news = append(news, what)
		}
	}
	return reopening{failed, now}, news
}

// reopenAgain is reopen, if it failed and it is time.
func (r *reloader) reopenAgain(ctx context.Context, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reopened.due(now) {
		r.reopen(ctx)
	}
}

// reopen is called with mu held. A failure is said once.
func (r *reloader) reopen(ctx context.Context) {
	done, err := r.providers.Reopen(ctx, configured(r.last))
	if err != nil {
		return // the host stops
	}
	var news []string
	r.reopened, news = r.reopened.next(done.Failed, time.Now())
	for _, what := range news {
		r.logger.Error("could not be opened with what its files hold now, the old one goes on if there is one", "what", what)
	}
	if done.Failed = nil; !done.Empty() {
		r.logger.Info("opened with what the files of certificates and secrets hold now", "done", done.String())
	}
}
