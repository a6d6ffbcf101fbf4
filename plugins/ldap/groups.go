package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// The values of nested_groups.
const (
	nestedNone = "none"
	nestedWalk = "walk"
	nestedAD   = "active-directory"
)

// groupRules says which groups there are, and how they name their members.
type groupRules struct {
	base             string // empty: only memberOf counts
	scope            int
	memberAttributes []string
	filter           string
	nameAttribute    string // or idIsDN
	memberOf         string
	nested           string
	depth            int
	primary          bool
}

// memberInChain has Active Directory follow groups in groups by itself
// (LDAP_MATCHING_RULE_TRANSITIVE_EVAL, MS-ADTS section 3.1.1.3.4.4.3).
const memberInChain = "member:1.2.840.113556.1.4.1941:"

// maxAsked bounds how many groups one query of a walk asks about.
const maxAsked = 50

// groupWalk collects the groups of one end user.
type groupWalk struct {
	groupRules
	search searcher
	logger *slog.Logger
	seen   map[string]bool // by normalised DN
	names  []string
	fresh  []string // DNs whose groups were not asked for yet
}

// groupsOf returns the names of the groups of an end user, each once.
func groupsOf(ctx context.Context, search searcher, e entry, rules groupRules, logger *slog.Logger) ([]string, error) {
	w := &groupWalk{groupRules: rules, search: search, logger: logger, seen: map[string]bool{}}
	w.addMemberOf(e)
	if rules.base != "" {
		if err := w.run(ctx, e); err != nil {
			return nil, err
		}
	}
	if len(w.names) > sdk.MaxGroups {
		return nil, sdk.InvalidResponse(reasonGroups, "%s is in more than %d groups: narrow group_dn or group_filter", e.dn, sdk.MaxGroups)
	}
	slices.Sort(w.names)
	return slices.Compact(w.names), nil
}

func (w *groupWalk) run(ctx context.Context, e entry) error {
	if w.nested == nestedAD {
		return w.runActiveDirectory(ctx, e)
	}
	filter := memberFilter(w.memberAttributes, e)
	if sid, ok := primaryGroupSID(e); ok && w.primary {
		filter = "(|" + filter + "(objectSid=" + escapeBytes(sid) + "))"
	}
	if err := w.ask(ctx, filter); err != nil {
		return err
	}
	if w.nested != nestedWalk {
		return nil
	}
	for level := 1; level < w.depth && len(w.fresh) > 0; level++ {
		if err := w.askParents(ctx); err != nil {
			return err
		}
	}
	return nil
}

// runActiveDirectory is one query, and one more for the groups of the primary group.
func (w *groupWalk) runActiveDirectory(ctx context.Context, e entry) error {
	chain := "(" + memberInChain + "=" + ldap.EscapeFilter(e.dn) + ")"
	sid, ok := primaryGroupSID(e)
	if !ok || !w.primary {
		return w.ask(ctx, chain)
	}
	w.fresh = nil
	if err := w.ask(ctx, "(objectSid="+escapeBytes(sid)+")"); err != nil {
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
	for _, name := range w.memberAttributes {
		if !strings.EqualFold(name, "memberUid") { // holds no groups
			byDN = append(byDN, name)
		}
	}
	if len(byDN) == 0 {
		return nil
	}
	for part := range slices.Chunk(children, maxAsked) {
		var b strings.Builder
		for _, dn := range part {
			b.WriteString(anyOf(byDN, ldap.EscapeFilter(dn)))
		}
		if err := w.ask(ctx, "(|"+b.String()+")"); err != nil {
			return err
		}
	}
	return nil
}

// memberFilter matches the groups that name the end user: by uid in memberUid (RFC
// 2307), by DN elsewhere.
func memberFilter(attributes []string, e entry) string {
	var b strings.Builder
	for _, name := range attributes {
		if !strings.EqualFold(name, "memberUid") {
			b.WriteString("(" + name + "=" + ldap.EscapeFilter(e.dn) + ")")
			continue
		}
		for _, uid := range e.texts("uid") {
			b.WriteString("(" + name + "=" + ldap.EscapeFilter(uid) + ")")
		}
	}
	return "(|" + b.String() + ")"
}

const (
	groupPage = 500
	maxPages  = 100
)

// ask reads all pages of the groups that match (RFC 2696).
func (w *groupWalk) ask(ctx context.Context, filter string) error {
	if w.filter != "" {
		filter = "(&" + w.filter + filter + ")"
	}
	return w.search(ctx, func(c *connection) error {
		paging := ldap.NewControlPaging(groupPage)
		for page := 0; ; page++ {
			found, controls, err := c.search(ctx, query{
				base: w.base, scope: w.scope, filter: filter,
				attributes: w.attributes(), controls: []ldap.Control{paging},
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
				return sdk.InvalidResponse(reasonGroups, "the directory sends groups without end")
			}
			paging.SetCookie(next.Cookie)
		}
	})
}

// attributes asks for the name only: a group may list all employees.
func (w *groupWalk) attributes() []string {
	if w.nameAttribute == idIsDN {
		return []string{"1.1"} // none (RFC 4511 section 4.5.1.8)
	}
	return []string{w.nameAttribute}
}

func (w *groupWalk) add(found []entry) {
	for _, group := range found {
		if !isUnder(group.dn, w.base) {
			continue
		}
		name := group.dn
		if w.nameAttribute != idIsDN {
			name = group.text(w.nameAttribute)
		}
		w.addGroup(group.dn, name)
	}
}

// addMemberOf adds the groups that the entry itself lists.
func (w *groupWalk) addMemberOf(e entry) {
	if w.memberOf == "" {
		return
	}
	for _, dn := range e.texts(w.memberOf) {
		if w.base != "" && !isUnder(dn, w.base) {
			continue
		}
		name := dn
		if w.nameAttribute != idIsDN {
			name = nameOfDN(dn)
		}
		w.addGroup(dn, name)
	}
}

// addGroup adds a group once, in whatever spelling its DN comes.
func (w *groupWalk) addGroup(dn, name string) {
	key, err := normalDN(dn)
	if err != nil || w.seen[key] {
		return
	}
	w.seen[key] = true
	w.fresh = append(w.fresh, dn)
	if !isPlain([]byte(name)) {
		w.logger.Warn("a group has a name that cannot be used", "dn", dn)
		return
	}
	w.names = append(w.names, name)
}
