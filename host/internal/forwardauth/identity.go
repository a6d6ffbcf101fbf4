package forwardauth

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The headers that tell an app who the user is. With 200, each is there exactly once, and
// empty if unknown.
const (
	headerUser      = "Remote-User"
	headerEmail     = "Remote-Email"
	headerName      = "Remote-Name"
	headerGroups    = "Remote-Groups"
	headerAssertion = "X-Doorward-Assertion"
)

var identityHeaders = []string{headerUser, headerEmail, headerName, headerGroups, headerAssertion}

// Limits in bytes. nginx reads the header of an answer into 4 KiB, and turns a longer one
// into 500.
const (
	maxHeaderBlock    = 3 << 10
	maxValue          = 254 // of user and e-mail: RFC 5321 section 4.5.3.1.3, without the angle brackets
	maxName           = 128
	maxAsserted       = 600 // of groups in an assertion, as JSON
	otherHeadersBytes = 400 // of names, separators, and headers of every answer
)

// UserHeader is the kind of value in Remote-User.
type UserHeader string

// The kinds of values in Remote-User. An e-mail address or a subject identifies a user
// only at one provider: the same value from another provider is another user.
const (
	UserID      UserHeader = "id"
	UserEmail   UserHeader = "email"
	UserSubject UserHeader = "subject"
)

// identity is what an app is told, as header values in the order of identityHeaders.
type identity [5][]string

// nobody has the values if nobody is signed in; nothing changes them.
var nobody = identity{{""}, {""}, {""}, {""}, {""}}

func (i *identity) set(h http.Header) {
	for n, name := range identityHeaders {
		h[name] = i[n]
	}
}

// noUserError: the value for Remote-User is missing, or cannot be sent in a header.
type noUserError struct{ what UserHeader }

func (e noUserError) Error() string {
	return fmt.Sprintf("Remote-User is set to the %s, and this user has none that can be sent", e.what)
}

// identityOf returns what an app is told. The error says that the user cannot be named to
// the app, or that no assertion could be signed.
func (s *Server) identityOf(ctx context.Context, app *App, p *Person) (identity, error) {
	user := userOf(s.config.User, app, p)
	if user == "" {
		return identity{}, noUserError{s.config.User}
	}
	groups, left := s.groupsFor(app, p)
	assertion, err := s.assertion(ctx, app, p, groups, left > 0 || !p.Groups.Known())
	if err != nil {
		return identity{}, err
	}
	email, name := plainText(p.Email), nameText(p.Name())
	room := maxHeaderBlock - otherHeadersBytes - len(assertion) - len(user) - len(email) - len(name)
	header, more := joined(groups, room)
	if left+more > 0 {
		s.quiet.warn("groups "+p.ID, "groups are left out of Remote-Groups: names that a header cannot hold, or too many",
			"user", p.ID, "provider", p.Provider, "left_out", left+more)
	}
	return identity{{user}, {email}, {name}, {header}, {assertion}}, nil
}

// Missing returns what a user lacks for an app: what its rules require, and a value for
// Remote-User.
func (s *Server) Missing(app *App, p *Person) []Lack { return s.config.User.Missing(app, p) }

// Missing is Server.Missing for this kind of value.
func (u UserHeader) Missing(app *App, p *Person) []Lack {
	lacks := app.Missing(p)
	if userOf(u, app, p) == "" {
		lacks = append(lacks, Lack{What: "name"})
	}
	return lacks
}

func userOf(what UserHeader, app *App, p *Person) string {
	switch what {
	case UserEmail:
		return plainText(app.email(p))
	case UserSubject:
		return plainText(p.Subject)
	default:
		return p.ID
	}
}

// plainText returns a text of visible ASCII; empty if it has other characters, or is too
// long.
func plainText(text string) string {
	if len(text) > maxValue {
		return ""
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return ""
		}
	}
	return text
}

// nameText returns a name for display: UTF-8 without control, format and other invisible
// characters, truncated to the limit.
func nameText(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	for len(name) > maxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return strings.TrimSpace(name)
}

// groupsFor returns a user's groups, those in the app's rules first, as many as an
// assertion can hold, and how many are left out.
func (s *Server) groupsFor(app *App, p *Person) (list []string, left int) {
	all := p.Groups.List()
	named := app.groups()
	slices.SortStableFunc(all, func(a, b string) int { return rank(named, a) - rank(named, b) })
	room := maxAsserted
	for _, group := range all {
		length := jsonLength(group)
		if length > room {
			left++
			continue
		}
		room -= length
		list = append(list, group)
	}
	return list, left
}

func (a *App) groups() []string {
	named := slices.Clone(a.Groups)
	for _, s := range a.Allow {
		named = append(named, s.Groups...)
	}
	return named
}

func rank(named []string, group string) int {
	if slices.Contains(named, group) {
		return 0
	}
	return 1
}

// jsonLength is the minimum length of a group in JSON, with its comma.
func jsonLength(group string) int {
	n := len(group) + 3
	for i := range len(group) {
		if c := group[i]; c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c >= 0x7f {
			n += 5
		}
	}
	return n
}

// joined returns the groups that a header can hold, separated by commas, and how many are
// left out. Some applications treat a vertical bar as a comma.
func joined(groups []string, room int) (text string, left int) {
	var b strings.Builder
	for _, group := range groups {
		if !isHeaderGroup(group) || b.Len()+len(group)+1 > room {
			left++
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(group)
	}
	return b.String(), left
}

func isHeaderGroup(group string) bool {
	for i := range len(group) {
		if c := group[i]; c < ' ' || c >= 0x7f || c == ',' || c == '|' {
			return false
		}
	}
	return group != "" && strings.TrimSpace(group) == group
}
