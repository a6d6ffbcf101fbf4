package people

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk/contract"
)

const listOfUsers = "users"

// ListUsers returns the matching users, in the order in which they were created.
func (o *Operations) ListUsers(ctx context.Context, req ListUsers) (Page[User], error) {
	if _, err := o.allow(ctx, UsersRead); err != nil {
		return Page[User]{}, err
	}
	if req.Subject != "" && req.Provider == "" {
		return Page[User]{}, invalid("subject", "requires provider: at another provider, the same subject is another person")
	}
	part, err := req.part(listOfUsers)
	if err != nil {
		return Page[User]{}, err
	}
	roles, err := o.ports.Roles.Roles(ctx)
	if err != nil {
		return Page[User]{}, fmt.Errorf("listing users: %w", err)
	}
	status := sso.UserStatus(req.Status)
	if all := sso.UserStatuses(); status != "" && !slices.Contains(all, status) {
		return Page[User]{}, invalid("status", "is unknown; the statuses are %s", joinedNames(all))
	}
	filter := UserFilter{Provider: req.Provider, Subject: o.subjectAt(req.Provider, req.Subject), Status: status, Email: req.Email}
	if filter.Role, err = o.roleID(ctx, req.Role); err != nil {
		return Page[User]{}, err
	}
	found, next, err := o.ports.Accounts.FindUsers(ctx, filter, part)
	if err != nil {
		return Page[User]{}, fmt.Errorf("listing users: %w", err)
	}
	return pageOf(listOfUsers, found, next, func(u sso.User) User { return showUser(u, roles) }), nil
}

// ShowUser returns a user with all links, or sso.ErrNotFound.
func (o *Operations) ShowUser(ctx context.Context, req OneUser) (UserDetails, error) {
	if _, err := o.allow(ctx, UsersRead); err != nil {
		return UserDetails{}, err
	}
	return o.details(ctx, req.User)
}

func (o *Operations) details(ctx context.Context, id string) (UserDetails, error) {
	user, links, err := o.ports.Accounts.UserByID(ctx, id)
	if err != nil {
		return UserDetails{}, fmt.Errorf("looking up a user: %w", err)
	}
	roles, err := o.ports.Roles.Roles(ctx)
	if err != nil {
		return UserDetails{}, fmt.Errorf("looking up the role of a user: %w", err)
	}
	claims, err := o.ports.Accounts.ClaimsOf(ctx, id)
	if err != nil {
		return UserDetails{}, fmt.Errorf("looking up the claims of a user: %w", err)
	}
	return showDetails(user, roles, links, claims), nil
}

// AddUser creates an account. ErrTaken if the ID exists; a *LinkTakenError if another
// user has the link.
func (o *Operations) AddUser(ctx context.Context, req AddUser) (AddedUser, error) {
	actor, err := o.allow(ctx, UsersWrite)
	if err != nil {
		return AddedUser{}, err
	}
	user, err := o.newUser(ctx, req)
	if err != nil {
		return AddedUser{}, err
	}
	claims, warnings, err := o.claimsOfNew(ctx, req)
	if err != nil {
		return AddedUser{}, err
	}
	if err := o.ports.Accounts.AddUser(ctx, user, o.userAdded(ctx, actor, user), claims...); err != nil {
		return AddedUser{}, fmt.Errorf("adding a user: %w", err)
	}
	o.changed(actor, "user added", "user", user.ID, "provider", cmp.Or(user.Provider, req.EmailProvider))
	details, err := o.details(ctx, user.ID)
	return AddedUser{UserDetails: details, Warnings: warnings}, err
}

func (o *Operations) userAdded(ctx context.Context, actor Actor, user sso.User) sso.Event {
	e := o.aboutLink(ctx, actor, sso.EventUserAdded, user.ID, Link{user.Provider, user.Subject})
	e.Detail = sso.RoleDetail("", user.Role)
	return e
}

