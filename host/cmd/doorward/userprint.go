package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// userID finds the user that an argument names.
func (o *operator) userID(ctx context.Context, text string) (string, error) {
	if !strings.Contains(text, "@") {
		return text, nil
	}
	users, err := o.withAddress(ctx, text)
	switch {
	case err != nil:
		return "", err
	case len(users) == 0:
		return "", nobodyHas(text)
	case len(users) > 1:
		ids := make([]string, len(users))
		for i, user := range users {
			ids[i] = user.ID
		}
		return "", fmt.Errorf("several users have the e-mail address %s; use an ID: %s", shown(text), strings.Join(ids, ", "))
	}
	return users[0].ID, nil
}

// someUser finds the user that a flag names, and returns an error if there is none: an empty
// result for a misspelled name must not look like a result for a user.
func (o *operator) someUser(ctx context.Context, text string) (string, error) {
	id, err := o.userID(ctx, text)
	if err != nil || id == "" {
		return id, err
	}
	_, err = o.client.Call(ctx, "showUser", people.OneUser{User: id})
	return id, err
}

// knows returns an error if nobody has that ID or e-mail address. Several may have it.
func (o *operator) knows(ctx context.Context, text string) error {
	if strings.Contains(text, "@") {
		users, err := o.withAddress(ctx, text)
		if err == nil && len(users) == 0 {
			err = nobodyHas(text)
		}
		return err
	}
	_, err := o.someUser(ctx, text)
	return err
}

func (o *operator) withAddress(ctx context.Context, address string) ([]people.User, error) {
	answer, err := o.client.Call(ctx, "listUsers", people.ListUsers{Email: address, Paging: people.Paging{Limit: 10}})
	if err != nil {
		return nil, err
	}
	return admin.Decode[[]people.User](answer)
}

func nobodyHas(address string) error {
	return fmt.Errorf("no user has the e-mail address %s; see: doorward user list", shown(address))
}

func (o *operator) listUsers(ctx context.Context, req people.ListUsers) error {
	return list(ctx, o, "listUsers", req, "ID\tSTATUS\tEMAIL\tNAME\tROLE\tPROVIDER\tSUBJECT\tLAST ACCESS", func(u people.User) []string {
		return []string{
			u.ID, string(u.Status), shownOrDash(u.Email), nameOf(u), shownOrDash(roleOf(u)), shownOrDash(u.Provider), shownOrDash(u.Subject), timeOrDash(u.LastAccess),
		}
	})
}

func nameOf(u people.User) string {
	var names []string
	for _, name := range []*string{u.FirstName, u.LastName} {
		if name != nil {
			names = append(names, *name)
		}
	}
	return orDash(shown(strings.Join(names, " ")))
}

// roleOf is the name of the role, or its ID if the role has been removed.
func roleOf(u people.User) *string {
	if u.RoleName != nil {
		return u.RoleName
	}
	return u.Role
}

func (o *operator) showUser(ctx context.Context, id string) error {
	var user people.UserDetails
	if done, err := o.call(ctx, "showUser", people.OneUser{User: id}, &user); done || err != nil {
		return err
	}
	return o.printUser(user)
}

func (o *operator) printUser(user people.UserDetails) error {
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"id", user.ID}, {"status", string(user.Status)}, {"email", shownOrDash(user.Email)}, {"name", nameOf(user.User)},
		{"username", shownOrDash(user.Username)}, {"language", shownOrDash(user.Language)}, {"role", shownOrDash(roleOf(user.User))},
		{"created", timeOrDash(user.CreatedAt)}, {"last access", timeOrDash(user.LastAccess)},
	} {
		fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
	}
	for _, link := range user.Links {
		fmt.Fprintf(w, "link\t%s at %s\n", shown(link.Subject), shown(link.Provider))
	}
	for _, claim := range user.Claims {
		fmt.Fprintf(w, "waits for\t%s\n", waitsFor(claim))
	}
	if len(user.Links) == 0 {
		fmt.Fprintln(w, "link\tnone: nobody can sign in to this account yet")
	}
	return w.Flush()
}

func waitsFor(c people.ClaimOfUser) string {
	switch c.Kind {
	case sso.ClaimByInvitation:
		return "a login with the invitation, until " + timeOrDash(c.ExpiresAt)
	case sso.ClaimByEmail:
		return "a login at " + shownOrDash(c.Provider) + " with the verified address " + shownOrDash(c.Key)
	default:
		return "a login at " + shownOrDash(c.Provider) + " as " + shownOrDash(c.Key) + ", ignoring case"
	}
}

func (o *operator) printWarnings(warnings []string) {
	for _, warning := range warnings {
		fmt.Fprintln(o.out, "warning:", shown(warning))
	}
}

func (o *operator) addUser(ctx context.Context, req people.AddUser) error {
	var added people.AddedUser
	if done, err := o.call(ctx, "addUser", req, &added); done || err != nil {
		return err
	}
	fmt.Fprintf(o.out, "added: %s\n", added.ID)
	o.printWarnings(added.Warnings)
	return nil
}

func (o *operator) setUser(ctx context.Context, who string, req people.SetUser) (err error) {
	if req.User, err = o.userID(ctx, who); err != nil {
		return err
	}
	var user people.UserDetails
	if done, err := o.call(ctx, "setUser", req, &user); done || err != nil {
		return err
	}
	return o.printUser(user)
}

func (o *operator) suspendUser(ctx context.Context, id string) error {
	return o.changeUser(ctx, "suspendUser", people.OneUser{User: id}, "suspended")
}

func (o *operator) activateUser(ctx context.Context, id string) error {
	return o.changeUser(ctx, "activateUser", people.OneUser{User: id}, "active")
}

func (o *operator) changeUser(ctx context.Context, operation string, req any, what string) error {
	var changed people.ChangedUser
	if done, err := o.call(ctx, operation, req, &changed); done || err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%s: %s %s; sessions ended: %d\n", what, changed.ID, shownOrDash(changed.Email), changed.SessionsEnded)
	return nil
}

func (o *operator) linkUser(ctx context.Context, id, provider, subject string) error {
	var linked people.LinkedUser
	req := people.LinkUser{OneUser: people.OneUser{User: id}, Provider: provider, Subject: subject}
	if done, err := o.call(ctx, "linkUser", req, &linked); done || err != nil {
		return err
	}
	o.printWarnings(linked.Warnings)
	return o.printUser(linked.UserDetails)
}

func (o *operator) unlinkUser(ctx context.Context, id, provider, subject string) error {
	return o.changeUser(ctx, "unlinkUser", people.UnlinkUser{OneUser: people.OneUser{User: id}, Provider: provider, Subject: subject}, "unlinked")
}

func (o *operator) deleteUser(ctx context.Context, who string, asks confirmation) error {
	id, err := o.userID(ctx, who)
	if err != nil {
		return err
	}
	answer, err := o.client.Call(ctx, "showUser", people.OneUser{User: id})
	if err != nil {
		return err
	}
	user, err := admin.Decode[people.UserDetails](answer)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Permanently delete %s, %s, %s, with %d links and all sessions.", user.ID, shownOrDash(user.Email), nameOf(user.User), len(user.Links))
	if err := asks.confirm(ctx, question); err != nil {
		return err
	}
	var deleted people.DeletedUser
	if done, err := o.call(ctx, "deleteUser", people.OneUser{User: id}, &deleted); done || err != nil {
		return err
	}
	fmt.Fprintf(o.out, "deleted: %s; sessions ended: %d\n", id, deleted.SessionsEnded)
	return nil
}
