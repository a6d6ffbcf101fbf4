package directory

import (
	"context"
	"errors"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// serviceAccount is who searches. With an empty name the searches are anonymous, unless
// it is external.
type serviceAccount struct {
	dn       string
	password string
	external bool // by SASL EXTERNAL
	describe func(controls []ldap.Control, err error) string
	bound    func(took time.Duration)
}

// bindRefusal remembers that the directory does not accept the service account. Each
// try more could lock it.
type bindRefusal struct {
	err         error
	until       time.Time
	consecutive int
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

// by is what the account shows, as the options call it.
func (a serviceAccount) by() string {
	if a.external {
		return "sasl_external"
	}
	return "bind_dn with bind_password"
}

func (a serviceAccount) binds() bool { return a.dn != "" || a.external }

// BindService makes a connection act as the service account, and returns what came along.
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

// warnAgain is how often the log repeats what the password policy says.
const warnAgain = 12 * time.Hour

// accepted keeps the word that came along with the bind, and logs it now and then: the
// operator has some time left to set a new password.
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
		d.logger.Warn("the directory lets bind_dn in, and says: "+word, "server", s.String(), "bind_dn", d.service.dn)
	}
}

// policyMessageAtBind is what the directory said when it last let the service account in.
func (d *Directory) policyMessageAtBind() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.policyMessage
}

// refused makes an error for the operator, and the same one for all who come until
// the pause is over.
func (d *Directory) refused(why string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	pause := min(longestRefusalPause, firstRefusalPause<<min(d.refusal.consecutive, 10))
	d.refusal = bindRefusal{
		consecutive: d.refusal.consecutive + 1,
		until:       d.now().Add(pause),
		err: sdk.Misconfigured(ReasonServiceBind,
			"the directory does not accept %s: %s. It is tried again in %v", d.service.by(), why, pause),
	}
	return d.refusal.err
}
