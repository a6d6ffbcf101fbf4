package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// Checked is what a check of one provider found.
type Checked struct {
	Provider string        `json:"provider"`
	Plugin   string        `json:"plugin"`
	Findings []sdk.Finding `json:"findings"`
}

// Check asks the mechanism of a provider, or of each one if the name is empty, what
// is wrong with it. A provider that cannot be asked has a finding that says why.
func (p *Providers) Check(ctx context.Context, name string) ([]Checked, error) {
	now := p.now.Load()
	if _, ok := now.handles[name]; !ok && name != "" {
		return nil, fmt.Errorf("%w %q; the configured ones: %s", sso.ErrUnknownProvider, name, now.names())
	}
	var all []Checked
	for _, c := range now.order {
		if name == "" || c.Name == name {
			all = append(all, check(ctx, c, now.handles[c.Name]))
		}
	}
	return all, nil
}

func check(ctx context.Context, c Configured, h *handle) Checked {
	checked := Checked{Provider: c.Name, Plugin: h.backend.name}
	findings, err := h.findings(ctx)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		checked.add(sdk.SeverityOK, "provider", "it is open; the plugin has no check of its own")
	case err != nil:
		for _, line := range explain(c, err) {
			checked.add(sdk.SeverityError, "provider", line)
		}
	default:
		checked.Findings = findings
		h.remember(findings)
	}
	return checked
}

// findings waits for its turn, as a login does: a check asks the provider, too.
func (h *handle) findings(ctx context.Context) ([]sdk.Finding, error) {
	done, err := h.turn(ctx, sso.LineOthers)
	if err != nil {
		return nil, err
	}
	defer done()
	return (&mechanism{handle: h}).Check(ctx)
}

func (c *Checked) add(severity sdk.Severity, subject, text string) {
	c.Findings = append(c.Findings, sdk.Finding{Severity: severity, Subject: subject, Text: text})
}

// remember keeps when something expires, for the metrics.
func (h *handle) remember(findings []sdk.Finding) {
	expiries := map[string]time.Time{}
	for _, f := range findings {
		if before, ok := expiries[f.Subject]; !f.ExpiresAt.IsZero() && (!ok || f.ExpiresAt.Before(before)) {
			expiries[f.Subject] = f.ExpiresAt
		}
	}
	h.expiries.Store(&expiries)
}

const (
	firstLook   = time.Minute // after the start, when everything has settled
	lookAgain   = 12 * time.Hour
	warnBefore  = 30 * 24 * time.Hour
	lookTimeout = 5 * time.Minute
)

// WatchExpiry checks the providers now and then, until ctx is done, and warns of
// what expires within 30 days.
func (p *Providers) WatchExpiry(ctx context.Context) {
	timer := time.NewTimer(firstLook)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			p.warnOfExpiry(ctx)
			timer.Reset(lookAgain)
		}
	}
}

func (p *Providers) warnOfExpiry(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	now := p.now.Load()
	for _, c := range now.order {
		h := now.handles[c.Name]
		if e := h.current.Load(); !e.open() || !slices.Contains(e.provider.Capabilities(), sdk.CapabilityCheck) {
			continue
		}
		for _, f := range check(ctx, c, h).Findings {
			if left := time.Until(f.ExpiresAt); !f.ExpiresAt.IsZero() && left < warnBefore {
				p.config.Logger.Warn("something that a provider depends on expires soon", "provider", c.Name,
					"subject", f.Subject, "expires", f.ExpiresAt.UTC().Format(time.RFC3339), "days_left", int(left.Hours()/24))
			}
		}
	}
}
