package directory

import (
	"context"
	"errors"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// serviceAccount is the account that searches. With an empty DN, searches are anonymous,
// unless it is external.
type serviceAccount struct {
	dn       string
	password string
	external bool // by SASL EXTERNAL
	describe func(controls []ldap.Control, err error) string
	bound    func(took time.Duration)
}

// bindRefusal remembers that the directory does not accept the service account. Further
// attempts could lock it.
type bindRefusal struct {
	err         error
	until       time.Time
	consecutive int
}

const (
	firstRefusalPause   = time.Second
	longestRefusalPause = time.Minute
)

// OpenService opens a connection bound as the service account.
func (d *Directory) OpenService(ctx context.Context, s *Server) (*Connection, error) {
	if err := d.refusedLately(); err != nil {
		return nil, err
	}
	began := time.Now()
	c, err := d.Open(ctx, s)
	if err != nil || !d.service.binds() {
		return c, err
	}
	controls, err := d.BindService(ctx, c)
	if err == nil {
		d.service.bound(time.Since(began))
		d.accepted(s, d.service.describe(controls, nil))
		return c, nil
	}
	c.Close()
	if IsServerFailure(err) || errors.Is(err, context.Canceled) {
		return nil, err
	}
	return nil, d.refused(d.service.describe(controls, err))
}

// by names the credentials of the account as the options do.
func (a serviceAccount) by() string {
	if a.external {
		return "sasl_external"
	}
	return "bind_dn with bind_password"
}

func (a serviceAccount) binds() bool { return a.dn != "" || a.external }

// BindService binds a connection as the service account, and returns the response controls.
func (d *Directory) BindService(ctx context.Context, c *Connection) ([]ldap.Control, error) {
	if d.service.external {
		return nil, c.BindExternal(ctx)
	}
	return c.Bind(ctx, d.service.dn, d.service.password)
}

func (d *Directory) refusedLately() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now().Before(d.refusal.until) {
		return d.refusal.err
	}
	return nil
}

// warnAgain is how often the log repeats the message of the password policy.
const warnAgain = 12 * time.Hour

// accepted stores the message that came with the bind, and logs it from time to time, so that
// the operator can set a new password in time.
func (d *Directory) accepted(s *Server, word string) {
	d.mu.Lock()
	now := d.now()
	warn := word != "" && (d.policyMessage == "" || now.Sub(d.warned) >= warnAgain)
	d.refusal, d.policyMessage = bindRefusal{}, word
	if warn {
		d.warned = now
	}
	d.mu.Unlock()
	if warn {
		d.logger.Warn("the directory accepts bind_dn and says: "+word, "server", s.String(), "bind_dn", d.service.dn)
	}
}

// policyMessageAtBind is what the directory said when it last accepted the service account.
func (d *Directory) policyMessageAtBind() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.policyMessage
}

// refused returns an error for the operator. All callers get the same error until the pause
// is over.
func (d *Directory) refused(why string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	pause := min(longestRefusalPause, firstRefusalPause<<min(d.refusal.consecutive, 10))
	d.refusal = bindRefusal{
		consecutive: d.refusal.consecutive + 1,
		until:       d.now().Add(pause),
		err: sdk.Misconfigured(ReasonServiceBind,
			"the directory does not accept %s: %s. Doorward tries again in %v", d.service.by(), why, pause),
	}
	return d.refusal.err
}
