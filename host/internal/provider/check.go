package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/redact"
)

// Checked is the result of the check of one provider. Programs read its JSON.
type Checked struct {
	Provider string        `json:"provider"`
	Plugin   string        `json:"plugin"`
	Pending  Pending       `json:"pending,omitempty"`
	Findings []sdk.Finding `json:"findings"` // in the order in which they are shown

	// As is the provider as it was checked. It has no name if it could not be opened.
	As sso.Provider `json:"-"`
}

// Pending says how the checked provider differs from the one in force; empty: they are
// the same.
type Pending string

// How a configuration differs from the one in force.
const (
	PendingAdded   Pending = "added"
	PendingChanged Pending = "changed"
	PendingRemoved Pending = "removed" // the provider in force was checked
)

// CheckConfigured is Check for these providers, as a reload would apply them. Providers
// that are not in force are opened on trial and closed again.
func (p *Providers) CheckConfigured(ctx context.Context, configured []Configured, name string) ([]Checked, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.life, cancel)() // a stopping host does not wait for it
	t, err := p.try(ctx, configured)
	if err != nil {
		return nil, err
	}
	defer t.end()
	gone := slices.DeleteFunc(slices.Clone(t.before.order), func(c Configured) bool {
		return slices.ContainsFunc(configured, func(now Configured) bool { return now.Name == c.Name })
	})
	all := append(
		sideBySide(named(configured, name), func(c Configured) Checked { return t.check(ctx, c) }),
		sideBySide(named(gone, name), func(c Configured) Checked {
			checked := check(ctx, c, t.before.handles[c.Name])
			checked.Pending = PendingRemoved
			return checked
		})...)
	if len(all) == 0 && name != "" {
		return nil, fmt.Errorf("%w %q; the configured ones: %s", sso.ErrUnknownProvider, name, namesOf(configured))
	}
	return p.alsoRegister(all), nil
}

// check checks a provider as it would be after a reload.
func (t *trial) check(ctx context.Context, c Configured) Checked {
	before, known := t.before.configured(c.Name)
	checked := Checked{Provider: c.Name, Plugin: c.pluginName()}
	switch {
	case !known:
		checked.Pending = PendingAdded
	case !sameConfigured(before, c):
		checked.Pending = PendingChanged
	}
	switch provider, err := t.opened[c.Name], t.failed[c.Name]; {
	case err != nil:
		checked.refuse(c, err)
	case provider != nil:
		ctx, cancel := context.WithTimeout(ctx, sdk.Call(sdk.CapabilityCheck).Deadline())
		defer cancel()
		in := t.in[c.Name]
		checked.As = c.provider(&in.Description)
		findings, err := provider.Check(ctx)
		checked.found(c, findings, translate(err))
		checked.certificates(c)
		checked.weakSecrets(c, in)
	default:
		inForce := check(ctx, c, t.before.handles[c.Name])
		checked.Findings, checked.As = inForce.Findings, inForce.As
	}
	return checked
}

// Check asks the mechanism of a provider, or of each provider if the name is empty, for
// problems. A provider that cannot be asked has a finding that says why.
func (p *Providers) Check(ctx context.Context, name string) ([]Checked, error) {
	now := p.now.Load()
	if _, ok := now.handles[name]; !ok && name != "" {
		return nil, fmt.Errorf("%w %q; the configured ones: %s", sso.ErrUnknownProvider, name, namesOf(now.order))
	}
	return p.alsoRegister(sideBySide(named(now.order, name), func(c Configured) Checked { return check(ctx, c, now.handles[c.Name]) })), nil
}

// named returns the provider with that name, or all providers if the name is empty.
func named(list []Configured, name string) []Configured {
	return slices.DeleteFunc(slices.Clone(list), func(c Configured) bool { return name != "" && c.Name != name })
}

// checkedAtOnce bounds how many providers are checked at the same time. A provider that
// hangs must not use up the time of the others.
const checkedAtOnce = 8

func sideBySide(list []Configured, check func(Configured) Checked) []Checked {
	all := make([]Checked, len(list))
	turns := make(chan struct{}, checkedAtOnce)
	var group sync.WaitGroup
	for i, c := range list {
		turns <- struct{}{}
		group.Go(func() {
			all[i] = check(c)
			<-turns
		})
	}
	group.Wait()
	return all
}

