package people

import (
	"errors"
	"fmt"

	"github.com/doorward/doorward/host/internal/sso"
)

// The refusals of this package, in addition to sso.ErrNotFound.
var (
	// ErrTaken: something that must be unique exists already.
	ErrTaken = errors.New("already taken")

	// ErrClaimed is an ErrTaken: the account has a link, so it cannot wait for a login.
	ErrClaimed = fmt.Errorf("%w: the account has a link, so somebody signs in to it; doorward user link adds another", ErrTaken)

	// ErrInvalid: a request contains a value that cannot be right.
	ErrInvalid = errors.New("invalid request")

	// ErrFull: the limit is reached. It keeps each list readable.
	ErrFull = errors.New("the limit is reached")

	// ErrKeyInvalid: the key does not exist, or does not exist any more.
	ErrKeyInvalid = errors.New("key is not valid")

	// ErrForbidden: the actor may not do that.
	ErrForbidden = errors.New("not allowed")
)

// InvalidError is an ErrInvalid that says which member of the request is wrong, and how.
type InvalidError struct{ Member, How string }

func (e *InvalidError) Error() string { return e.Member + " " + e.How }
func (*InvalidError) Unwrap() error   { return ErrInvalid }

func invalid(member, format string, args ...any) error {
	return &InvalidError{Member: member, How: fmt.Sprintf(format, args...)}
}

// LinkTakenError is an ErrTaken: the link belongs to a user, and is not moved.
type LinkTakenError struct {
	Link Link
	User sso.User
}

func (e *LinkTakenError) Error() string {
	whose := e.User.ID
	if e.User.Email != "" {
		whose += " (" + e.User.Email + ")"
	}
	return fmt.Sprintf("subject %q at provider %s already belongs to user %s and is not moved; to move it, unlink it there first",
		e.Link.Subject, e.Link.Provider, whose)
}
func (*LinkTakenError) Unwrap() error { return ErrTaken }

// notFound is an sso.ErrNotFound that says what was not found.
func notFound(what, id string) error { return fmt.Errorf("%s %q: %w", what, id, sso.ErrNotFound) }
