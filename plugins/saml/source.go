package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/doorward/doorward/sdk"
)

const (
	// retryAfter is how long a failed load is not tried again by a login: a
	// provider that is down is asked once in that time, not once per login.
	retryAfter = 5 * time.Second

	// renewEvery bounds how often a signature that no key verifies makes us read
	// the metadata anew. Anybody can send one.
	renewEvery = 30 * time.Second

	// retryMin and retryMax bound how long the background waits after a failure.
	retryMin = 10 * time.Second
	retryMax = 10 * time.Minute

	// minFresh is the least time that metadata is kept, whatever its
	// cacheDuration says.
	minFresh = time.Minute
)

// source keeps what is known of the provider up to date: a goroutine of its own
// loads the metadata at once and whenever it gets old, until close. While loading
// fails, the last good one serves on, for as long as its validUntil allows.
type source struct {
	// load does not see that a caller went away, because others wait for it, too.
	// It must end by itself.
	load    func(ctx context.Context) (*provider, error)
	refresh time.Duration
	now     func() time.Time
	logger  *slog.Logger

	base context.Context // of all loads, until close
	stop context.CancelFunc
	done chan struct{} // closed when the goroutine has ended

	mu        sync.Mutex
	current   *provider // nil until the first good load
	loadedAt  time.Time
	failure   error // of the latest load
	failedAt  time.Time
	renewedAt time.Time
	loading   chan struct{} // closed when the load under way ends; nil if none is
}

// fixed is a source of metadata that is given as text.
func fixed(p *provider, now func() time.Time) *source {
	return &source{
		load: func(context.Context) (*provider, error) { return p, nil },
		now:  now, current: p, loadedAt: now(),
		base: context.Background(), stop: func() {},
	}
}

// start begins to keep the source up to date.
func (s *source) start() {
	s.base, s.stop = context.WithCancel(context.Background())
	s.done = make(chan struct{})
	go s.keepFresh(s.base)
}

// close ends the goroutine and waits for it.
func (s *source) close() {
	s.stop()
	if s.done != nil {
		<-s.done
	}
}

func (s *source) keepFresh(ctx context.Context) {
	defer close(s.done)
	wait := retryMin
	for {
		if err := s.reload(ctx); err != nil {
			s.logger.Warn("metadata of the provider cannot be read; the last good one serves on, if there is one", "error", err)
			wait = min(2*wait, retryMax)
		} else {
			wait = retryMin
		}
		timer := time.NewTimer(s.untilNext(wait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// untilNext is how long the background waits: until the metadata gets old, or
// after a failure, for what is given.
func (s *source) untilNext(afterFailure time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return afterFailure
	}
	fresh := s.refresh
	if s.current.cacheFor > 0 {
		fresh = min(fresh, s.current.cacheFor)
	}
	if !s.current.validUntil.IsZero() {
		fresh = min(fresh, s.current.validUntil.Sub(s.now())/2)
	}
	return max(fresh, minFresh)
}

// get returns the provider. Before the first good load it waits for the one under
// way, or tries one.
func (s *source) get(ctx context.Context) (*provider, error) {
	s.mu.Lock()
	p, failure := s.current, s.failure
	failing := failure != nil && s.now().Sub(s.failedAt) < retryAfter
	s.mu.Unlock()
	if p != nil && p.checkValid(s.now()) == nil {
		return p, nil
	}
	if failing {
		return nil, failure
	}
	if err := s.reload(ctx); err != nil {
		return nil, err
	}
	return s.valid()
}

func (s *source) valid() (*provider, error) {
	s.mu.Lock()
	p := s.current
	s.mu.Unlock()
	return p, p.checkValid(s.now())
}

// renew loads although the metadata is fresh, but not more often than renewEvery.
// It reports whether there is another one now.
func (s *source) renew(ctx context.Context) (*provider, bool) {
	s.mu.Lock()
	before := s.current
	due := s.done != nil && s.now().Sub(s.renewedAt) >= renewEvery
	if due {
		s.renewedAt = s.now()
	}
	s.mu.Unlock()
	if !due || s.reload(ctx) != nil {
		return before, false
	}
	after, err := s.valid()
	return after, err == nil && after != before
}

// reload runs a load, or waits for the one under way.
func (s *source) reload(ctx context.Context) error {
	s.mu.Lock()
	loading := s.loading
	mine := loading == nil
	if mine {
		loading = make(chan struct{})
		s.loading = loading
	}
	s.mu.Unlock()
	if mine {
		s.run(loading)
	}
	select {
	case <-loading:
	case <-ctx.Done():
		return sdk.Unavailable(reasonNotInTime, "waiting for the metadata of the provider: %w", context.Cause(ctx))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

func (s *source) run(done chan struct{}) {
	var p *provider
	err := sdk.Unavailable(reasonNotInTime, "reading the metadata of the provider did not come to an end")
	// Deferred, so that a panic while loading does not lock out everybody else.
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("reading the metadata of the provider: %v", fault)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.settle(p, err)
		s.loading = nil
		close(done)
	}()
	p, err = s.load(s.base)
}

// settle is called with mu held.
func (s *source) settle(p *provider, err error) {
	s.failure = err
	if err != nil {
		s.failedAt = s.now()
		return
	}
	s.current, s.loadedAt = p, s.now()
}

// state tells when the metadata was read, and what went wrong since.
func (s *source) state() (loadedAt time.Time, failure error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loadedAt, s.failure
}

// fetched is metadata as it came, with the provider's clock.
type fetched struct {
	body []byte
	date time.Time // zero if the server does not say
}

func fetch(ctx context.Context, client *http.Client, url string) (fetched, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fetched{}, fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Accept", "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1")
	resp, err := client.Do(req)
	if err != nil {
		return fetched{}, sdk.Unavailable(reasonMetadataUnreachable, "reading idp_metadata_url: %s", quoted(err.Error()))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fetched{}, sdk.Unavailable(reasonMetadataUnreachable, "reading idp_metadata_url: %s", quoted(err.Error()))
	}
	if location := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && location != "" {
		return fetched{}, sdk.Unavailable(reasonMetadataStatus, "idp_metadata_url leads on to %q, and redirects are not followed: write that URL, if you trust it", shown(location))
	}
	if resp.StatusCode != http.StatusOK {
		return fetched{}, sdk.Unavailable(reasonMetadataStatus, "idp_metadata_url answers with the status %d", resp.StatusCode)
	}
	date, _ := http.ParseTime(resp.Header.Get("Date"))
	return fetched{body: body, date: date}, nil
}
