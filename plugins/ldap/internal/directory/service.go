package directory

import (
	"context"
	"errors"
	"time"

	"github.com/doorward/doorward/sdk"
)

// serviceAccount is who searches. With an empty name the searches are anonymous.
type serviceAccount struct {
	dn       string
	password string
}

// bindRefusal remembers that the directory does not accept the service account. Each
// try more could lock it.
type bindRefusal struct {
	err   error
	until time.Time
	inRow int
}

const (
	firstRefusalPause   = time.Second
	longestRefusalPause = time.Minute
)

// OpenService makes a connection that acts as the service account.
func (d *Directory) OpenService(ctx context.Context, s *Server) (*Connection, error) {
	if err := d.refusedLately(); err != nil {
		return nil, err
	}
	c, err := d.dialer.open(ctx, s)
	if err != nil || d.service.dn == "" {
		return c, err
	}
	_, err = c.Bind(ctx, d.service.dn, d.service.password)
	if err == nil {
		d.accepted()
		return c, nil
	}
	c.Close()
	if IsServerFailure(err) || errors.Is(err, context.Canceled) {
		return nil, err
	}
	return nil, d.refused(err)
}

func (d *Directory) refusedLately() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now().Before(d.refusal.until) {
		return d.refusal.err
	}
	return nil
}

func (d *Directory) accepted() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refusal = bindRefusal{}
}

// refused makes an error for the operator, and the same one for all who come until
// the pause is over.
func (d *Directory) refused(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	pause := min(longestRefusalPause, firstRefusalPause<<min(d.refusal.inRow, 10))
	d.refusal = bindRefusal{
		inRow: d.refusal.inRow + 1,
		until: d.now().Add(pause),
		err: sdk.Misconfigured(ReasonServiceBind,
			"the directory does not accept bind_dn with bind_password (%s): has the password changed or expired? It is tried again in %v", Describe(err), pause),
	}
	return d.refusal.err
}
