package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
)

// Users defines which entries are users, and which attributes of them are read.
type Users struct {
	Bases           []string
	Scope           int
	LoginAttributes []string // attributes that users sign in with
	Filter          string   // that entries must also match
	NetBIOSDomain   string
	Read            []string // attributes
	Logger          *slog.Logger
}

// MaxUsername limits the names that are searched for: longer ones do not exist.
const MaxUsername = 256

// IsUsername rejects names that cannot belong to anyone.
func IsUsername(name string) bool { return len(name) <= MaxUsername && !isBlank(name) }

// isBlank reports whether a directory may treat a name as empty: it ignores spaces and
// invisible characters (RFC 4518 section 2.2).
func isBlank(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r)
	}) < 0
}

// ErrNoEntry wraps the errors for a name that matches no entry, or more than one. Users are
// not told which.
var (
	ErrNoEntry     = errors.New("not exactly one entry")
	errNone        = fmt.Errorf("%w: there is none", ErrNoEntry)
	errSeveral     = fmt.Errorf("%w: there are two or more", ErrNoEntry)
	errOutsideBase = fmt.Errorf("%w: the entry is not under user_dn", ErrNoEntry)
)

// ByName searches for the one entry of a name.
func (u Users) ByName(ctx context.Context, search directory.Searcher, username string) (directory.Entry, error) {
	if !IsUsername(username) {
		return directory.Entry{}, ErrNoEntry
	}
	return u.one(ctx, search, u.Bases, u.Scope, u.NameFilter(username))
}

// ByDN reads one entry, if it is a user.
func (u Users) ByDN(ctx context.Context, search directory.Searcher, dn string) (directory.Entry, error) {
	return u.one(ctx, search, []string{dn}, ldap.ScopeBaseObject, u.with("(objectClass=*)"))
}

// BySubject finds an entry again by its identifier, wherever it is now. dn is where it was.
func (u Users) BySubject(ctx context.Context, search directory.Searcher, id Subject, dn string) (directory.Entry, error) {
	if id.Attribute == IDIsDN {
		if !directory.IsUnderAny(dn, u.Bases) {
			return directory.Entry{}, ErrNoEntry
		}
		return u.ByDN(ctx, search, dn)
	}
	if !directory.AttributeName.MatchString(id.Attribute) {
		return directory.Entry{}, ErrNoEntry
	}
	value, err := idFilterValue(id)
	if err != nil {
		return directory.Entry{}, ErrNoEntry
	}
	return u.one(ctx, search, u.Bases, u.Scope, u.with("("+id.Attribute+"="+value+")"))
}

// ErrLimitExceeded wraps the error of Some if the search exceeds the limits of the server.
var ErrLimitExceeded = errors.New("beyond the limits of the directory")

// Some reads a few users who have a name to sign in with. It also returns the filter that it
// used.
func (u Users) Some(ctx context.Context, search directory.Searcher, most int) (found []directory.Entry, filter string, err error) {
	present := make([]string, len(u.LoginAttributes))
	for i, name := range u.LoginAttributes {
		present[i] = "(" + name + "=*)"
	}
	filter = u.with("(|" + strings.Join(present, "") + ")")
	var limitExceeded error
	err = search(ctx, func(c *directory.Connection) error {
		var err error
		found, err = c.SearchUnder(ctx, u.Bases, directory.Query{Scope: u.Scope, Filter: filter, Attributes: u.Read, Limit: most})
		if ldap.IsErrorAnyOf(err, ldap.LDAPResultSizeLimitExceeded, ldap.LDAPResultTimeLimitExceeded, ldap.LDAPResultAdminLimitExceeded) {
			limitExceeded = fmt.Errorf("%w (%s)", ErrLimitExceeded, directory.Describe(err))
			return nil
		}
		return err
	})
	if err == nil && len(found) == 0 {
		err = limitExceeded
	}
	return found, filter, err
}

// AnyWith is a query for one user who has the attribute.
func (u Users) AnyWith(attribute string) directory.Query {
	return directory.Query{Scope: u.Scope, Filter: u.with("(" + attribute + "=*)"), Attributes: []string{"1.1"}, Limit: 1}
}

// ByMember finds the user that a value of a member attribute names.
func (u Users) ByMember(ctx context.Context, search directory.Searcher, rules GroupRules, attribute, value string) (directory.Entry, error) {
	if rules.holdsDNs(attribute) {
		if !directory.IsUnderAny(value, u.Bases) {
			return directory.Entry{}, ErrNoEntry
		}
		return u.ByDN(ctx, search, value)
	}
	return u.one(ctx, search, u.Bases, u.Scope, u.with("("+rules.MemberUID+"="+ldap.EscapeFilter(value)+")"))
}

// NameFilter compares the name with each login attribute. The name is escaped once (RFC 4515
// section 3).
func (u Users) NameFilter(username string) string {
	return u.with(directory.AnyOf(u.LoginAttributes, ldap.EscapeFilter(u.withoutDomain(username))))
}

// withoutDomain removes the domain from a down-level logon name (DOMAIN\name). A name with
// another domain is not changed, and so does not match: no attribute holds such names.
func (u Users) withoutDomain(username string) string {
	domain, name, ok := strings.Cut(strings.TrimSpace(username), `\`)
	if !ok || u.NetBIOSDomain == "" || !strings.EqualFold(domain, u.NetBIOSDomain) || isBlank(name) {
		return username
	}
	return name
}

// with adds the filter of the operator.
func (u Users) with(filter string) string {
	if u.Filter == "" {
		return filter
	}
	return "(&" + u.Filter + filter + ")"
}

// one returns the only matching entry under the bases, or ErrNoEntry.
func (u Users) one(ctx context.Context, search directory.Searcher, bases []string, scope int, filter string) (directory.Entry, error) {
	var found []directory.Entry
	err := search(ctx, func(c *directory.Connection) error {
		var err error
		found, err = u.readTwo(ctx, c, bases, scope, filter)
		return err
	})
	if err != nil {
		return directory.Entry{}, err
	}
	return u.exactlyOne(found)
}

// readTwo requests two entries to find out whether there is exactly one. If the server
// reports more, that is sufficient.
func (u Users) readTwo(ctx context.Context, c *directory.Connection, bases []string, scope int, filter string) ([]directory.Entry, error) {
	found, err := c.SearchUnder(ctx, bases, directory.Query{Scope: scope, Filter: filter, Attributes: u.Read, Limit: 2})
	if ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) && len(found) > 1 {
		return found, nil
	}
	return found, err
}

// exactlyOne accepts exactly one entry under the bases. Doorward must not bind as an entry
// that a server sends without being asked.
func (u Users) exactlyOne(found []directory.Entry) (directory.Entry, error) {
	switch len(found) {
	case 0:
		return directory.Entry{}, errNone
	case 1:
	default:
		u.Logger.Warn("more than one entry matches a name, so nobody is signed in: narrow user_filter or user_attribute",
			"first", found[0].DN, "second", found[1].DN)
		return directory.Entry{}, errSeveral
	}
	if !directory.IsUnderAny(found[0].DN, u.Bases) {
		u.Logger.Warn("the directory sent an entry that is not under user_dn", "dn", found[0].DN)
		return directory.Entry{}, errOutsideBase
	}
	return found[0], nil
}