func check(ctx context.Context, c Configured, h *handle) Checked {
	checked := Checked{Provider: c.Name, Plugin: h.backend.name}
	findings, err := h.findings(ctx)
	checked.found(c, findings, err)
	checked.certificates(c)
	if h.available() == nil {
		checked.As = c.provider(h.backend.described.Load())
	}
	if err == nil || errors.Is(err, errors.ErrUnsupported) {
		h.remember(checked.Findings)
	}
	checked.weakSecrets(c, h.current.Load().process)
	return checked
}

// findings waits for its turn as a login does, because a check asks the provider, too.
func (h *handle) findings(ctx context.Context) ([]sdk.Finding, error) {
	done, err := h.turn(ctx, sso.LineOthers)
	if err != nil {
		return nil, err
	}
	defer done()
	return (&mechanism{handle: h}).Check(ctx)
}

func (c *Checked) found(of Configured, findings []sdk.Finding, err error) {
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		c.add(sdk.SeverityOK, "provider", "it is open; the plugin has no check")
	case err != nil:
		c.refuse(of, err)
	default:
		c.Findings = findings
	}
}

func (c *Checked) refuse(of Configured, err error) {
	for _, line := range explain(of, err) {
		c.add(sdk.SeverityError, "provider", line)
	}
}

// weakSecrets names secrets that are short enough to be guessed.
func (c *Checked) weakSecrets(configured Configured, p *process.Process) {
	if p == nil {
		return
	}
	for _, text := range weakSecrets(configured, p.Schema) {
		c.add(sdk.SeverityWarning, "secret", text)
	}
}

// weakSecrets names them by option. A text that repeats one keeps it if it stands
// within a word.
func weakSecrets(configured Configured, schema options.Schema) (texts []string) {
	for _, name := range slices.Sorted(maps.Keys(configured.Options)) {
		secrets := options.SecretsIn(schema, map[string]any{name: configured.Options[name]})
		if slices.ContainsFunc(secrets, func(s string) bool { return s != "" && len(s) < redact.Long }) {
			texts = append(texts, configured.explained(options.Problem{Option: name, Text: fmt.Sprintf(
				"is weak: a secret of fewer than %d bytes can be guessed, and cannot be told from a word in the log", redact.Long)}))
		}
	}
	return texts
}

func (c *Checked) add(severity sdk.Severity, subject, text string) {
	c.Findings = append(c.Findings, sdk.Finding{Severity: severity, Subject: subject, Text: text})
}

// remember stores expiry times for the metrics.
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
	firstExpiryCheck   = time.Minute // after the start, when everything has settled
	expiryCheckEvery   = 12 * time.Hour
	expiryCheckTimeout = 5 * time.Minute
)

// WatchExpiry checks the providers periodically, until ctx is done, and warns of
// anything that expires within sdk.WarnBeforeExpiry.
func (p *Providers) WatchExpiry(ctx context.Context) {
	timer := time.NewTimer(firstExpiryCheck)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			p.warnOfExpiry(ctx)
			timer.Reset(expiryCheckEvery)
		}
	}
}

func (p *Providers) warnOfExpiry(ctx context.Context) {
	ctx, cancel := context.WithTimeout(sdk.Unattended(ctx), expiryCheckTimeout)
	defer cancel()
	now := p.now.Load()
	for _, c := range now.order {
		h := now.handles[c.Name]
		if !h.current.Load().open() {
			continue
		}
		for _, f := range check(ctx, c, h).Findings {
			if left := time.Until(f.ExpiresAt); expiresSoon(f, left) {
				p.config.Logger.Warn("something that a provider depends on expires soon", "provider", c.Name,
					"subject", f.Subject, "expires", f.ExpiresAt.UTC().Format(time.RFC3339), "days_left", int(left.Hours()/24))
			}
		}
	}
}

// expiresSoon reports whether to warn. For the steps of a connection, the SDK itself
// decides how long before the expiry to warn.
func expiresSoon(f sdk.Finding, left time.Duration) bool {
	return !f.ExpiresAt.IsZero() && left < sdk.WarnBeforeExpiry && (f.Step == "" || f.Severity != sdk.SeverityOK)
}
