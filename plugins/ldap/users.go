package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// users says which entries are end users, and what of them is read.
type users struct {
	base            string
	scope           int
	loginAttributes []string // what may be typed as the name
	filter          string   // that an entry must match, too
	netBIOSDomain   string
	read            []string // attributes
	logger          *slog.Logger
}

// maxUsername bounds what is searched for: longer names exist nowhere.
const maxUsername = 256

// isUsername refuses what stands for nobody.
func isUsername(name string) bool { return len(name) <= maxUsername && !isBlank(name) }

// errNoEntry: no entry is meant by the name, or not exactly one.
var errNoEntry = errors.New("not exactly one entry")

// byName searches for the one entry that a name means.
func (u users) byName(ctx context.Context, search searcher, username string) (entry, error) {
	if !isUsername(username) {
		return entry{}, errNoEntry
	}
	return u.one(ctx, search, u.base, u.scope, u.nameFilter(username))
}

// byDN reads one entry, if it is one of the end users.
func (u users) byDN(ctx context.Context, search searcher, dn string) (entry, error) {
	return u.one(ctx, search, dn, ldap.ScopeBaseObject, u.with("(objectClass=*)"))
}

// bySubject finds an entry again by its identifier, wherever it is now; dn is where it
// was.
func (u users) bySubject(ctx context.Context, search searcher, id subject, dn string) (entry, error) {
	if id.attribute == idIsDN {
		if !isUnder(dn, u.base) {
			return entry{}, errNoEntry
		}
		return u.byDN(ctx, search, dn)
	}
	if !attributeName.MatchString(id.attribute) {
		return entry{}, errNoEntry
	}
	value, err := idFilterValue(id)
	if err != nil {
		return entry{}, errNoEntry
	}
	return u.one(ctx, search, u.base, u.scope, u.with("("+id.attribute+"="+value+")"))
}

// any asks whether there is anybody with a name to sign in by. The filter is what was
// asked.
func (u users) any(ctx context.Context, search searcher) (found bool, filter string, err error) {
	present := make([]string, len(u.loginAttributes))
	for i, name := range u.loginAttributes {
		present[i] = "(" + name + "=*)"
	}
	filter = u.with("(|" + strings.Join(present, "") + ")")
	var entries []entry
	err = search(ctx, func(c *connection) error {
		var err error
		entries, err = u.readTwo(ctx, c, u.base, u.scope, filter)
		return err
	})
	if ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		return true, filter, nil
	}
	return len(entries) > 0, filter, err
}

// nameFilter compares the name with each of the login attributes. It is escaped once
// (RFC 4515 section 3).
func (u users) nameFilter(username string) string {
	return u.with(anyOf(u.loginAttributes, ldap.EscapeFilter(u.withoutDomain(username))))
}

// withoutDomain takes the domain off a down-level logon name (DOMAIN\name). One of
// another domain stays as it is, and so is nobody's: no attribute holds such names.
func (u users) withoutDomain(username string) string {
	domain, name, ok := strings.Cut(strings.TrimSpace(username), `\`)
	if !ok || u.netBIOSDomain == "" || !strings.EqualFold(domain, u.netBIOSDomain) || isBlank(name) {
		return username
	}
	return name
}

// with adds the operator's own filter.
func (u users) with(filter string) string {
	if u.filter == "" {
		return filter
	}
	return "(&" + u.filter + filter + ")"
}

// one returns the one entry below base that matches, or errNoEntry.
func (u users) one(ctx context.Context, search searcher, base string, scope int, filter string) (entry, error) {
	var found []entry
	err := search(ctx, func(c *connection) error {
		var err error
		found, err = u.readTwo(ctx, c, base, scope, filter)
		return err
	})
	if err != nil {
		return entry{}, err
	}
	return u.theOne(found)
}

// readTwo asks for two entries, to see that there is one. A server that says that
// there are more has said enough.
func (u users) readTwo(ctx context.Context, c *connection, base string, scope int, filter string) ([]entry, error) {
	found, _, err := c.search(ctx, query{base: base, scope: scope, filter: filter, attributes: u.read, limit: 2})
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) && len(found) > 1:
		return found, nil
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) && scope == ldap.ScopeBaseObject:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return found, nil
}

// theOne refuses all but exactly one entry below the base. What a server sends beside
// the base that it was asked for is not ours to bind.
func (u users) theOne(found []entry) (entry, error) {
	if len(found) > 1 {
		u.logger.Warn("more than one entry matches a name, which signs nobody in: narrow user_filter or user_attribute",
			"first", found[0].dn, "second", found[1].dn)
	}
	if len(found) != 1 {
		return entry{}, errNoEntry
	}
	if !isUnder(found[0].dn, u.base) {
		u.logger.Warn("the directory sends an entry that is not under user_dn", "dn", found[0].dn)
		return entry{}, errNoEntry
	}
	return found[0], nil
}
