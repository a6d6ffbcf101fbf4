package sso

import (
	"context"
	"errors"
)

// Role is what users may be. What a role may do is for applications to say.
type Role struct {
	// ID is what access tokens and users say: a UUID, or the text that the
	// configuration named the role by before there was any. It never changes.
	ID string

	Name string // unique, compared byte for byte
}

var (
	// ErrRoleExists: the ID or the name is that of another role.
	ErrRoleExists = errors.New("there is such a role already")

	// ErrRoleInUse: users have the role, and nothing was said of what becomes of them.
	ErrRoleInUse = errors.New("users have the role")
)

// Roles keeps roles. There are few of them.
type Roles interface {
	// Roles returns all roles, by name. The caller must not change them.
	Roles(ctx context.Context) ([]Role, error)

	// AddRole stores a role. ErrRoleExists if there is one of that ID or name.
	AddRole(ctx context.Context, role Role) error

	// RenameRole gives the role of that ID another name. ErrNotFound if there is none,
	// ErrRoleExists if another role has that name.
	RenameRole(ctx context.Context, id, name string) error

	// RemoveRole removes a role, and returns how many users had it. They get the role
	// whose ID moveTo points to, or none if that is empty. If moveTo is nil, and there
	// are any, nothing changes and it is ErrRoleInUse. ErrNotFound if one of the roles is
	// not there.
	RemoveRole(ctx context.Context, id string, moveTo *string) (users int, err error)
}
