package account

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// The values of nested_groups.
const (
	NestedNone = "none"
	NestedWalk = "walk"
	NestedAD   = "active-directory"
)

// GroupRules says which groups there are, and how they name their members.
type GroupRules struct {
	Base             string // empty: only memberOf counts
	Scope            int
	MemberAttributes []string
	Filter           string
	NameAttribute    string // or idIsDN
	MemberOf         string
	Nested           string
	Depth            int
	Primary          bool
}

// memberInChain has Active Directory follow groups in groups by itself
// (LDAP_MATCHING_RULE_TRANSITIVE_EVAL, MS-ADTS section 3.1.1.3.4.4.3).
const memberInChain = "member:1.2.840.113556.1.4.1941:"

// maxAsked bounds how many groups one query of a walk asks about.
const maxAsked = 50

// groupWalk collects the groups of one end user.
type groupWalk struct {
	GroupRules
	search directory.Searcher
	logger *slog.Logger
	seen   map[string]bool // by normalised DN
	names  []string
	fresh  []string // DNs whose groups were not asked for yet
}

// GroupsOf returns the names of the groups of an end user, each once.
func GroupsOf(ctx context.Context, search directory.Searcher, e directory.Entry, rules GroupRules, logger *slog.Logger) ([]string, error) {
	w := &groupWalk{GroupRules: rules, search: search, logger: logger, seen: map[string]bool{}}
	w.addMemberOf(e)
	if rules.Base != "" {
		if err := w.run(ctx, e); err != nil {
			return nil, err
		}
	}
	if len(w.names) > sdk.MaxGroups {
		return nil, sdk.InvalidResponse(directory.ReasonGroups, "%s is in more than %d groups: narrow group_dn or group_filter", e.DN, sdk.MaxGroups)
	}
	slices.Sort(w.names)
	return slices.Compact(w.names), nil
}

func (w *groupWalk) run(ctx context.Context, e directory.Entry) error {
	if w.Nested == NestedAD {
		return w.runActiveDirectory(ctx, e)
	}
	filter := w.memberFilter(e)
	if sid, ok := PrimaryGroupSID(e); ok && w.Primary {
		filter = "(|" + filter + "(objectSid=" + directory.EscapeBytes(sid) + "))"
	}
	if err := w.ask(ctx, filter); err != nil {
		return err
	}
	if w.Nested != NestedWalk {
		return nil
	}
	for level := 1; level < w.Depth && len(w.fresh) > 0; level++ {
		if err := w.askParents(ctx); err != nil {
			return err
		}
	}
	return nil
}

// runActiveDirectory is one query, and one more for the groups of the primary group.
func (w *groupWalk) runActiveDirectory(ctx context.Context, e directory.Entry) error {
	chain := "(" + memberInChain + "=" + ldap.EscapeFilter(e.DN) + ")"
	sid, ok := PrimaryGroupSID(e)
	if !ok || !w.Primary {
		return w.ask(ctx, chain)
	}
	w.fresh = nil
	if err := w.ask(ctx, "(objectSid="+directory.EscapeBytes(sid)+")"); err != nil {
		return err
	}
	filter := chain
	for _, dn := range w.fresh[:min(1, len(w.fresh))] {
		filter = "(|" + chain + "(" + memberInChain + "=" + ldap.EscapeFilter(dn) + "))"
	}
	return w.ask(ctx, filter)
}

// askParents asks for the groups in which the new groups are. Each group is asked
// about once, so that a cycle ends.
func (w *groupWalk) askParents(ctx context.Context) error {
	children := w.fresh
	w.fresh = nil
	var byDN []string
	for _, name := range w.MemberAttributes {
		if w.holdsDNs(name) { // others hold no groups
			byDN = append(byDN, name)
		}
	}
	if len(byDN) == 0 {
		return nil
	}
	for part := range slices.Chunk(children, maxAsked) {
		var b strings.Builder
		for _, dn := range part {
			b.WriteString(directory.AnyOf(byDN, ldap.EscapeFilter(dn)))
		}
		if err := w.ask(ctx, "(|"+b.String()+")"); err != nil {
			return err
		}
	}
	return nil
}

