package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// Refresh reads the entry again. Users who were disabled, permanently locked, removed or
// moved out of user_dn lose the session; groups and attributes are updated. A lock caused by
// wrong passwords blocks only new logins.
func (r refreshing) Refresh(ctx context.Context, grant []byte) (sdk.Refreshed, error) {
	var g grantContent
	if err := json.Unmarshal(grant, &g); err != nil || g.Attribute == "" || g.Value == "" {
		return sdk.Refreshed{}, sdk.InvalidResponse(reasonGrant, "the grant of the session cannot be read")
	}
	identity, err := r.readIdentity(ctx, g)
	return sdk.Refreshed{Identity: identity}, directory.KindOf(err)
}

func (m *mechanism) readIdentity(ctx context.Context, g grantContent) (sdk.Identity, error) {
	known := account.Subject{Attribute: g.Attribute, Text: g.Value}
	e, err := m.findSubject(ctx, known, g.DN)
	if err != nil {
		return sdk.Identity{}, err
	}
	id, err := account.SubjectOf(e, m.options.IDAttribute)
	if err != nil {
		return sdk.Identity{}, err
	}
	if id.Text != known.Text {
		return sdk.Identity{}, sdk.Denied(sdk.ReasonNotAllowed, "the identifier of the entry or id_attribute has changed: the user must sign in again")
	}
	s := account.StatusOfSession(e, m.now(), m.options.IgnoreShadow)
	if !s.Good() {
		return sdk.Identity{}, s.Denied()
	}
	if err := directory.Complete(ctx, m.directory.Search, &e); err != nil {
		return sdk.Identity{}, err
	}
	groups, err := account.GroupsOf(ctx, m.directory.Search, e, m.options.groupRules(), m.logger)
	if err != nil {
		return sdk.Identity{}, err
	}
	identity, err := m.identify(e, id, groups)
	identity.PasswordExpiresAt = m.warning(s)
	return identity, err
}

// findSubject looks for the entry with that identifier wherever it is now, by the rules of a
// login: it must be under user_dn and match user_filter.
func (m *mechanism) findSubject(ctx context.Context, id account.Subject, dn string) (directory.Entry, error) {
	e, err := m.users.BySubject(ctx, m.directory.Search, id, dn)
	if errors.Is(err, account.ErrNoEntry) {
		return directory.Entry{}, sdk.Denied(reasonRemoved, "the entry was removed, is no longer under user_dn, or does not match user_filter")
	}
	return e, err
}
