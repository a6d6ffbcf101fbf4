package main

import (
	"context"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// verdict is what a directory says about a password.
type verdict struct {
	right    bool     // the bind succeeded
	standing standing // what came along with the answer
}

// wrong reports whether there is nothing to say but that name or password are wrong.
func (v verdict) wrong() bool { return !v.right && v.standing.good() }

// verify binds on a connection of its own: on any other, the bind would end what is
// going on there, and change who searches. Servers are tried until one answers; what
// it answers is final. If the bind succeeds, then runs on its connection; it may be
// nil.
func (m *mechanism) verify(ctx context.Context, dn, password string, then func(context.Context, *connection, standing) error) (verdict, error) {
	var v verdict
	err := m.directory.try(ctx, func(ctx context.Context, s *server) error {
		c, err := m.directory.dialer.open(ctx, s)
		if err != nil {
			return err
		}
		defer c.close()
		v, err = m.bindAs(ctx, c, dn, password)
		if err == nil && v.right && then != nil {
			err = then(ctx, c, v.standing)
		}
		return err
	})
	return m.concealed(v), refusal(err)
}

// bindAs binds and judges the answer. The error is for an answer that says nothing
// about the password.
func (m *mechanism) bindAs(ctx context.Context, c *connection, dn, password string) (verdict, error) {
	controls, err := c.bind(ctx, dn, password)
	s := bindStanding(err, controls, m.now())
	switch {
	case err == nil:
		return verdict{right: true, standing: s}, nil
	case isBadCredentials(err):
		return verdict{standing: s}, nil
	case ldap.IsErrorWithCode(err, ldap.LDAPResultConstraintViolation): // 389 Directory Server
		return verdict{standing: standing{reason: sdk.ReasonAccountLocked, detail: "too many wrong passwords", unproven: true}}, nil
	case ldap.IsErrorWithCode(err, ldap.LDAPResultUnwillingToPerform): // 389 Directory Server, FreeIPA
		return verdict{standing: standing{reason: sdk.ReasonAccountDisabled, detail: "the directory is unwilling to bind it", unproven: true}}, nil
	}
	return verdict{}, err
}

// concealed makes a wrong password of what others may learn, if the operator prefers
// that.
func (m *mechanism) concealed(v verdict) verdict {
	if m.options.ConcealLockout && !v.right && v.standing.unproven {
		return verdict{}
	}
	return v
}
