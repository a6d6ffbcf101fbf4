package web

import (
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// userBody is a user as Directus shows one.
type userBody struct {
	ID                 string  `json:"id"`
	FirstName          *string `json:"first_name"`
	LastName           *string `json:"last_name"`
	Email              *string `json:"email"`
	Language           *string `json:"language"`
	Username           *string `json:"username"`
	Role               *string `json:"role"`
	Status             string  `json:"status"`
	Provider           string  `json:"provider"`
	ExternalIdentifier string  `json:"external_identifier"`
	LastAccess         string  `json:"last_access"`

	// Groups are the groups of the session; null: they are not known.
	Groups []string `json:"groups"`
}

func bodyOf(who sso.Principal) userBody {
	u := who.User
	body := userBody{
		ID: u.ID, FirstName: orNull(u.FirstName), LastName: orNull(u.LastName), Email: orNull(u.Email), Language: orNull(u.Language), Role: orNull(u.Role), Username: orNull(u.Username),
		Status: string(u.Status), Provider: u.Provider, ExternalIdentifier: u.Subject,
		LastAccess: lastAccess(who).UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	if groups := who.Session.Groups; groups.Known() {
		body.Groups = append([]string{}, groups.List()...)
	}
	return body
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// lastAccess is when the user last signed in or refreshed this session. In Directus it
// covers all sessions.
func lastAccess(who sso.Principal) time.Time {
	if asked := who.Session.AskedAt; asked.After(who.User.LastAccess) {
		return asked
	}
	return who.User.LastAccess
}
