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

// The identity headers for apps. A response with status 200 has each of them exactly once,
// empty if there is no value.
const (
	headerUser      = "Remote-User"
	headerEmail     = "Remote-Email"
	headerName      = "Remote-Name"
	headerGroups    = "Remote-Groups"
	headerAssertion = "X-Doorward-Assertion"
)

var identityHeaders = []string{headerUser, headerEmail, headerName, headerGroups, headerAssertion}

// Limits in bytes. nginx has 4 KiB for the header of a response, and sends 500 for a longer
// header.
const (
	maxHeaderBlock    = 3 << 10
	maxValue          = 254 // user and e-mail: RFC 5321 section 4.5.3.1.3, without the angle brackets
	maxName           = 128
	maxAsserted       = 600 // groups in an assertion, as JSON
	otherHeadersBytes = 400 // names, separators and the other headers of every response
)

// UserHeader selects the value of Remote-User.
type UserHeader string

// The values for Remote-User. An e-mail address or a subject identifies a user of one
// provider; the same value from another provider belongs to a different user.
const (
	UserID      UserHeader = "id"
	UserEmail   UserHeader = "email"
	UserSubject UserHeader = "subject"
)

// identity contains the values of identityHeaders, in the same order.
type identity [5][]string

// noIdentity is for requests without a user. It is never modified.
var noIdentity = identity{{""}, {""}, {""}, {""}, {""}}

func (i *identity) set(h http.Header) {
	for n, name := range identityHeaders {
		h[name] = i[n]
	}
}

// noUserError: the user has no value for Remote-User, or one that a header cannot contain.
type noUserError struct{ what UserHeader }

func (e noUserError) Error() string {
	return fmt.Sprintf("Remote-User is set to %s, but this user has no such value that a header can contain", e.what)
}

// identityOf creates the identity of a person for an app. The error is a noUserError, or why
// no assertion could be signed.
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
	header, more := joinGroups(groups, room)
	if left+more > 0 {
		s.log.warn("groups "+p.ID, "groups are missing in Remote-Groups, because a header cannot contain their names or there are too many",
			"user", p.ID, "provider", p.Provider, "left_out", left+more)
	}
	return identity{{user}, {email}, {name}, {header}, {assertion}}, nil
}

// Missing returns what a person lacks for an app: the rules that are not met, and a value
// for Remote-User.
func (s *Server) Missing(app *App, p *Person) []Lack { return s.config.User.Missing(app, p) }

// Missing is Server.Missing for this value of Remote-User.
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

// plainText returns a text of visible ASCII characters. It returns an empty text for any
// other text, or one that is too long.
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

// nameText returns a display name: UTF-8 without control, format and other invisible
// characters, truncated to maxName bytes.
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

// groupsFor returns the groups of a person that fit into an assertion, and the number of the
// others. The groups in the app's rules are first.
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

// jsonLength returns an upper bound for the length of a group in JSON, with its comma.
func jsonLength(group string) int {
	n := len(group) + 3
	for i := range len(group) {
		if c := group[i]; c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c >= 0x7f {
			n += 5
		}
	}
	return n
}

// joinGroups returns the groups that fit into a header, separated by commas, and the number
// of the others. Some applications treat a vertical bar as a comma.
func joinGroups(groups []string, room int) (text string, left int) {
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
