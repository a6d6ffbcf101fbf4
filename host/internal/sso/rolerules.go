package sso

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk"
)

// reasonGroupsUnknown is that of a login whose rules need groups that the provider did
// not tell.
const reasonGroupsUnknown sdk.Reason = "groups_unknown"

// ByGroupName reports whether the names of groups decide the role.
func (p Provider) ByGroupName() bool { return p.RolesByGroupName && len(p.RoleMapping) == 0 }

// givesRoles reports whether groups decide the role, at each login and each refresh.
func (p Provider) givesRoles() bool { return len(p.RoleMapping) > 0 || p.RolesByGroupName }

// checkGroupsKnown refuses whoever would get a role by groups that nobody knows: with
// fewer groups than they are in, they could get more than they may (D12).
func checkGroupsKnown(p Provider, identity sdk.Identity) error {
	if !p.givesRoles() || !identity.GroupsUnknown {
		return nil
	}
	rules := "role_mapping"
	if p.ByGroupName() {
		rules = p.Spelled.RolesByGroupName
	}
	return sdk.InvalidResponse(reasonGroupsUnknown,
		"provider %s did not tell all groups of subject %.200q, or not so that they can be read, and %s needs them: the log says why", p.Name, identity.Subject, rules)
}

// roleFor returns the ID of the role that an identity gets, or none. It is asked for
// before a login is written, as nothing waits for the database while that goes on.
func (s *Service) roleFor(ctx context.Context, p Provider, groups []string) (id string, err error) {
	if len(p.RoleMapping) > 0 {
		return s.roleNamed(ctx, mapped(p, groups))
	}
	if p.ByGroupName() {
		roles, err := s.ports.Roles.Roles(ctx)
		if err != nil {
			return "", fmt.Errorf("looking up roles: %w", err)
		}
		if role, ok := ofGroupName(roles, groups); ok {
			return role.ID, nil
		}
	}
	return s.roleNamed(ctx, p.DefaultRole)
}

// mapped gives the role of the first rule whose group the identity is in, so that the
// order of the rules decides.
func mapped(p Provider, groups []string) string {
	for _, rule := range p.RoleMapping {
		if slices.Contains(groups, rule.Group) {
			return rule.Role
		}
	}
	return p.DefaultRole
}

// ofGroupName returns the first role, by name, whose name is that of one of the groups,
// in any case, as Directus compares them.
func ofGroupName(roles []Role, groups []string) (Role, bool) {
	names := make(map[string]struct{}, len(groups))
	for _, group := range groups {
		names[strings.ToLower(group)] = struct{}{}
	}
	for _, role := range roles {
		if _, ok := names[strings.ToLower(role.Name)]; ok {
			return role, true
		}
	}
	return Role{}, false
}

// roleNamed returns the ID of the role that the configuration names. One that is not there
// is made, with what it is named by as its ID and its name: an environment of Directus
// names roles by the UUIDs that its applications know, and needs no step before it works.
func (s *Service) roleNamed(ctx context.Context, text string) (id string, err error) {
	if text == "" {
		return "", nil
	}
	for range 2 {
		roles, err := s.ports.Roles.Roles(ctx)
		if err != nil {
			return "", fmt.Errorf("looking up roles: %w", err)
		}
		if role, ok := FindRole(roles, text); ok {
			return role.ID, nil
		}
		role := Role{ID: RoleID(text), Name: RoleID(text)}
		err = s.ports.Roles.AddRole(ctx, role, s.roleAdded(ctx, role))
		if err == nil {
			return role.ID, nil
		}
		if !errors.Is(err, ErrRoleExists) { // else another login was faster
			return "", fmt.Errorf("making role %q: %w", text, err)
		}
	}
	return "", fmt.Errorf("making role %q: %w", text, ErrRoleExists)
}

func (s *Service) roleAdded(ctx context.Context, role Role) Event {
	e := s.event(ctx, EventRoleAdded, ActorHost)
	e.Reason, e.Detail = ReasonConfiguration, role.Name
	return e
}
