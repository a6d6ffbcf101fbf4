package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// connection is one connection to one server, used by one goroutine at a time.
type connection struct {
	ldap  *ldap.Conn
	wire  *envelopeConn
	tls   *tls.ConnectionState // nil in plain text
	limit time.Duration        // of one operation
	used  time.Time            // when it went back into the pool
}

// newConnection takes over the net.Conn of wire.
func newConnection(wire *envelopeConn, state *tls.ConnectionState, limit time.Duration) *connection {
	c := &connection{ldap: ldap.NewConn(wire, state != nil), wire: wire, tls: state, limit: limit}
	c.ldap.Start()
	return c
}

// close ends the connection and its goroutines.
func (c *connection) close() {
	c.abort()
	_ = c.ldap.Close()
}

// abort makes whatever waits for the server fail at once.
func (c *connection) abort() { _ = c.wire.Close() }

// broken reports whether the connection cannot be used any more.
func (c *connection) broken() bool {
	return c.ldap.IsClosing() || c.ldap.GetLastError() != nil || c.wire.refused() != nil
}

// within runs one operation, no longer than the limit and the context. The library
// knows no contexts: the end of one closes the connection under it.
func (c *connection) within(ctx context.Context, doing string, operation func() error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	c.wire.allow(maxOperation)
	stop := context.AfterFunc(ctx, c.abort)
	defer func() {
		if r := recover(); r != nil { // of the library, at a message that it does not expect
			c.abort()
			err = fmt.Errorf("%s: %w: %v", doing, errEnvelope, r)
		}
	}()
	err = operation()
	if !stop() {
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	c.wire.allow(maxSmall) // such as a notice of disconnection (RFC 4511 section 4.4.1)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, c.explain(err))
	}
	return nil
}

// explain tells what a result code says from what never became one.
func (c *connection) explain(err error) error {
	if refused := c.wire.refused(); refused != nil {
		return refused
	}
	if errors.Is(err, ldap.ErrSizeLimitExceeded) { // the library stopped reading, the server did not keep to it
		return ldap.NewError(ldap.LDAPResultSizeLimitExceeded, errors.New("more entries than asked for"))
	}
	result, ok := errors.AsType[*ldap.Error](err)
	if ok && result.ResultCode < ldap.ErrorNetwork {
		return &ldap.Error{ResultCode: result.ResultCode, Err: toldBy(result)}
	}
	return fmt.Errorf("%w: %w", errServer, err)
}

var toldCodes = regexp.MustCompile(`^[0-9A-Fa-f]{8}:|\bdata [0-9A-Fa-f]{1,8}\b`)

// toldBy keeps the error numbers of Active Directory of what a server tells. The rest
// may repeat the password.
func toldBy(result *ldap.Error) error {
	if result.Err == nil {
		return errors.New("no text")
	}
	return errors.New(strings.Join(toldCodes.FindAllString(result.Err.Error(), 3), " "))
}

// bind is a simple bind (RFC 4513 section 5.1.3) that asks for the password
// policy's word. An empty name or password would be no authentication (sections
// 5.1.1 and 5.1.2) and is never sent.
func (c *connection) bind(ctx context.Context, dn, password string) ([]ldap.Control, error) {
	if dn == "" || password == "" {
		return nil, errors.New("binding without a name or a password proves nothing")
	}
	req := ldap.NewSimpleBindRequest(dn, password, []ldap.Control{ldap.NewControlBeheraPasswordPolicy()})
	var controls []ldap.Control
	err := c.within(ctx, "binding", func() error {
		result, err := c.ldap.SimpleBind(req)
		if result != nil {
			controls = result.Controls
		}
		return err
	})
	return controls, err
}

// query is a search. Aliases are never dereferenced, referrals never followed.
type query struct {
	base       string
	scope      int
	filter     string
	attributes []string
	limit      int // of entries; more is an error of kind sizeLimitExceeded
	controls   []ldap.Control
}

// search returns the entries that match, and the controls of the result. With
// sizeLimitExceeded (RFC 4511 section 4.5.1.4) it returns those that came, and the
// error.
func (c *connection) search(ctx context.Context, q query) ([]entry, []ldap.Control, error) {
	req := ldap.NewSearchRequest(q.base, q.scope, ldap.NeverDerefAliases,
		q.limit, max(1, int(c.limit.Seconds())), false, q.filter, q.attributes, q.controls)
	// The server may not keep to the limit: the library then stops reading.
	req.EnforceSizeLimit = q.limit > 0
	var result *ldap.SearchResult
	err := c.within(ctx, "searching", func() error {
		var err error
		result, err = c.ldap.Search(req)
		return err
	})
	if result == nil || err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		return nil, nil, err
	}
	return entriesOf(result.Entries), result.Controls, err
}
