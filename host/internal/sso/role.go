package sso

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

// Role is a role that users can have. Applications decide what a role may do.
type Role struct {
	// ID is the value in access tokens and users: a UUID, or the name in the
	// configuration from before roles had IDs. It never changes.
	ID string

	Name string // unique, compared byte for byte
}

var (
	// ErrRoleExists: another role has the ID or the name.
	ErrRoleExists = errors.New("the role exists already")

	// ErrRoleInUse: users have the role, and the caller did not say what happens to them.
	ErrRoleInUse = errors.New("users have the role")
)

// Roles stores roles, of which there are few. Events are stored for changes.
type Roles interface {
	// Roles returns all roles, by name. The caller must not change them.
	Roles(ctx context.Context) ([]Role, error)

	// AddRole stores a role. ErrRoleExists if the ID or the name exists.
	AddRole(ctx context.Context, role Role, event Event) error

	// RenameRole renames the role with that ID. ErrNotFound if it does not exist,
	// ErrRoleExists if another role has that name.
	RenameRole(ctx context.Context, id, name string, event Event) error

	// RemoveRole removes a role, and returns how many users had it. They get the role
	// whose ID moveTo points to, or none if that is empty. If moveTo is nil and users
	// have the role, nothing changes and the error is ErrRoleInUse. ErrNotFound if one of
	// the roles does not exist.
	RemoveRole(ctx context.Context, id string, moveTo *string, event Event) (users int, err error)
}

// MaxRole bounds the ID and the name of a role in bytes, like a subject. The ID is part
// of access tokens.
const MaxRole = sdk.MaxSubject

// CheckRole returns why a text cannot be the ID or the name of a role: it is empty, has
// more than [MaxRole] bytes, is not UTF-8 or contains a control character.
func CheckRole(text string) error {
	if len(text) > MaxRole {
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(text), MaxRole)
	}
	return contract.CheckGroup(text)
}

// FindRole returns the role that an operator means: the one with that ID, otherwise the
// one with that name. UUIDs match in any case (RFC 9562 section 4); everything else is
// compared byte for byte.
func FindRole(roles []Role, text string) (Role, bool) {
	for _, id := range []string{text, RoleID(text)} {
		if i := slices.IndexFunc(roles, func(r Role) bool { return r.ID == id }); i >= 0 {
			return roles[i], true
		}
	}
	if i := slices.IndexFunc(roles, func(r Role) bool { return r.Name == text }); i >= 0 {
		return roles[i], true
	}
	return Role{}, false
}

var uuidForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// RoleID returns the ID of a role as entered: a UUID in lower case, as UUIDs are written
// (RFC 9562 section 4), and any other text as it is.
func RoleID(text string) string {
	if uuidForm.MatchString(text) {
		return strings.ToLower(text)
	}
	return text
}

// CanBeGroup reports whether a group may match the role's name. A role that was created
// from a UUID in the configuration does not match.
func (r Role) CanBeGroup() bool { return !uuidForm.MatchString(r.Name) }

// NewRole returns a role with a new ID.
func NewRole(name string) Role { return Role{ID: NewUUID(), Name: name} }

// NamedBy returns the providers whose configuration names the role: a login that needs it
// would create it again.
func (r Role) NamedBy(providers []Provider) (names []string) {
	for _, p := range providers {
		texts := []string{p.DefaultRole}
		for _, rule := range p.RoleMapping {
			texts = append(texts, rule.Role)
		}
		if slices.ContainsFunc(texts, func(text string) bool { _, ok := FindRole([]Role{r}, text); return ok }) {
			names = append(names, p.Name)
		}
	}
	return names
}
