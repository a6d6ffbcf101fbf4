package token

import "github.com/doorward/doorward/host/internal/sso"

// groupClaims are the groups of a session: groups as in RFC 9068 section 2.2.3.1, or in
// its place hasgroups, which Entra ID sets if the groups do not fit. Services that need
// them then request GET /users/me. A shortened list would be taken for all groups (D12).
type groupClaims struct {
	Groups    *[]string `json:"groups,omitempty"` // empty: no groups
	Elsewhere bool      `json:"hasgroups,omitempty"`
}

func groupClaimsOf(g *sso.Groups) groupClaims {
	switch {
	case g == nil:
		return groupClaims{}
	case !g.Known() || len(*g) > maxToken:
		return groupClaims{Elsewhere: true}
	}
	list := append([]string{}, g.List()...)
	return groupClaims{Groups: &list}
}
