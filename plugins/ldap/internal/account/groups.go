package account

import (
	"context"
	"fmt"
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

// GroupRules defines which entries are groups, and how they list their members.
type GroupRules struct {
	Bases            []string // empty: only memberOf counts
	Scope            int
	MemberAttributes []string
	MemberUID        string // the attribute of users whose values memberUid holds
	Filter           string
	NameAttribute    string // or IDIsDN
	MemberOf         string
	Nested           string
	Depth            int
	Primary          bool
	Paged            bool // with the control of RFC 2696
}

// memberInChain makes Active Directory resolve nested groups itself
// (LDAP_MATCHING_RULE_TRANSITIVE_EVAL, MS-ADTS section 3.1.1.3.4.4.3).
const memberInChain = "member:1.2.840.113556.1.4.1941:"

// maxAsked limits the number of groups in one query of a walk.
const maxAsked = 50

// groupWalk collects the groups of one user.
type groupWalk struct {
	GroupRules
	search directory.Searcher
	logger *slog.Logger
	seen   map[string]bool // by normalised DN
	names  []string
	fresh  []string // DNs whose groups were not searched yet
}

// GroupsOf returns the names of the groups of a user, without duplicates.
func GroupsOf(ctx context.Context, search directory.Searcher, e directory.Entry, rules GroupRules, logger *slog.Logger) ([]string, error) {
	w := &groupWalk{GroupRules: rules, search: search, logger: logger, seen: map[string]bool{}}
	w.addMemberOf(e)
	if len(rules.Bases) > 0 {
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
	if w.Primary {
		filter += primaryFilter(e)
	}
	if filter != "" {
		if err := w.ask(ctx, "(|"+filter+")"); err != nil {
			return err
		}
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

// runActiveDirectory needs one query, and one more for the groups of the primary group.
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

// askParents searches for the groups that contain the new groups. It asks about each group
// once, so a cycle ends.
func (w *groupWalk) askParents(ctx context.Context) error {
	children := w.fresh
	w.fresh = nil
	var byDN []string
	for _, name := range w.MemberAttributes {
		if w.holdsDNs(name) { // others do not list groups
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

// holdsDNs reports whether the attribute lists members by DN. memberUid (RFC 2307) does not.
func (g GroupRules) holdsDNs(attribute string) bool {
	return !strings.EqualFold(attribute, "memberUid")
}

// primaryFilter matches the primary group, which does not list its members: by SID in Active
// Directory, by gidNumber elsewhere (RFC 2307 section 5.2).
func primaryFilter(e directory.Entry) string {
	if sid, ok := PrimaryGroupSID(e); ok {
		return "(objectSid=" + directory.EscapeBytes(sid) + ")"
	}
	if number, ok := e.Number("gidNumber"); ok && len(e.Raw("objectSid")) == 0 {
		return fmt.Sprintf("(&(objectClass=posixGroup)(gidNumber=%d))", number)
	}
	return ""
}

// memberFilter returns the alternatives that match the groups of the user: memberUid by the
// uid (or the configured attribute), others by DN. It can be empty.
func (g GroupRules) memberFilter(e directory.Entry) string {
	var b strings.Builder
	for _, name := range g.MemberAttributes {
		if g.holdsDNs(name) {
			b.WriteString("(" + name + "=" + ldap.EscapeFilter(e.DN) + ")")
			continue
		}
		for _, uid := range e.Texts(g.MemberUID) {
			b.WriteString("(" + name + "=" + ldap.EscapeFilter(uid) + ")")
		}
	}
	return b.String()
}

// with adds the filter of the operator.
func (g GroupRules) with(filter string) string {
	if g.Filter == "" {
		return filter
	}
	return "(&" + g.Filter + filter + ")"
}

// AnyGroup is a query for some groups, with any members.
func (g GroupRules) AnyGroup(most int) directory.Query {
	return directory.Query{Scope: g.Scope, Filter: g.with("(objectClass=*)"), Attributes: []string{"1.1"}, Limit: most}
}

// AnyWithMembers is a query for some groups that show a member, and for their members.
func (g GroupRules) AnyWithMembers(most int) directory.Query {
	return directory.Query{Scope: g.Scope, Filter: g.with(directory.AnyOf(g.MemberAttributes, "*")), Attributes: g.MemberAttributes, Limit: most}
}

// ask reads the matching groups under all bases.
func (w *groupWalk) ask(ctx context.Context, filter string) error {
	filter = w.with(filter)
	return w.search(ctx, func(c *directory.Connection) error {
		for _, base := range w.Bases {
			read := groupRead{groupWalk: w, connection: c, base: base, filter: filter}
			if err := read.all(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// attributes requests the name and the attributes that distinguish groups, but not the
// members: a group can list all employees.
func (w *groupWalk) attributes() []string {
	if w.NameAttribute == IDIsDN {
		return groupIDs
	}
	return append([]string{w.NameAttribute}, groupIDs...)
}

func (w *groupWalk) add(found []directory.Entry) {
	for _, group := range found {
		if !directory.IsUnderAny(group.DN, w.Bases) {
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
		if len(w.Bases) > 0 && !directory.IsUnderAny(dn, w.Bases) {
			continue
		}
		name := dn
		if w.NameAttribute != IDIsDN {
			name = directory.NameOfDN(dn)
		}
		w.addGroup(dn, name)
	}
}

// addGroup adds a group once, regardless of the spelling of its DN.
func (w *groupWalk) addGroup(dn, name string) {
	key, err := directory.NormalDN(dn)
	if err != nil || w.seen[key] {
		return
	}
	w.seen[key] = true
	w.fresh = append(w.fresh, dn)
	if !directory.IsPlain([]byte(name)) {
		w.logger.Warn("a group is ignored because its name is not plain text or is too long", "dn", dn)
		return
	}
	w.names = append(w.names, name)
}
