package web

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// roleBody is a role as Directus shows one.
type roleBody struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// me answers GET /users/me.
func (s *Server) me(c echo.Context) error {
	who, wanted, err := s.requester(c, usersCollection)
	if err != nil {
		return err
	}
	return s.answerUser(c, who, wanted)
}

// requester returns who makes a request, and the fields of a collection that it asks for;
// nil: all that this host has.
func (s *Server) requester(c echo.Context, k *collection) (sso.Principal, fields, error) {
	who, err := s.principal(c)
	if err != nil {
		return sso.Principal{}, nil, err
	}
	wanted, err := requestedFields(c, k)
	return who, wanted, err
}

// requestedFields reads the fields that a request asks for; nil: all that this host has.
func requestedFields(c echo.Context, k *collection) (fields, error) {
	wanted, err := readFields(c)
	if err != nil || wanted == nil {
		return nil, err
	}
	return k.expand(wanted, "")
}

// answerUser answers with the requested fields of a user.
func (s *Server) answerUser(c echo.Context, who sso.Principal, wanted fields) error {
	body := bodyOf(who)
	if wanted == nil {
		return c.JSON(http.StatusOK, data{body})
	}
	related := map[string]map[string]any{}
	if len(wanted["role"]) > 0 && body.Role != nil {
		role, err := s.ports.Logins.RoleOf(c.Request().Context(), who.User)
		if err != nil {
			return err
		}
		related["role"] = record(roleBody(role))
	}
	return c.JSON(http.StatusOK, data{usersCollection.pick(wanted, record(body), related)})
}

// ownRoles answers GET /roles/me with one role, or none.
func (s *Server) ownRoles(c echo.Context) error {
	who, wanted, err := s.requester(c, rolesCollection)
	if err != nil {
		return err
	}
	role, err := s.ports.Logins.RoleOf(c.Request().Context(), who.User)
	if err != nil {
		return err
	}
	list := []any{}
	switch {
	case role == sso.Role{}:
	case wanted == nil:
		list = append(list, roleBody(role))
	default:
		list = append(list, rolesCollection.pick(wanted, record(roleBody(role)), nil))
	}
	return c.JSON(http.StatusOK, data{list})
}

// ownPolicies answers GET /policies/me/globals with the same values as access tokens: this
// host gives nobody administrator rights or access to the Data Studio.
func (s *Server) ownPolicies(c echo.Context) error {
	if _, err := s.principal(c); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, data{map[string]bool{"app_access": false, "admin_access": false, "enforce_tfa": false}})
}

// changeMe answers PATCH /users/me with the user after the change.
func (s *Server) changeMe(c echo.Context) error {
	// Browsers attach cookies whichever site causes the request. Clients with a token can
	// ask from anywhere.
	if _, bearer := bearerOf(c); !bearer && !s.cookiesCount(c) {
		return errCrossSite
	}
	who, wanted, err := s.requester(c, usersCollection)
	if err != nil {
		return err
	}
	profile, err := readProfile(c)
	if err != nil {
		return err
	}
	if profile == (sso.Profile{}) {
		return s.answerUser(c, who, wanted)
	}
	if err := s.profiles.take(who.User.ID); err != nil {
		return err
	}
	who.User, err = s.ports.Logins.ChangeProfile(c.Request().Context(), who, profile)
	if wrong, ok := errors.AsType[*sso.TextError](err); ok {
		return payloadError{strconv.Quote(wrong.Member) + " " + wrong.Problem}
	}
	if err != nil {
		return err
	}
	return s.answerUser(c, who, wanted)
}

// readProfile reads the changes, and refuses those that users cannot make themselves: who
// they are and what they may do is up to providers and operators.
func readProfile(c echo.Context) (profile sso.Profile, err error) {
	if mediaType(c.Request()) != echo.MIMEApplicationJSON {
		return profile, notOfType(echo.MIMEApplicationJSON)
	}
	var body map[string]json.RawMessage
	if err := readBody(c, &body, nil); err != nil {
		return profile, err
	}
	if len(body) > maxFields {
		return profile, payloadError{"the body has too many members"}
	}
	members := map[string]**string{"first_name": &profile.FirstName, "last_name": &profile.LastName, "language": &profile.Language}
	var forbidden []string // all are reported, so their number and length are limited
	for _, name := range slices.Sorted(maps.Keys(body)) {
		member, ok := members[name]
		switch {
		case len(name) > maxFieldName:
			return profile, payloadError{"the body has a member with a name that is too long"}
		case !ok:
			forbidden = append(forbidden, name)
			continue
		}
		*member = new(string) // null stays the empty string
		if err := json.Unmarshal(body[name], *member); err != nil {
			return profile, payloadError{strconv.Quote(name) + " must be a string or null"}
		}
	}
	if forbidden != nil {
		return profile, fieldsError{collection: usersCollection.name, names: forbidden}
	}
	return profile, nil
}
