package people

import (
	"errors"
	"fmt"

	"github.com/doorward/doorward/host/internal/sso"
)

// The refusals of this package, besides sso.ErrNotFound.
var (
	// ErrTaken: what must be there once is there already.
	ErrTaken = errors.New("already taken")

	// ErrClaimed is an ErrTaken: somebody signs in to the account already, so that it waits
	// for nobody.
	ErrClaimed = fmt.Errorf("%w: the account has a link, by which somebody signs in to it; doorward user link adds another", ErrTaken)

	// ErrInvalid: a request has something in it that cannot be meant.
	ErrInvalid = errors.New("invalid request")

	// ErrFull: there are as many as there may be, so that each list can be read.
	ErrFull = errors.New("there are too many already")

	// ErrKeyInvalid: there is no such key (any more).
	ErrKeyInvalid = errors.New("key is not valid")

	// ErrForbidden: who asks may not do that.
	ErrForbidden = errors.New("not allowed")
)

// InvalidError is an ErrInvalid that says which member of the request is wrong, and how.
type InvalidError struct{ Member, How string }

func (e *InvalidError) Error() string { return e.Member + " " + e.How }
func (*InvalidError) Unwrap() error   { return ErrInvalid }

func invalid(member, format string, args ...any) error {
	return &InvalidError{Member: member, How: fmt.Sprintf(format, args...)}
}

// LinkTakenError is an ErrTaken: the link leads to a user, and is not moved.
type LinkTakenError struct {
	Link Link
	User sso.User
}

func (e *LinkTakenError) Error() string {
	whose := e.User.ID
	if e.User.Email != "" {
		whose += " (" + e.User.Email + ")"
	}
	return fmt.Sprintf("subject %q at provider %s is the user %s already, and is not moved; to do so all the same, unlink it there first",
		e.Link.Subject, e.Link.Provider, whose)
}
func (*LinkTakenError) Unwrap() error { return ErrTaken }

// notFound is an sso.ErrNotFound that says what is not there.
func notFound(what, id string) error { return fmt.Errorf("%s %q: %w", what, id, sso.ErrNotFound) }