// holdsDNs tells attributes that name members by their DN from memberUid (RFC 2307).
func (g GroupRules) holdsDNs(attribute string) bool {
	return !strings.EqualFold(attribute, "memberUid")
}

// memberFilter matches the groups that name the end user: by uid in memberUid, by DN
// elsewhere.
func (g GroupRules) memberFilter(e directory.Entry) string {
	var b strings.Builder
	for _, name := range g.MemberAttributes {
		if g.holdsDNs(name) {
			b.WriteString("(" + name + "=" + ldap.EscapeFilter(e.DN) + ")")
			continue
		}
		for _, uid := range e.Texts("uid") {
			b.WriteString("(" + name + "=" + ldap.EscapeFilter(uid) + ")")
		}
	}
	return "(|" + b.String() + ")"
}

// with adds the operator's own filter.
func (g GroupRules) with(filter string) string {
	if g.Filter == "" {
		return filter
	}
	return "(&" + g.Filter + filter + ")"
}

// AnyGroup asks for some groups, whoever is in them.
func (g GroupRules) AnyGroup(most int) directory.Query {
	return directory.Query{Base: g.Base, Scope: g.Scope, Filter: g.with("(objectClass=*)"), Attributes: []string{"1.1"}, Limit: most}
}

// AnyWithMembers asks for some groups that show a member, and for the members.
func (g GroupRules) AnyWithMembers(most int) directory.Query {
	return directory.Query{Base: g.Base, Scope: g.Scope, Filter: g.with(directory.AnyOf(g.MemberAttributes, "*")), Attributes: g.MemberAttributes, Limit: most}
}

const (
	groupPage = 500
	maxPages  = 100
)

// ask reads all pages of the groups that match (RFC 2696).
func (w *groupWalk) ask(ctx context.Context, filter string) error {
	filter = w.with(filter)
	return w.search(ctx, func(c *directory.Connection) error {
		paging := ldap.NewControlPaging(groupPage)
		for page := 0; ; page++ {
			found, controls, err := c.Search(ctx, directory.Query{
				Base: w.Base, Scope: w.Scope, Filter: filter,
				Attributes: w.attributes(), Controls: []ldap.Control{paging},
			})
			if err != nil {
				return err
			}
			w.add(found)
			next, ok := ldap.FindControl(controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
			if !ok || len(next.Cookie) == 0 {
				return nil
			}
			if page == maxPages || len(w.names) > sdk.MaxGroups {
				return sdk.InvalidResponse(directory.ReasonGroups, "the directory sends groups without end")
			}
			paging.SetCookie(next.Cookie)
		}
	})
}

// attributes asks for the name only: a group may list all employees.
func (w *groupWalk) attributes() []string {
	if w.NameAttribute == IDIsDN {
		return []string{"1.1"} // none (RFC 4511 section 4.5.1.8)
	}
	return []string{w.NameAttribute}
}

func (w *groupWalk) add(found []directory.Entry) {
	for _, group := range found {
		if !directory.IsUnder(group.DN, w.Base) {
			continue
		}
		name := group.DN
		if w.NameAttribute != IDIsDN {
			name = group.Text(w.NameAttribute)
		}
		w.addGroup(group.DN, name)
	}
}

// addMemberOf adds the groups that the entry itself lists.
func (w *groupWalk) addMemberOf(e directory.Entry) {
	if w.MemberOf == "" {
		return
	}
	for _, dn := range e.Texts(w.MemberOf) {
		if w.Base != "" && !directory.IsUnder(dn, w.Base) {
			continue
		}
		name := dn
		if w.NameAttribute != IDIsDN {
			name = directory.NameOfDN(dn)
		}
		w.addGroup(dn, name)
	}
}

// addGroup adds a group once, in whatever spelling its DN comes.
func (w *groupWalk) addGroup(dn, name string) {
	key, err := directory.NormalDN(dn)
	if err != nil || w.seen[key] {
		return
	}
	w.seen[key] = true
	w.fresh = append(w.fresh, dn)
	if !directory.IsPlain([]byte(name)) {
		w.logger.Warn("a group has a name that cannot be used", "dn", dn)
		return
	}
	w.names = append(w.names, name)
}
