package sso

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Profile is what people change of their own account. What is nil stays as it is, and an
// empty text is no value. Where the provider has SYNC_USER_INFO, the next login writes the
// names that it tells over these.
type Profile struct{ FirstName, LastName, Language *string }

// errUnchanged has a store write nothing.
var errUnchanged = errors.New("nothing is changed")

// ChangeProfile changes what people may change of their own account, and returns the user
// as it is then. The event names what was changed; where nothing is, nothing is written.
//
// Errors: a *TextError; ErrUserInactive; ErrSessionInvalid if there is no such user any
// more; and whatever the store returns.
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
		return User{}, fmt.Errorf("changing a profile: %w: there is no such user any more", ErrSessionInvalid)
	case err != nil:
		return User{}, fmt.Errorf("changing a profile: %w", err)
	}
	return now, nil
}

// members are what a profile changes, and where a user has that.
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
