package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/doorward/doorward/plugins/openid/internal/graph"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// The claims that stand for groups which are somewhere else: those of aggregated and
// distributed claims (OpenID Connect Core section 5.6.2), and what Entra ID writes
// where there is no room even for a reference.
const (
	claimNames = "_claim_names"
	hasGroups  = "hasgroups"
)

// completeGroups sees to groups that the provider has not put into the claims. They are
// asked for, or unknown: nobody is taken for a member of fewer groups than they are in.
func (m *mechanism) completeGroups(ctx context.Context, identity *sdk.Identity, idToken, info claims.Object, accessToken string) error {
	if m.groupsElsewhere(idToken, info) {
		if m.options.GroupsFromGraph {
			return m.askGraph(ctx, identity, accessToken)
		}
		identity.Groups, identity.GroupsUnknown = nil, true
		identity.Warnings = append(identity.Warnings, fmt.Sprintf(
			"the provider sends a reference in place of the claim %s, which is not followed: have it release fewer groups, or set groups_from_graph", m.options.GroupClaimName))
	}
	if identity.GroupsUnknown && !m.tellsUnknown {
		return sdk.InvalidResponse(claims.ReasonClaimInvalid, "the groups are unknown, and this host would take that for none: %q", identity.Warnings)
	}
	return nil
}

// groupsElsewhere reports whether a reference stands for the groups, or for some of
// them.
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
		// What cannot be read may be about the groups, if they are nowhere else.
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

// askGraph lists the groups. Who is asked is the owner of our own access token.
func (m *mechanism) askGraph(ctx context.Context, identity *sdk.Identity, accessToken string) error {
	if accessToken == "" {
		return sdk.Misconfigured(graph.ReasonStatus, "no access token came with the ID token, so that Microsoft Graph cannot be asked for the groups")
	}
	groups, err := graph.Groups(ctx, m.client, m.options.graphURL(), accessToken)
	if err != nil {
		return err
	}
	identity.Groups, identity.GroupsUnknown = groups, false
	return nil
}
