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

// Users says which entries are end users, and what of them is read.
type Users struct {
	Bases           []string
	Scope           int
	LoginAttributes []string // what may be typed as the name
	Filter          string   // that an entry must match, too
	NetBIOSDomain   string
	Read            []string // attributes
	Logger          *slog.Logger
}

// MaxUsername bounds what is searched for: longer names exist nowhere.
const MaxUsername = 256

// IsUsername refuses what stands for nobody.
func IsUsername(name string) bool { return len(name) <= MaxUsername && !isBlank(name) }

// isBlank reports whether a directory may take a name for no name at all: spaces and
// invisible characters do not count there (RFC 4518 section 2.2).
func isBlank(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r)
	}) < 0
}

// ErrNoEntry is in the tree of an error that says that a name means no entry, or not
// exactly one. Who signs in is not told which.
var (
	ErrNoEntry     = errors.New("not exactly one entry")
	errNone        = fmt.Errorf("%w, but none,", ErrNoEntry)
	errSeveral     = fmt.Errorf("%w, but two or more,", ErrNoEntry)
	errOutsideBase = fmt.Errorf("%w, but one that is not under user_dn,", ErrNoEntry)
)

// ByName searches for the one entry that a name means.
func (u Users) ByName(ctx context.Context, search directory.Searcher, username string) (directory.Entry, error) {
	if !IsUsername(username) {
		return directory.Entry{}, ErrNoEntry
	}
	return u.one(ctx, search, u.Bases, u.Scope, u.NameFilter(username))
}

// ByDN reads one entry, if it is one of the end users.
func (u Users) ByDN(ctx context.Context, search directory.Searcher, dn string) (directory.Entry, error) {
	return u.one(ctx, search, []string{dn}, ldap.ScopeBaseObject, u.with("(objectClass=*)"))
}

// BySubject finds an entry again by its identifier, wherever it is now; dn is where it
// was.
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

// ErrLimitExceeded is in the tree of an error of Some: the search goes beyond what the server
// allows.
var ErrLimitExceeded = errors.New("beyond the limits of the directory")

// Some reads a few of those who have a name to sign in by. The filter is what was asked.
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

// AnyWith asks for one end user who has the attribute.
func (u Users) AnyWith(attribute string) directory.Query {
	return directory.Query{Scope: u.Scope, Filter: u.with("(" + attribute + "=*)"), Attributes: []string{"1.1"}, Limit: 1}
}

// ByMember finds the end user whom a value of a member attribute names.
func (u Users) ByMember(ctx context.Context, search directory.Searcher, rules GroupRules, attribute, value string) (directory.Entry, error) {
	if rules.holdsDNs(attribute) {
		if !directory.IsUnderAny(value, u.Bases) {
			return directory.Entry{}, ErrNoEntry
		}
		return u.ByDN(ctx, search, value)
	}
	return u.one(ctx, search, u.Bases, u.Scope, u.with("("+rules.MemberUID+"="+ldap.EscapeFilter(value)+")"))
}

// NameFilter compares the name with each of the login attributes. It is escaped once
// (RFC 4515 section 3).
func (u Users) NameFilter(username string) string {
	return u.with(directory.AnyOf(u.LoginAttributes, ldap.EscapeFilter(u.withoutDomain(username))))
}

// withoutDomain takes the domain off a down-level logon name (DOMAIN\name). One of
// another domain stays as it is, and so is nobody's: no attribute holds such names.
func (u Users) withoutDomain(username string) string {
	domain, name, ok := strings.Cut(strings.TrimSpace(username), `\`)
	if !ok || u.NetBIOSDomain == "" || !strings.EqualFold(domain, u.NetBIOSDomain) || isBlank(name) {
		return username
	}
	return name
}

// with adds the operator's own filter.
func (u Users) with(filter string) string {
	if u.Filter == "" {
		return filter
	}
	return "(&" + u.Filter + filter + ")"
}

// one returns the one entry below the bases that matches, or ErrNoEntry.
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

// readTwo asks for two entries, to see that there is one. A server that says that
// there are more has said enough.
func (u Users) readTwo(ctx context.Context, c *directory.Connection, bases []string, scope int, filter string) ([]directory.Entry, error) {
	found, err := c.SearchUnder(ctx, bases, directory.Query{Scope: scope, Filter: filter, Attributes: u.Read, Limit: 2})
	if ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) && len(found) > 1 {
		return found, nil
	}
	return found, err
}

// exactlyOne refuses all but exactly one entry below the bases. What a server sends beside
// those that it was asked for is not ours to bind.
func (u Users) exactlyOne(found []directory.Entry) (directory.Entry, error) {
	switch len(found) {
	case 0:
		return directory.Entry{}, errNone
	case 1:
	default:
		u.Logger.Warn("more than one entry matches a name, which signs nobody in: narrow user_filter or user_attribute",
			"first", found[0].DN, "second", found[1].DN)
		return directory.Entry{}, errSeveral
	}
	if !directory.IsUnderAny(found[0].DN, u.Bases) {
		u.Logger.Warn("the directory sends an entry that is not under user_dn", "dn", found[0].DN)
		return directory.Entry{}, errOutsideBase
	}
	return found[0], nil
}
