package people

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/doorward/doorward/host/internal/sso"
)

// Role is what users may be.
type Role struct {
	ID   string `json:"id" doc:"what users and access tokens say; it never changes"`
	Name string `json:"name"`
}

// ListRoles asks for all roles. There are few, so the list is never in pages.
type ListRoles struct{}

// OneRole names a role.
type OneRole struct {
	Role string `json:"-" path:"role" max:"255" doc:"ID or name of the role"`
}

// AddRole makes a role.
type AddRole struct {
	ID   string `json:"id,omitempty" max:"255" doc:"made up if it is not given; for the UUID that applications know already"`
	Name string `json:"name" max:"255" doc:"each is there once"`
}

// RenameRole gives a role another name. Its ID, and so its users, stay.
type RenameRole struct {
	OneRole
	Name string `json:"name" max:"255"`
}

// RemoveRole says what becomes of those who have the role. If anybody has it, one of the
// two is needed.
type RemoveRole struct {
	OneRole
	MoveTo  string `json:"-" query:"move_to" max:"255" doc:"ID or name of the role that they get"`
	Without bool   `json:"-" query:"without" doc:"they have no role then"`
}

// RemovedRole says whom it concerned.
type RemovedRole struct {
	Users    int      `json:"users" doc:"how many had the role"`
	Warnings []string `json:"warnings" doc:"what may not be meant"`
}

// ListRoles returns all roles, by name.
func (o *Operations) ListRoles(ctx context.Context, _ ListRoles) (Page[Role], error) {
	if _, err := o.allow(ctx, RolesRead); err != nil {
		return Page[Role]{}, err
	}
	roles, err := o.ports.Roles.Roles(ctx)
	if err != nil {
		return Page[Role]{}, fmt.Errorf("listing roles: %w", err)
	}
	return pageOf("", roles, "", func(r sso.Role) Role { return Role(r) }), nil
}

// AddRole makes a role. ErrTaken if there is one of that ID or name.
func (o *Operations) AddRole(ctx context.Context, req AddRole) (Role, error) {
	actor, err := o.allow(ctx, RolesWrite)
	if err != nil {
		return Role{}, err
	}
	role := sso.NewRole(req.Name)
	if req.ID != "" {
		role.ID = sso.RoleID(req.ID)
	}
	if err := errors.Join(checkRole("id", role.ID), checkRole("name", role.Name)); err != nil {
		return Role{}, err
	}
	roles, err := o.ports.Roles.Roles(ctx)
	if err != nil || len(roles) >= maxRoles {
		return Role{}, cmp.Or(err, fmt.Errorf("adding the role %q: %w: %d", role.Name, ErrFull, len(roles)))
	}
	if err := checkMeansOne(roles, role); err != nil {
		return Role{}, fmt.Errorf("adding the role %q: %w", role.Name, err)
	}
	if err := o.ports.Roles.AddRole(ctx, role, o.named(ctx, actor, sso.EventRoleAdded, role.Name)); err != nil {
		return Role{}, fmt.Errorf("adding the role %q: %w", role.Name, takenIf(err))
	}
	o.changed(actor, "role added", "role", role.ID, "name", role.Name)
	return Role(role), nil
}

// maxRoles is how many roles an operator can make: all of them are read wherever one is
// looked for.
const maxRoles = 1000

func checkRole(member, text string) error {
	if err := sso.CheckRole(text); err != nil {
		return invalid(member, "%v", err)
	}
	return nil
}

// checkMeansOne is ErrTaken if one role would be called what another has as its ID. The
// configuration and whoever removes a role name it by either, and would get the wrong one.
func checkMeansOne(roles []sso.Role, role sso.Role) error {
	for _, other := range roles {
		switch {
		case other.ID == role.ID:
		case other.ID == sso.RoleID(role.Name):
			return fmt.Errorf("%w: %q is the ID of the role %q; roles are found by either", ErrTaken, role.Name, other.Name)
		case sso.RoleID(other.Name) == role.ID:
			return fmt.Errorf("%w: %q is the name of another role; roles are found by either", ErrTaken, role.ID)
		}
	}
	return nil
}

// takenIf makes an ErrTaken of what the store says of roles.
func takenIf(err error) error {
	if errors.Is(err, sso.ErrRoleExists) || errors.Is(err, sso.ErrRoleInUse) {
		return fmt.Errorf("%w: %w", ErrTaken, err)
	}
	return err
}

