package sso

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Profile is what people can change of their own account. Nil members stay as they are,
// and an empty text removes the value. If the provider has SYNC_USER_INFO, the next login
// overwrites the names with its own.
type Profile struct{ FirstName, LastName, Language *string }

// errUnchanged makes a store write nothing.
var errUnchanged = errors.New("nothing is changed")

// ChangeProfile changes the user's own profile, and returns the user afterwards. The
// event names what was changed; if nothing was, nothing is written.
//
// Errors: a *TextError; ErrUserInactive; ErrSessionInvalid if the user does not exist any
// more; and any error of the store.
func (s *Service) ChangeProfile(ctx context.Context, who Principal, profile Profile) (User, error) {
	if err := profile.check(); err != nil {
		return User{}, err
	}
	var now User
	_, _, err := s.ports.Users.ChangeUser(ctx, who.User.ID, func(user *User) ([]Event, error) {
		before := *user
		if err := before.MaySignIn(); err != nil {
			return nil, err
		}
		profile.apply(user)
		now = *user
		changed := user.ChangedTexts(before)
		if len(changed) == 0 {
			return nil, errUnchanged
		}
		e := s.event(ctx, EventUserChanged, ActorUser)
		e.UserID, e.SessionID, e.Provider, e.Detail = who.User.ID, who.Session.ID, who.Session.Provider, strings.Join(changed, ", ")
		return []Event{e}, nil
	})
	switch {
	case errors.Is(err, errUnchanged):
	case errors.Is(err, ErrNotFound):
		return User{}, fmt.Errorf("changing a profile: %w: the user does not exist any more", ErrSessionInvalid)
	case err != nil:
		return User{}, fmt.Errorf("changing a profile: %w", err)
	}
	return now, nil
}

// members pairs the values of a profile with the fields of a user.
func (p Profile) members(user *User) map[string]struct{ from, to *string } {
	return map[string]struct{ from, to *string }{
		"first_name": {p.FirstName, &user.FirstName}, "last_name": {p.LastName, &user.LastName}, "language": {p.Language, &user.Language},
	}
}

func (p Profile) check() error {
	for name, member := range p.members(new(User)) {
		if member.from == nil {
			continue
		}
		if err := (UserText{name, strings.TrimSpace(*member.from)}).Check(); err != nil {
			return err
		}
	}
	return nil
}

func (p Profile) apply(user *User) {
	for _, member := range p.members(user) {
		if member.from != nil {
			*member.to = strings.TrimSpace(*member.from)
		}
	}
}
