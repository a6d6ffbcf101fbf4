package main

import (
	"context"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// checkServicePassword reports how long bind_dn can still be used, according to the answer to
// its bind and to its own entry: Active Directory says it only in the entry.
func (m *mechanism) checkServicePassword(ctx context.Context, c *directory.Connection, bound account.Status) []sdk.Finding {
	const subject = "bind_password"
	s := bound
	if e, ok := m.serviceEntry(ctx, c); ok {
		s = account.Worst(bound, account.StatusOf(e, m.now(), m.options.IgnoreShadow))
	}
	word := account.ServiceWarning(s)
	if word == "" {
		return nil
	}
	f := upstream.Fine(subject, "the directory accepts bind_dn; %s", word)
	switch f.ExpiresAt = s.PasswordExpires; {
	case !s.Good():
		f.Severity, f.ExpiresAt = sdk.SeverityWarning, m.now()
	case s.PasswordExpires.Sub(m.now()) < sdk.WarnBeforeExpiry:
		f.Severity = sdk.SeverityWarning
	}
	return []sdk.Finding{f}
}

// serviceEntry reads the entry of bind_dn on its own connection, if the directory allows it.
func (m *mechanism) serviceEntry(ctx context.Context, c *directory.Connection) (directory.Entry, bool) {
	if m.options.SASLExternal {
		return directory.Entry{}, false // its DN is not known
	}
	bases := []string{m.options.BindDN}
	q := directory.Query{Scope: ldap.ScopeBaseObject, Filter: "(objectClass=*)", Attributes: account.AccountAttributes, Limit: 1}
	if filter, ok := account.LogonNameFilter(m.options.BindDN); ok {
		bases, q.Scope, q.Filter = m.options.userBases(), ldap.ScopeWholeSubtree, filter
	}
	found, err := c.SearchUnder(ctx, bases, q)
	if err != nil || len(found) != 1 {
		return directory.Entry{}, false
	}
	return found[0], true
}