func (o *Operations) newUser(ctx context.Context, req AddUser) (user sso.User, err error) {
	user = sso.User{
		ID: req.ID, Provider: req.Provider, Subject: o.subjectAt(req.Provider, req.Subject), Status: sso.UserActive,
		Email: req.Email, FirstName: req.FirstName, LastName: req.LastName, CreatedAt: o.ports.Now(),
	}
	if req.Invited {
		user.Status = sso.UserInvited
	}
	if user.ID == "" {
		user.ID = sso.NewUUID()
	} else if !uuidForm.MatchString(user.ID) {
		return sso.User{}, invalid("id", "must be a UUID in lower case")
	}
	if req.Provider != "" || req.Subject != "" {
		if err := checkLink(Link{user.Provider, user.Subject}); err != nil {
			return sso.User{}, err
		}
	}
	if user.Role, err = o.roleID(ctx, req.Role); err != nil {
		return sso.User{}, err
	}
	return user, checkTexts(user)
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// maxProvider is the longest name of a provider here, in bytes.
const maxProvider = 64

func checkLink(link Link) error {
	switch {
	case link.Provider == "":
		return invalid("provider", "is missing: a subject needs a provider")
	case len(link.Provider) > maxProvider:
		return invalid("provider", "has more than %d bytes", maxProvider)
	case !printable(link.Provider):
		return invalid("provider", "contains a control character")
	}
	if err := contract.CheckSubject(link.Subject); err != nil {
		return invalid("subject", "%v", err)
	}
	return nil
}

// checkTexts checks the values that pages, headers and the log will contain.
func checkTexts(user sso.User) error {
	for _, text := range user.Texts() {
		if wrong, ok := errors.AsType[*sso.TextError](text.Check()); ok {
			return invalid(wrong.Member, "%s", wrong.Problem)
		}
	}
	return nil
}

// warnings returns possible mistakes: nobody can claim an account of a provider that does
// not exist. Its name may be misspelt, or it may come with the next reload.
func (o *Operations) warnings(provider string) []string {
	switch {
	case provider == "":
		return []string{"nobody can sign in to this account yet: it has no link; doorward user invite creates a link by which somebody can take it"}
	case o.ports.Providers == nil:
		return []string{fmt.Sprintf("the configuration cannot be read here, so provider %q may not exist", provider)}
	}
	known := []string{}
	for _, p := range o.ports.Providers() {
		known = append(known, p.Name)
	}
	if slices.Contains(known, provider) {
		return []string{}
	}
	return []string{fmt.Sprintf("provider %q is not configured, and nobody can sign in through it; configured: %s", provider, cmp.Or(strings.Join(known, ", "), "none"))}
}

// subjectAt returns the subject as the provider's identities have it.
func (o *Operations) subjectAt(provider, subject string) string {
	if o.ports.Providers == nil {
		return subject
	}
	for _, p := range o.ports.Providers() {
		if p.Name == provider {
			return p.SubjectOf(subject)
		}
	}
	return subject
}

// SetUser changes an account, or returns sso.ErrNotFound.
func (o *Operations) SetUser(ctx context.Context, req SetUser) (UserDetails, error) {
	actor, err := o.allow(ctx, UsersWrite)
	if err != nil {
		return UserDetails{}, err
	}
	if req.Role.value, err = o.roleID(ctx, req.Role.value); err != nil {
		return UserDetails{}, err
	}
	_, _, err = o.ports.Accounts.ChangeUser(ctx, req.User, func(user *sso.User) ([]sso.Event, error) {
		before := *user
		if req.Email.apply(&user.Email) {
			user.EmailVerifiedBy = "" // no provider has verified the new address
		}
		req.FirstName.apply(&user.FirstName)
		req.LastName.apply(&user.LastName)
		req.Role.apply(&user.Role)
		return o.changes(ctx, actor, before, *user), checkTexts(*user)
	})
	if err != nil {
		return UserDetails{}, fmt.Errorf("changing a user: %w", err)
	}
	o.changed(actor, "user changed", "user", req.User)
	return o.details(ctx, req.User)
}

// SuspendUser blocks a user, and ends all their sessions in the same transaction. Other
// hosts notice within a second. Access tokens are refused wherever the session is looked
// up; a system that verifies them by itself accepts them until they expire.
func (o *Operations) SuspendUser(ctx context.Context, req OneUser) (ChangedUser, error) {
	return o.setStatus(ctx, req, sso.UserSuspended, sso.EventUserSuspended)
}

// ActivateUser allows a user to sign in. It does not restore sessions, and ends any that
// exist: a status changed directly in the database has ended none.
func (o *Operations) ActivateUser(ctx context.Context, req OneUser) (ChangedUser, error) {
	return o.setStatus(ctx, req, sso.UserActive, sso.EventUserActivated)
}

func (o *Operations) setStatus(ctx context.Context, req OneUser, status sso.UserStatus, kind sso.EventKind) (ChangedUser, error) {
	actor, err := o.allow(ctx, UsersWrite)
	if err != nil {
		return ChangedUser{}, err
	}
	_, ended, err := o.ports.Accounts.ChangeUser(ctx, req.User, func(user *sso.User) ([]sso.Event, error) {
		user.Status = status
		return []sso.Event{o.aboutUser(ctx, actor, kind, req.User)}, nil
	})
	if err != nil {
		return ChangedUser{}, fmt.Errorf("changing the status of a user: %w", err)
	}
	o.changed(actor, strings.ReplaceAll(string(kind), "_", " "), "user", req.User, "sessions", ended)
	details, err := o.details(ctx, req.User)
	return ChangedUser{UserDetails: details, SessionsEnded: ended}, err
}

// DeleteUser removes an account with its links and sessions. Where registration is open,
// the person's next login creates a new one.
func (o *Operations) DeleteUser(ctx context.Context, req OneUser) (DeletedUser, error) {
	actor, err := o.allow(ctx, UsersWrite)
	if err != nil {
		return DeletedUser{}, err
	}
	ended, err := o.ports.Accounts.DeleteUser(ctx, req.User, o.aboutUser(ctx, actor, sso.EventUserDeleted, req.User))
	if err != nil {
		return DeletedUser{}, fmt.Errorf("deleting a user: %w", err)
	}
	o.changed(actor, "user deleted", "user", req.User, "sessions", ended)
	return DeletedUser{SessionsEnded: ended}, nil
}

// LinkUser adds a link to a user. A *LinkTakenError if another user has it: links are
// never moved.
func (o *Operations) LinkUser(ctx context.Context, req LinkUser) (LinkedUser, error) {
	actor, err := o.allow(ctx, UsersWrite)
	if err != nil {
		return LinkedUser{}, err
	}
	link := Link{req.Provider, o.subjectAt(req.Provider, req.Subject)}
	if err := checkLink(link); err != nil {
		return LinkedUser{}, err
	}
	if err := o.ports.Accounts.AddLink(ctx, req.User, link, o.aboutLink(ctx, actor, sso.EventUserLinked, req.User, link)); err != nil {
		return LinkedUser{}, fmt.Errorf("linking a user: %w", err)
	}
	o.changed(actor, "user linked", "user", req.User, "provider", link.Provider)
	details, err := o.details(ctx, req.User)
	return LinkedUser{UserDetails: details, Warnings: o.warnings(link.Provider)}, err
}

// UnlinkUser removes a link and ends the sessions that it created. sso.ErrNotFound if the
// user does not have it.
func (o *Operations) UnlinkUser(ctx context.Context, req UnlinkUser) (ChangedUser, error) {
	actor, err := o.allow(ctx, UsersWrite)
	if err != nil {
		return ChangedUser{}, err
	}
	link := Link{req.Provider, o.subjectAt(req.Provider, req.Subject)}
	if err := checkLink(link); err != nil {
		return ChangedUser{}, err
	}
	ended, err := o.ports.Accounts.RemoveLink(ctx, req.User, link, o.aboutLink(ctx, actor, sso.EventUserUnlinked, req.User, link))
	if err != nil {
		return ChangedUser{}, fmt.Errorf("unlinking a user: %w", err)
	}
	o.changed(actor, "user unlinked", "user", req.User, "provider", link.Provider, "sessions", ended)
	details, err := o.details(ctx, req.User)
	return ChangedUser{UserDetails: details, SessionsEnded: ended}, err
}
