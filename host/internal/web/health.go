package web

import (
	"context"
	"net/http"
	"sync"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/labstack/echo/v4"
)

const (
	healthTimeout  = 8 * time.Second // longer than the store waits for a lock
	healthCacheTTL = time.Second
)

// health answers /server/health: 200 while people can sign in, 503 if the store fails or
// the host is about to stop. An unavailable provider is a warning: people can still sign in
// with the others.
func (s *Server) health(c echo.Context) error {
	if s.notReady.Load() {
		return writeHealth(c, http.StatusServiceUnavailable, "stopping")
	}
	status, code := "ok", http.StatusOK
	for _, p := range s.ports.Logins.Providers() {
		if s.ports.Logins.Available(p.Name) != nil {
			status = "warn"
		}
	}
	if err := s.storage.check(c.Request().Context()); err != nil {
		status, code = "error", http.StatusServiceUnavailable
	}
	return writeHealth(c, code, status)
}

func writeHealth(c echo.Context, code int, status string) error {
	c.Response().Header().Set(echo.HeaderContentType, "application/health+json")
	return c.JSON(code, map[string]string{"status": status})
}

// storeHealth checks the store at most once a second, however many ask: the check may need
// the only connection that writes, and anyone can ask.
type storeHealth struct {
	storage func(ctx context.Context) error
	sampled *sampler

	mu       sync.Mutex
	checking chan struct{} // closed when the check has ended; nil: no check is under way
	until    time.Time
	err      error
}

func (h *storeHealth) check(ctx context.Context) error {
	h.mu.Lock()
	if h.checking == nil && time.Now().Before(h.until) {
		defer h.mu.Unlock()
		return h.err
	}
	if h.checking == nil {
		h.checking = make(chan struct{})
		go h.run(h.checking) // ends with healthTimeout
	}
	answered := h.checking
	h.mu.Unlock()
	select {
	case <-answered:
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *storeHealth) run(answered chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	err := h.storage(ctx)
	if err != nil {
		h.sampled.log(hclog.Error, "", "", "store is failing", "error", oneLine(err))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil && h.err != nil {
		h.sampled.log(hclog.Info, "", "", "store works again")
	}
	h.err, h.until, h.checking = err, time.Now().Add(healthCacheTTL), nil
	close(answered)
}
