package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/doorward/doorward/plugins/openid/internal/graph"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// The claims that say that the groups are elsewhere: aggregated and distributed claims
// (OpenID Connect Core section 5.6.2), and the claim of Entra ID that replaces them if
// there is no room for a reference.
const (
	claimNames = "_claim_names"
	hasGroups  = "hasgroups"
)

// completeGroups handles groups that the provider has not put into the claims. It asks for
// them, or calls them unknown: nobody is treated as a member of fewer groups than they are
// in.
func (m *mechanism) completeGroups(ctx context.Context, identity *sdk.Identity, idToken, info claims.Object, accessToken string) error {
	if m.groupsElsewhere(idToken, info) {
		if m.options.GroupsFromGraph {
			return m.askGraph(ctx, identity, accessToken)
		}
		identity.Groups, identity.GroupsUnknown = nil, true
		identity.Warnings = append(identity.Warnings, fmt.Sprintf(
			"the provider sends a reference in place of the claim %s, and references are not followed: configure it to release fewer groups, or set groups_from_graph", m.options.GroupClaimName))
	}
	if identity.GroupsUnknown && !m.hostHandlesUnknownGroups {
		return sdk.InvalidResponse(claims.ReasonClaimInvalid, "the groups are unknown, and this host is too old to distinguish that from no groups: %q", identity.Warnings)
	}
	return nil
}

// groupsElsewhere reports whether a reference replaces the groups, or some of them.
func (m *mechanism) groupsElsewhere(idToken, info claims.Object) bool {
	if m.refersToGroups(info) {
		return true
	}
	here, err := info.Lookup(m.options.GroupClaimName)
	return m.refersToGroups(idToken) && (here == nil || here == "" || err != nil)
}

func (m *mechanism) refersToGroups(object claims.Object) bool {
	own := claims.Names(m.options.GroupClaimName)
	names, err := object.Object(claimNames)
	if err != nil {
		// Unreadable references can be about the groups, if the groups are not in the claims.
		here, _ := object.Lookup(m.options.GroupClaimName)
		return here == nil
	}
	for name, source := range names {
		if source != nil && slices.Contains(own, name) {
			return true
		}
	}
	return slices.Contains(own, "groups") && (object[hasGroups] == true || object[hasGroups] == "true")
}

// askGraph lists the groups of the end user to whom the access token was issued.
func (m *mechanism) askGraph(ctx context.Context, identity *sdk.Identity, accessToken string) error {
	if accessToken == "" {
		return sdk.Misconfigured(graph.ReasonStatus, "no access token came with the ID token, so Microsoft Graph cannot be asked for the groups")
	}
	groups, err := graph.Groups(ctx, m.client, m.options.graphURL(), accessToken)
	if err != nil {
		return err
	}
	identity.Groups, identity.GroupsUnknown = groups, false
	return nil
}
