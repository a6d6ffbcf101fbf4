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

// Roles keeps roles. There are few of them. The events are kept of what was changed.
type Roles interface {
	// Roles returns all roles, by name. The caller must not change them.
	Roles(ctx context.Context) ([]Role, error)

	// AddRole stores a role. ErrRoleExists if there is one of that ID or name.
	AddRole(ctx context.Context, role Role, event Event) error

	// RenameRole gives the role of that ID another name. ErrNotFound if there is none,
	// ErrRoleExists if another role has that name.
	RenameRole(ctx context.Context, id, name string, event Event) error

	// RemoveRole removes a role, and returns how many users had it. They get the role
	// whose ID moveTo points to, or none if that is empty. If moveTo is nil, and there
	// are any, nothing changes and it is ErrRoleInUse. ErrNotFound if one of the roles is
	// not there.
	RemoveRole(ctx context.Context, id string, moveTo *string, event Event) (users int, err error)
}

// MaxRole bounds the ID and the name of a role in bytes, as a subject is bounded. The ID
// stands in access tokens.
const MaxRole = sdk.MaxSubject

// CheckRole says what keeps a text from being the ID or the name of a role: that it is
// empty, has more than [MaxRole] bytes, is not UTF-8 or has a control character in it.
func CheckRole(text string) error {
	if len(text) > MaxRole {
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(text), MaxRole)
	}
	return contract.CheckGroup(text)
}

// FindRole returns the role that an operator means: the one of that ID, or else the one
// of that name. UUIDs are found in any case (RFC 9562 section 4); all else is compared
// byte for byte.
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

// RoleID returns the ID of a role that somebody writes: a UUID in lower case, as they are
// written (RFC 9562 section 4), and any other text as it is.
func RoleID(text string) string {
	if uuidForm.MatchString(text) {
		return strings.ToLower(text)
	}
	return text
}

// CanBeGroup reports whether a group may be called what the role is called: not one that
// was made of a UUID in the configuration.
func (r Role) CanBeGroup() bool { return !uuidForm.MatchString(r.Name) }

// NewRole makes a role with an ID of its own.
func NewRole(name string) Role { return Role{ID: NewUUID(), Name: name} }

// NamedBy returns the providers whose configuration names the role: a login that needs
// it would make it again.
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
