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
	if _, ok := now.routes[name]; !ok && name != "" {
		return nil, fmt.Errorf("%w %q; the configured ones: %s", sso.ErrUnknownProvider, name, now.names())
	}
	var all []Checked
	for _, c := range now.order {
		if name == "" || c.Name == name {
			all = append(all, check(ctx, c, now.routes[c.Name]))
		}
	}
	return all, nil
}

func check(ctx context.Context, c Configured, to connected) Checked {
	checked := Checked{Provider: c.Name, Plugin: to.slot.name}
	findings, err := to.Check(ctx)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		checked.add(sdk.SeverityOK, "provider", "it is open; the plugin has no check of its own")
	case err != nil:
		for _, line := range explain(c, err) {
			checked.add(sdk.SeverityError, "provider", line)
		}
	default:
		checked.Findings = findings
		to.route.remember(findings)
	}
	return checked
}

func (c *Checked) add(severity sdk.Severity, subject, text string) {
	c.Findings = append(c.Findings, sdk.Finding{Severity: severity, Subject: subject, Text: text})
}

// remember keeps when something expires, for the metrics.
func (r *route) remember(findings []sdk.Finding) {
	expiries := map[string]time.Time{}
	for _, f := range findings {
		if before, ok := expiries[f.Subject]; !f.ExpiresAt.IsZero() && (!ok || f.ExpiresAt.Before(before)) {
			expiries[f.Subject] = f.ExpiresAt
		}
	}
	r.expiries.Store(&expiries)
}

const (
	firstLook   = time.Minute // after the start, when everything has settled
	lookAgain   = 12 * time.Hour
	lookTimeout = 5 * time.Minute
)

// WatchExpiry checks the providers now and then, until ctx is done, and warns of
// what expires within sdk.WarnBeforeExpiry.
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
		to := now.routes[c.Name]
		if t := to.route.target.Load(); t.provider == nil || !slices.Contains(t.provider.Capabilities(), sdk.CapabilityCheck) {
			continue
		}
		for _, f := range check(ctx, c, to).Findings {
			if left := time.Until(f.ExpiresAt); !f.ExpiresAt.IsZero() && left < sdk.WarnBeforeExpiry {
				p.config.Logger.Warn("something that a provider depends on expires soon", "provider", c.Name,
					"subject", f.Subject, "expires", f.ExpiresAt.UTC().Format(time.RFC3339), "days_left", int(left.Hours()/24))
			}
		}
	}
}
