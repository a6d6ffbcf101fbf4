package people

import (
	"encoding/json"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// User is a user as a list shows one.
type User struct {
	ID         string         `json:"id" doc:"UUID"`
	Status     sso.UserStatus `json:"status" doc:"only who is active may sign in"`
	Email      *string        `json:"email"`
	FirstName  *string        `json:"first_name"`
	LastName   *string        `json:"last_name"`
	Language   *string        `json:"language" doc:"that they want to be addressed in"`
	Role       *string        `json:"role" doc:"ID of the role"`
	RoleName   *string        `json:"role_name"`
	Username   *string        `json:"username" doc:"what a provider calls them; it identifies nobody"`
	Provider   *string        `json:"provider" doc:"of the link that the user was made with; null: there is none"`
	Subject    *string        `json:"subject" doc:"what that provider calls them"`
	CreatedAt  *time.Time     `json:"created_at"`
	LastAccess *time.Time     `json:"last_access" doc:"when they signed in last; null: not yet"`
}

// showUser shows a user; roles are all that there are.
func showUser(u sso.User, roles []sso.Role) User {
	name := ""
	for _, role := range roles {
		if role.ID == u.Role {
			name = role.Name
		}
	}
	return User{
		ID: u.ID, Status: u.Status, Email: orNull(u.Email), FirstName: orNull(u.FirstName), LastName: orNull(u.LastName), Language: orNull(u.Language), Role: orNull(u.Role), RoleName: orNull(name), Username: orNull(u.Username),
		Provider: orNull(u.Provider), Subject: orNull(u.Subject), CreatedAt: timeOrNull(u.CreatedAt), LastAccess: timeOrNull(u.LastAccess),
	}
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func timeOrNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

// UserDetails is a user with what belongs to them.
type UserDetails struct {
	User
	Links  []LinkOfUser  `json:"links" doc:"by which they sign in; without one they cannot"`
	Claims []ClaimOfUser `json:"claims" doc:"by what a first login takes the account; none once it has a link"`
}

// LinkOfUser is a link as it is shown.
type LinkOfUser struct {
	Provider string `json:"provider"`
	Subject  string `json:"subject"`
}

// ClaimOfUser is a claim as it is shown: of an invitation nothing that opens it.
type ClaimOfUser struct {
	Kind      sso.ClaimKind `json:"kind" doc:"identifier: what another system stored; email: a verified address; invitation: a one-time link"`
	Provider  *string       `json:"provider" doc:"whose login takes it; null: whoever's"`
	Key       *string       `json:"key" doc:"what the login must bring, compared without case; null for an invitation"`
	ExpiresAt *time.Time    `json:"expires_at" doc:"null: never"`
}

func showClaim(c sso.Claim) ClaimOfUser {
	shown := ClaimOfUser{Kind: c.Kind, Provider: orNull(c.Provider), Key: orNull(c.Key), ExpiresAt: timeOrNull(c.ExpiresAt)}
	if c.Kind == sso.ClaimByInvitation {
		shown.Key = nil
	}
	return shown
}

func showDetails(u sso.User, roles []sso.Role, links []Link, claims []sso.Claim) UserDetails {
	details := UserDetails{User: showUser(u, roles), Links: []LinkOfUser{}, Claims: []ClaimOfUser{}}
	for _, claim := range claims {
		details.Claims = append(details.Claims, showClaim(claim))
	}
	for _, link := range links {
		details.Links = append(details.Links, LinkOfUser(link))
	}
	return details
}

// ListUsers asks for users.
type ListUsers struct {
	Provider string `json:"-" query:"provider" max:"64" doc:"only who has a link at this provider"`
	Subject  string `json:"-" query:"subject" max:"255" doc:"only who is called so there; goes with provider"`
	Status   string `json:"-" query:"status" max:"32" doc:"only those of this status"`
	Email    string `json:"-" query:"email" max:"1024" doc:"only who has this address, in any case"`
	Role     string `json:"-" query:"role" max:"255" doc:"only who has the role of this ID or name"`
	Paging
}

// OneUser names a user.
type OneUser struct {
	User string `json:"-" path:"user" max:"64" doc:"ID of the user"`
}

// AddUser makes an account, which the first login by the link, or with the address,
// takes. Without either, nobody can sign in to it before they are invited.
type AddUser struct {
	ID        string `json:"id,omitempty" max:"36" doc:"UUID; made up if it is not given"`
	Provider  string `json:"provider,omitempty" max:"64" doc:"goes with subject"`
	Subject   string `json:"subject,omitempty" max:"255" doc:"what the provider calls them: sub, NameID, entryUUID"`
	Email     string `json:"email,omitempty" max:"1024"`
	FirstName string `json:"first_name,omitempty" max:"1024"`
	LastName  string `json:"last_name,omitempty" max:"1024"`
	Role      string `json:"role,omitempty" max:"255" doc:"ID or name"`

	EmailProvider string `json:"email_provider,omitempty" max:"64" doc:"in place of provider and subject: who signs in there with this verified e-mail address takes the account, if the provider has LINK_BY_VERIFIED_EMAIL"`
	Invited       bool   `json:"invited,omitempty" doc:"in place of provider and subject: the status is invited until an invitation is accepted"`
}

// AddedUser is the new account.
type AddedUser struct {
	UserDetails
	Warnings []string `json:"warnings" doc:"what may not be meant"`
}

// SetUser changes an account. What is not given stays as it is.
type SetUser struct {
	OneUser
	Email     Change `json:"email,omitzero" max:"1024"`
	FirstName Change `json:"first_name,omitzero" max:"1024"`
	LastName  Change `json:"last_name,omitzero" max:"1024"`
	Role      Change `json:"role,omitzero" max:"255" doc:"ID or name"`
}

// Change is a new value for a text. The zero value changes nothing; null and "" are
// no value.
type Change struct {
	given bool
	value string
}

// ChangeTo makes a change to that value.
func ChangeTo(value string) Change { return Change{given: true, value: value} }

// UnmarshalJSON reads null or a string.
func (c *Change) UnmarshalJSON(data []byte) error {
	c.given, c.value = true, ""
	return json.Unmarshal(data, &c.value)
}

// MarshalJSON writes null or a string.
func (c Change) MarshalJSON() ([]byte, error) { return json.Marshal(orNull(c.value)) }

// String returns the new value.
func (c Change) String() string { return c.value }

// apply makes the change, and reports whether there is one.
func (c Change) apply(to *string) bool {
	if !c.given || *to == c.value {
		return false
	}
	*to = c.value
	return true
}

// ChangedUser is a user after a change, with what it ended.
type ChangedUser struct {
	UserDetails
	SessionsEnded int `json:"sessions_ended"`
}

// DeletedUser says what went with a user.
type DeletedUser struct {
	SessionsEnded int `json:"sessions_ended"`
}

// LinkUser ties a link to a user.
type LinkUser struct {
	OneUser
	Provider string `json:"provider" max:"64"`
	Subject  string `json:"subject" max:"255" doc:"what the provider calls them: sub, NameID, entryUUID"`
}

// LinkedUser is a user after a link was tied.
type LinkedUser struct {
	UserDetails
	Warnings []string `json:"warnings" doc:"what may not be meant"`
}

// UnlinkUser unties a link.
type UnlinkUser struct {
	OneUser
	Provider string `json:"-" query:"provider" max:"64" required:"yes"`
	Subject  string `json:"-" query:"subject" max:"255" required:"yes"`
}
