package account

import (
	"context"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// Verdict is what a directory says about a password.
type Verdict struct {
	right    bool     // the bind succeeded
	Standing Standing // what came along with the answer
}

// Wrong reports whether there is nothing to say but that name or password are wrong.
func (v Verdict) Wrong() bool { return !v.right && v.Standing.Good() }

// Verify binds on a connection of its own: on any other, the bind would end what is
// going on there, and change who searches. Servers are tried until one answers; what
// it answers is final. If the bind succeeds, then runs on its connection; it may be
// nil.
func Verify(ctx context.Context, d *directory.Directory, dn, password string, now time.Time, then func(context.Context, *directory.Connection, Standing) error) (Verdict, error) {
	var v Verdict
	err := d.Try(ctx, func(ctx context.Context, s *directory.Server) error {
		c, err := d.Open(ctx, s)
		if err != nil {
			return err
		}
		defer c.Close()
		v, err = bindAs(ctx, c, dn, password, now)
		if err == nil && v.right && then != nil {
			err = then(ctx, c, v.Standing)
		}
		return err
	})
	return v, directory.Refusal(err)
}

// bindAs binds and judges the answer. The error is for an answer that says nothing
// about the password.
func bindAs(ctx context.Context, c *directory.Connection, dn, password string, now time.Time) (Verdict, error) {
	controls, err := c.Bind(ctx, dn, password)
	s := bindStanding(err, controls, now)
	switch {
	case err == nil:
		return Verdict{right: true, Standing: s}, nil
	case isBadCredentials(err):
		return Verdict{Standing: s}, nil
	case ldap.IsErrorWithCode(err, ldap.LDAPResultConstraintViolation): // 389 Directory Server
		return Verdict{Standing: Standing{Reason: sdk.ReasonAccountLocked, Detail: "too many wrong passwords", unproven: true}}, nil
	case ldap.IsErrorWithCode(err, ldap.LDAPResultUnwillingToPerform): // 389 Directory Server, FreeIPA
		return Verdict{Standing: Standing{Reason: sdk.ReasonAccountDisabled, Detail: "the directory is unwilling to bind it", unproven: true}}, nil
	}
	return Verdict{}, err
}

// Concealed makes a wrong password of what others may learn.
func (v Verdict) Concealed() Verdict {
	if !v.right && v.Standing.unproven {
		return Verdict{}
	}
	return v
}
