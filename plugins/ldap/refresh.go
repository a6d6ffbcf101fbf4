package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// Refresh reads the entry again. Who was disabled, locked for good, removed, or moved out
// of sight loses the session; groups and attributes follow. A lock that wrong passwords
// have set keeps out logins only.
func (r refreshing) Refresh(ctx context.Context, grant []byte) (sdk.Refreshed, error) {
	var g grantContent
	if err := json.Unmarshal(grant, &g); err != nil || g.Attribute == "" || g.Value == "" {
		return sdk.Refreshed{}, sdk.InvalidResponse(reasonGrant, "the session has no grant that can be read")
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
		return sdk.Identity{}, sdk.Denied(sdk.ReasonNotAllowed, "the entry has another identifier now, or id_attribute was changed: sign in again")
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

// findSubject looks for the entry with that identifier, wherever it is now, as a login
// would: under user_dn, and matching user_filter.
func (m *mechanism) findSubject(ctx context.Context, id account.Subject, dn string) (directory.Entry, error) {
	e, err := m.users.BySubject(ctx, m.directory.Search, id, dn)
	if errors.Is(err, account.ErrNoEntry) {
		return directory.Entry{}, sdk.Denied(reasonRemoved, "the entry is not there any more, has left user_dn, or does not match user_filter")
	}
	return e, err
}
