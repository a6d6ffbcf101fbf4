package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/doorward/doorward/sdk"
)

// Refresh reads the entry again. Who was disabled, locked, removed, or moved out of
// sight loses the session; groups and attributes follow.
func (r refreshing) Refresh(ctx context.Context, grant []byte) (sdk.Refreshed, error) {
	var g grantContent
	if err := json.Unmarshal(grant, &g); err != nil || g.Attribute == "" || g.Value == "" {
		return sdk.Refreshed{}, sdk.InvalidResponse(reasonGrant, "the session has no grant that can be read")
	}
	identity, err := r.again(ctx, g)
	return sdk.Refreshed{Identity: identity}, kindOf(err)
}

func (m *mechanism) again(ctx context.Context, g grantContent) (sdk.Identity, error) {
	known := subject{attribute: g.Attribute, text: g.Value}
	e, err := m.findSubject(ctx, known, g.DN)
	if err != nil {
		return sdk.Identity{}, err
	}
	id, err := subjectOf(e, m.options.IDAttribute)
	if err != nil {
		return sdk.Identity{}, err
	}
	if id.text != known.text {
		return sdk.Identity{}, sdk.Denied(sdk.ReasonNotAllowed, "the entry has another identifier now, or id_attribute was changed: sign in again")
	}
	s := m.standingOf(e)
	if !s.good() {
		return sdk.Identity{}, s.denied()
	}
	if err := complete(ctx, m.directory.search, &e); err != nil {
		return sdk.Identity{}, err
	}
	groups, err := groupsOf(ctx, m.directory.search, e, m.options.groupRules(), m.logger)
	if err != nil {
		return sdk.Identity{}, err
	}
	identity, err := m.identify(e, id, groups)
	identity.PasswordExpiresAt = m.warning(s)
	return identity, err
}

// findSubject looks for the entry with that identifier, wherever it is now, as a login
// would: under user_dn, and matching user_filter.
func (m *mechanism) findSubject(ctx context.Context, id subject, dn string) (entry, error) {
	e, err := m.users.bySubject(ctx, m.directory.search, id, dn)
	if errors.Is(err, errNoEntry) {
		return entry{}, sdk.Denied(reasonRemoved, "the entry is not there any more, has left user_dn, or does not match user_filter")
	}
	return e, err
}
