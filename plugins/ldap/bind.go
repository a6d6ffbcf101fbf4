package main

import (
	"context"
	"time"

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
func verify(ctx context.Context, d *directory, dn, password string, now time.Time, then func(context.Context, *connection, standing) error) (verdict, error) {
	var v verdict
	err := d.try(ctx, func(ctx context.Context, s *server) error {
		c, err := d.open(ctx, s)
		if err != nil {
			return err
		}
		defer c.close()
		v, err = bindAs(ctx, c, dn, password, now)
		if err == nil && v.right && then != nil {
			err = then(ctx, c, v.standing)
		}
		return err
	})
	return v, refusal(err)
}

// bindAs binds and judges the answer. The error is for an answer that says nothing
// about the password.
func bindAs(ctx context.Context, c *connection, dn, password string, now time.Time) (verdict, error) {
	controls, err := c.bind(ctx, dn, password)
	s := bindStanding(err, controls, now)
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

// concealed makes a wrong password of what others may learn.
func (v verdict) concealed() verdict {
	if !v.right && v.standing.unproven {
		return verdict{}
	}
	return v
}
