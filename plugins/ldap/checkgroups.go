package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// checkGroups looks for a user who has a group, and for the reason if no user has one. The
// base, the filter, the attribute and the right to read it can each be wrong without an error
// from the directory.
func (m *mechanism) checkGroups(ctx context.Context, people []directory.Entry) []sdk.Finding {
	if m.options.GroupDN == "" && m.options.GroupMemberOf == "" {
		return []sdk.Finding{upstream.Fine("groups", "not read, because neither group_dn nor group_member_of is set")}
	}
	for i := range people {
		groups, err := m.groupsOf(ctx, &people[i])
		if err != nil {
			return []sdk.Finding{upstream.Failed("groups", err)}
		}
		if len(groups) > 0 || len(people) == 1 && m.options.CheckUser != "" {
			fine := upstream.Fine("groups", "%s", groupsText(groups))
			if len(groups) > 0 {
				return []sdk.Finding{fine}
			}
			return append([]sdk.Finding{fine}, m.checkNoGroups(ctx, people)...)
		}
	}
	return m.checkNoGroups(ctx, people)
}

func (m *mechanism) groupsOf(ctx context.Context, e *directory.Entry) ([]string, error) {
	if err := directory.Complete(ctx, m.directory.Search, e); err != nil {
		return nil, err
	}
	return account.GroupsOf(ctx, m.directory.Search, *e, m.options.groupRules(), m.logger)
}

func groupsText(groups []string) string {
	const shown = 20
	return fmt.Sprintf("%d: %s", len(groups), strings.Join(groups[:min(len(groups), shown)], ", "))
}

// checkNoGroups explains why the users have no groups.
func (m *mechanism) checkNoGroups(ctx context.Context, people []directory.Entry) []sdk.Finding {
	if m.options.GroupDN == "" {
		return m.checkNoMemberOf(ctx, people)
	}
	rules := m.options.groupRules()
	any, err := m.read(ctx, rules.Bases, rules.AnyGroup(1))
	switch {
	case err != nil:
		return []sdk.Finding{upstream.Failed("group_dn", err)}
	case len(any) == 0:
		return []sdk.Finding{upstream.Failed("group_filter", fmt.Errorf("no entry matches %s under %s with the scope %s, so no user has a group", rules.AnyGroup(1).Filter, strings.Join(rules.Bases, "; "), m.options.GroupScope))}
	}
	withMembers, err := m.read(ctx, rules.Bases, rules.AnyWithMembers(checkedGroups))
	switch {
	case err != nil:
		return []sdk.Finding{upstream.Failed("group_attribute", err)}
	case len(withMembers) == 0:
		return []sdk.Finding{upstream.Failed("group_attribute", fmt.Errorf("none of the groups, such as %s, shows the attribute %s, so no user has a group; set group_attribute to the attribute that lists the members, and give bind_dn the right to read it", any[0].DN, strings.Join(rules.MemberAttributes, ", ")))}
	}
	return m.checkMembers(ctx, rules, withMembers, people)
}

const (
	checkedGroups  = 5
	checkedMembers = 5 // of each group and attribute
)

// checkMembers works in the other direction: from the groups to their members.
func (m *mechanism) checkMembers(ctx context.Context, rules account.GroupRules, groups, people []directory.Entry) []sdk.Finding {
	for _, group := range groups {
		for _, name := range rules.MemberAttributes {
			values := group.Texts(name)
			for _, value := range values[:min(len(values), checkedMembers)] {
				member, err := m.users.ByMember(ctx, m.directory.Search, rules, name, value)
				if err != nil {
					continue // such as a group, or a user who is not under user_dn
				}
				found, err := m.groupsOf(ctx, &member)
				switch {
				case err != nil:
					return []sdk.Finding{upstream.Failed("groups", err)}
				case len(found) > 0:
					return []sdk.Finding{upstream.Fine("groups", "of %s, %s", member.DN, groupsText(found))}
				}
				return []sdk.Finding{upstream.Failed("groups", fmt.Errorf("%s lists %s in %s, but a search for the groups of that entry finds none: give bind_dn the right to search by %s", group.DN, member.DN, name, name))}
			}
		}
	}
	return []sdk.Finding{upstream.Warning("groups", "no group was found for %s and none of the members of %s that were read is a user under user_dn: set check_user to a user who is in a group", describeUsers(people), dnsOf(groups))}
}

func dnsOf(entries []directory.Entry) string {
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.DN
	}
	return strings.Join(list, "; ")
}

// checkNoMemberOf explains why the users have no groups if only their own entries list
// groups.
func (m *mechanism) checkNoMemberOf(ctx context.Context, people []directory.Entry) []sdk.Finding {
	found, err := m.read(ctx, m.users.Bases, m.users.AnyWith(m.options.GroupMemberOf))
	switch {
	case err != nil:
		return []sdk.Finding{upstream.Failed("group_member_of", err)}
	case len(found) == 0:
		return []sdk.Finding{upstream.Failed("group_member_of", fmt.Errorf("no user %s shows the attribute %s, so no user has a group; set group_member_of to the attribute that lists groups, and give bind_dn the right to read it", m.whereUsers(), m.options.GroupMemberOf))}
	}
	return []sdk.Finding{upstream.Warning("groups", "no group was found for %s but other users such as %s have groups: set check_user to one of them", describeUsers(people), found[0].DN)}
}