// RenameRole renames a role. sso.ErrNotFound if it is not there, ErrTaken if another has
// the name.
func (o *Operations) RenameRole(ctx context.Context, req RenameRole) (Role, error) {
	actor, err := o.allow(ctx, RolesWrite)
	if err != nil {
		return Role{}, err
	}
	role, err := o.findRole(ctx, req.Role)
	if err != nil {
		return Role{}, err
	}
	if err := checkRole("name", req.Name); err != nil {
		return Role{}, err
	}
	roles, err := o.ports.Roles.Roles(ctx)
	if err == nil {
		err = checkMeansOne(roles, sso.Role{ID: role.ID, Name: req.Name})
	}
	if err != nil {
		return Role{}, fmt.Errorf("renaming the role %q: %w", role.Name, err)
	}
	if err := o.ports.Roles.RenameRole(ctx, role.ID, req.Name, o.named(ctx, actor, sso.EventRoleRenamed, req.Name+", before: "+role.Name)); err != nil {
		return Role{}, fmt.Errorf("renaming the role %q: %w", role.Name, takenIf(err))
	}
	o.changed(actor, "role renamed", "role", role.ID, "name", req.Name)
	return Role{ID: role.ID, Name: req.Name}, nil
}

// RemoveRole removes a role. sso.ErrNotFound if it is not there; ErrTaken if anybody has
// it, and the request does not say what becomes of them.
func (o *Operations) RemoveRole(ctx context.Context, req RemoveRole) (RemovedRole, error) {
	actor, err := o.allow(ctx, RolesWrite)
	if err != nil {
		return RemovedRole{}, err
	}
	role, err := o.findRole(ctx, req.Role)
	if err != nil {
		return RemovedRole{}, err
	}
	to, err := o.successorOf(ctx, role, req)
	if err != nil {
		return RemovedRole{}, err
	}
	users, err := o.ports.Roles.RemoveRole(ctx, role.ID, to, o.roleRemoved(ctx, actor, role, to))
	if errors.Is(err, sso.ErrRoleInUse) {
		return RemovedRole{}, fmt.Errorf("%w; say which role they get (move_to), or that they have none then (without)", takenIf(err))
	}
	if err != nil {
		return RemovedRole{}, fmt.Errorf("removing the role %q: %w", role.Name, err)
	}
	o.changed(actor, "role removed", "role", role.ID, "name", role.Name, "users", users)
	return RemovedRole{Users: users, Warnings: o.namedBy(role)}, nil
}

func (o *Operations) roleRemoved(ctx context.Context, actor Actor, role sso.Role, to *string) sso.Event {
	e := o.named(ctx, actor, sso.EventRoleRemoved, role.Name)
	if to != nil && *to != "" {
		e.Detail += "; who had it has " + *to
	}
	return e
}

// successorOf returns the ID of the role that those who have this one get.
func (o *Operations) successorOf(ctx context.Context, role sso.Role, req RemoveRole) (*string, error) {
	none := ""
	switch {
	case req.Without && req.MoveTo != "":
		return nil, invalid("without", "goes without move_to")
	case req.Without:
		return &none, nil
	case req.MoveTo == "":
		return nil, nil
	}
	next, err := o.findRole(ctx, req.MoveTo)
	if err == nil && next.ID == role.ID {
		err = invalid("move_to", "is the role that is removed")
	}
	return &next.ID, err
}

// namedBy warns where a login would make the role again.
func (o *Operations) namedBy(role sso.Role) []string {
	if o.ports.Providers == nil {
		return []string{}
	}
	names := role.NamedBy(o.ports.Providers())
	if len(names) == 0 {
		return []string{}
	}
	return []string{fmt.Sprintf("the configuration still gives the role %q, at: %s", role.Name, strings.Join(names, ", "))}
}

// findRole returns the role of that ID or name, or sso.ErrNotFound.
func (o *Operations) findRole(ctx context.Context, text string) (sso.Role, error) {
	roles, err := o.ports.Roles.Roles(ctx)
	if err != nil {
		return sso.Role{}, fmt.Errorf("looking up a role: %w", err)
	}
	role, ok := sso.FindRole(roles, text)
	if !ok {
		return sso.Role{}, notFound("role", text)
	}
	return role, nil
}

// roleID returns the ID of the role that a request names, as an ErrInvalid if there is
// none; empty stays empty.
func (o *Operations) roleID(ctx context.Context, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	role, err := o.findRole(ctx, text)
	if errors.Is(err, sso.ErrNotFound) {
		return "", invalid("role", "is not there; doorward role list shows those that are")
	}
	return role.ID, err
}
