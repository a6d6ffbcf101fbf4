package directory

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Connection is one connection to one server. Only one goroutine may use it at a time.
type Connection struct {
	ldap         *ldap.Conn
	wire         *EnvelopeConn
	TLS          *tls.ConnectionState // nil in plain text
	policy       bool                 // binds request the password policy control
	limit        time.Duration        // of one operation
	used         time.Time            // when it went back into the pool
	firstTimeout time.Duration        // of the next operation, if it is the first since used
}

// newConnection takes ownership of wire.
func newConnection(wire *EnvelopeConn, state *tls.ConnectionState, limit time.Duration) *Connection {
	c := &Connection{ldap: ldap.NewConn(wire, state != nil), wire: wire, TLS: state, limit: limit}
	c.ldap.Start()
	return c
}

// Close ends the connection and its goroutines.
func (c *Connection) Close() {
	c.abort()
	_ = c.ldap.Close()
}

// abort makes pending operations fail at once.
func (c *Connection) abort() { _ = c.wire.Close() }

// broken reports whether the connection is unusable.
func (c *Connection) broken() bool {
	return c.ldap.IsClosing() || c.ldap.GetLastError() != nil || c.wire.refused() != nil
}

// within runs one operation within the limit and the context. The library does not support
// contexts, so the end of the context closes the connection.
func (c *Connection) within(ctx context.Context, doing string, operation func() error) (err error) {
	limit, caller := c.limit, ctx
	if c.firstTimeout > 0 {
		limit = min(limit, c.firstTimeout)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	c.wire.Allow(MaxOperation)
	stop := context.AfterFunc(ctx, c.abort)
	defer func() {
		if r := recover(); r != nil { // the library panicked at an unexpected message
			c.abort()
			err = fmt.Errorf("%s: %w: %v", doing, errEnvelope, r)
		}
	}()
	err = operation()
	if !stop() {
		if c.firstTimeout > 0 && caller.Err() == nil {
			return fmt.Errorf("%s: %w: %w", doing, errSilent, ctx.Err())
		}
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	c.firstTimeout = 0
	c.wire.Allow(maxSmall) // such as a notice of disconnection (RFC 4511 section 4.4.1)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, c.explain(err))
	}
	return nil
}

// explain distinguishes a result code of the server from a failure of the connection.
func (c *Connection) explain(err error) error {
	if refused := c.wire.refused(); refused != nil {
		return refused
	}
	if errors.Is(err, ldap.ErrSizeLimitExceeded) { // the server ignored the limit, and the library stopped reading
		return ldap.NewError(ldap.LDAPResultSizeLimitExceeded, errors.New("more entries than requested"))
	}
	result, ok := errors.AsType[*ldap.Error](err)
	if ok && result.ResultCode < ldap.ErrorNetwork {
		return &ldap.Error{ResultCode: result.ResultCode, Err: errorNumbersOf(result)}
	}
	// The library reports why reading ended only to a request that is waiting then. The next
	// request learns only that the connection is closed.
	if ended := c.wire.ended.Load(); ended != nil && !strings.Contains(err.Error(), (*ended).Error()) {
		err = fmt.Errorf("%w: %w", err, *ended)
	}
	return fmt.Errorf("%w: %w", errServer, err)
}

var errorNumbers = regexp.MustCompile(`^[0-9A-Fa-f]{8}:|\bdata [0-9A-Fa-f]{1,8}\b`)

// errorNumbersOf keeps only the error numbers of Active Directory from the text of a server.
// The rest can repeat the password.
func errorNumbersOf(result *ldap.Error) error {
	if result.Err == nil {
		return errors.New("no text")
	}
	return errors.New(strings.Join(errorNumbers.FindAllString(result.Err.Error(), 3), " "))
}

// Bind is a simple bind (RFC 4513 section 5.1.3), with the password policy control. It never
// sends an empty name or password, which would not authenticate anyone (sections 5.1.1 and
// 5.1.2).
func (c *Connection) Bind(ctx context.Context, dn, password string) ([]ldap.Control, error) {
	if dn == "" || password == "" {
		return nil, errors.New("binding without a name or a password does not authenticate anyone")
	}
	var asked, controls []ldap.Control
	if c.policy {
		asked = append(asked, ldap.NewControlBeheraPasswordPolicy())
	}
	err := c.within(ctx, "binding", func() error {
		result, err := c.ldap.SimpleBind(ldap.NewSimpleBindRequest(dn, password, asked))
		if result != nil {
			controls = result.Controls
		}
		return err
	})
	return controls, retryableBindError(err)
}

// BindExternal binds as the identity of the connection itself: the client certificate, or the
// account of the process on a unix socket (SASL EXTERNAL, RFC 4422 appendix A).
func (c *Connection) BindExternal(ctx context.Context) error {
	return retryableBindError(c.within(ctx, "binding by SASL EXTERNAL", c.ldap.ExternalBind))
}

// Query is a search. Aliases are not dereferenced, and referrals are not followed.
type Query struct {
	Base       string
	Scope      int
	Filter     string
	Attributes []string
	Limit      int // of entries; more are the error sizeLimitExceeded
	Controls   []ldap.Control
}

// Search returns the matching entries and the controls of the result. With sizeLimitExceeded
// (RFC 4511 section 4.5.1.4), it returns the entries received so far and the error.
func (c *Connection) Search(ctx context.Context, q Query) ([]Entry, []ldap.Control, error) {
	req := ldap.NewSearchRequest(q.Base, q.Scope, ldap.NeverDerefAliases,
		q.Limit, max(1, int(c.limit.Seconds())), false, q.Filter, q.Attributes, q.Controls)
	// The server can ignore the limit: the library then stops reading.
	req.EnforceSizeLimit = q.Limit > 0
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

// SearchUnder runs the query under each of several bases, and returns each entry once. Errors
// are as for Search, except that with the scope base a missing base is not an error.
func (c *Connection) SearchUnder(ctx context.Context, bases []string, q Query) ([]Entry, error) {
	var all []Entry
	before := map[string]bool{} // entries under the previous bases
	for _, q.Base = range bases {
		found, _, err := c.Search(ctx, q)
		found = slices.DeleteFunc(found, func(e Entry) bool { return before[e.DN] })
		all = append(all, found...)
		if q.Scope == ldap.ScopeBaseObject && ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
			continue
		}
		if err != nil {
			return all, err
		}
		for _, e := range found {
			before[e.DN] = true
		}
	}
	return all, nil
}

// Modify changes an entry (RFC 4511 section 4.6). The error begins with doing.
func (c *Connection) Modify(ctx context.Context, doing string, req *ldap.ModifyRequest) error {
	return c.within(ctx, doing, func() error { return c.ldap.Modify(req) })
}

// ChangePassword is the extended operation of RFC 3062, with the old password.
func (c *Connection) ChangePassword(ctx context.Context, dn, previous, chosen string) error {
	req := ldap.NewPasswordModifyRequest(dn, previous, chosen)
	return c.within(ctx, "changing the password", func() error {
		_, err := c.ldap.PasswordModify(req)
		return err
	})
}
