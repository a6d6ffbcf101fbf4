package token

import "github.com/doorward/doorward/host/internal/sso"

// groupClaims tell the groups of a session: groups as RFC 9068 section 2.2.3.1 has it, or,
// in its place, hasgroups, as Entra ID writes it where they do not fit. Who needs them then
// asks GET /users/me. Fewer than there are would be taken for all of them (D12).
type groupClaims struct {
	Groups    *[]string `json:"groups,omitempty"` // empty: there are none
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
