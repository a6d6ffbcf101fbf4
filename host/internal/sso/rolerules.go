package sso

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk"
)

// reasonGroupsUnknown is the reason if a login's rules need groups that the provider did
// not report.
const reasonGroupsUnknown sdk.Reason = "groups_unknown"

// ByGroupName reports whether the names of groups decide the role.
func (p Provider) ByGroupName() bool { return p.RolesByGroupName && len(p.RoleMapping) == 0 }

// givesRoles reports whether groups decide the role, at each login and each refresh.
func (p Provider) givesRoles() bool { return len(p.RoleMapping) > 0 || p.RolesByGroupName }

// checkGroupsKnown refuses a login whose role depends on unknown groups: with fewer
// groups than they have, users could get more rights than they should (D12).
func checkGroupsKnown(p Provider, identity sdk.Identity) error {
	if !p.givesRoles() || !identity.GroupsUnknown {
		return nil
	}
	rules := "role_mapping"
	if p.ByGroupName() {
		rules = p.Spelled.RolesByGroupName
	}
	return sdk.InvalidResponse(reasonGroupsUnknown,
		"provider %s did not report all groups of subject %.200q in a readable form, and %s needs them: the log says why", p.Name, identity.Subject, rules)
}

// roleFor returns the ID of the role that an identity gets, or none. It is called before
// a login is written, because that transaction must not wait for other queries.
func (s *Service) roleFor(ctx context.Context, p Provider, groups []string) (id string, err error) {
	if len(p.RoleMapping) > 0 {
		return s.ensureRole(ctx, roleByMapping(p, groups))
	}
	if p.ByGroupName() {
		roles, err := s.ports.Roles.Roles(ctx)
		if err != nil {
			return "", fmt.Errorf("looking up roles: %w", err)
		}
		if role, ok := roleByGroupName(roles, groups); ok {
			return role.ID, nil
		}
	}
	return s.ensureRole(ctx, p.DefaultRole)
}

// roleByMapping returns the role of the first rule whose group the identity is in, so the
// order of the rules decides.
func roleByMapping(p Provider, groups []string) string {
	for _, rule := range p.RoleMapping {
		if slices.Contains(groups, rule.Group) {
			return rule.Role
		}
	}
	return p.DefaultRole
}

// roleByGroupName returns the first role, by name, whose name is that of one of the
// groups, ignoring case as Directus does.
func roleByGroupName(roles []Role, groups []string) (Role, bool) {
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

// ensureRole returns the ID of the role that the configuration names. A role that does
// not exist is created with that text as its ID and its name: an environment of Directus
// names roles by the UUIDs that its applications use, and works without further steps.
func (s *Service) ensureRole(ctx context.Context, text string) (id string, err error) {
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
		if !errors.Is(err, ErrRoleExists) { // otherwise another login has created it
			return "", fmt.Errorf("creating role %q: %w", text, err)
		}
	}
	return "", fmt.Errorf("creating role %q: %w", text, ErrRoleExists)
}

func (s *Service) roleAdded(ctx context.Context, role Role) Event {
	e := s.event(ctx, EventRoleAdded, ActorHost)
	e.Reason, e.Detail = ReasonConfiguration, role.Name
	return e
}
