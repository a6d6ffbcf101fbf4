package people

import (
	"context"
	"fmt"
	"strings"

	"github.com/doorward/doorward/host/internal/sso"
)

// claimsOfNew is what a new account waits for, and what may not be meant.
func (o *Operations) claimsOfNew(ctx context.Context, req AddUser) (claims []sso.Claim, warnings []string, err error) {
	if req.Provider != "" || req.Subject != "" {
		switch {
		case req.EmailProvider != "":
			return nil, nil, invalid("email_provider", "goes without provider and subject: who is known by those needs nothing else")
		case req.Invited:
			return nil, nil, invalid("invited", "goes without provider and subject: who is known by those needs nothing else")
		}
		return nil, o.warnings(req.Provider), nil
	}
	switch {
	case req.EmailProvider == "" && req.Invited:
		return nil, []string{}, nil
	case req.EmailProvider == "":
		return nil, o.warnings(""), nil
	case req.Invited:
		return nil, nil, invalid("invited", "goes without email_provider: who is invited accepts it first")
	}
	claim, err := emailClaim(req.EmailProvider, req.Email)
	if err != nil {
		return nil, nil, err
	}
	notes, err := o.obstacles(ctx, claim, "")
	return []sso.Claim{claim}, append([]string{}, notes...), err
}

func emailClaim(provider, email string) (sso.Claim, error) {
	if len(provider) > maxProvider {
		return sso.Claim{}, invalid("email_provider", "has more than %d bytes", maxProvider)
	}
	claim, err := sso.EmailClaim(provider, email)
	if err != nil {
		return sso.Claim{}, invalid("email", "%v", err)
	}
	return claim, nil
}

// obstacles says why no login could take an account by that claim, as far as that is
// known; but is the ID of the user that the claim is of.
func (o *Operations) obstacles(ctx context.Context, claim sso.Claim, but string) (notes []string, err error) {
	if o.ports.Providers != nil {
		notes = append(notes, o.obstaclesAt(claim)...)
	}
	waiting, err := o.ports.Claims.Claimants(ctx, claim, o.ports.Now())
	if err != nil {
		return nil, fmt.Errorf("looking for who waits for the same: %w", err)
	}
	for _, user := range waiting {
		if user.ID != but {
			notes = append(notes, fmt.Sprintf("user %s waits for the same, so that neither is taken", user.ID))
			break
		}
	}
	return notes, nil
}

func (o *Operations) obstaclesAt(claim sso.Claim) []string {
	p, ok := o.providerNamed(claim.Provider)
	switch {
	case !ok:
		return o.warnings(claim.Provider)
	case claim.Kind == sso.ClaimByEmail && !p.LinkByVerifiedEmail:
		return []string{fmt.Sprintf("provider %s does not let people in by a verified e-mail address: set %s to true", p.Name, linkOption(p))}
	}
	return nil
}

func linkOption(p sso.Provider) string {
	if p.Spelled.LinkByVerifiedEmail != "" {
		return p.Spelled.LinkByVerifiedEmail
	}
	return "AUTH_" + strings.ToUpper(p.Name) + "_LINK_BY_VERIFIED_EMAIL"
}

func (o *Operations) providerNamed(name string) (sso.Provider, bool) {
	if o.ports.Providers != nil {
		for _, p := range o.ports.Providers() {
			if p.Name == name {
				return p, true
			}
		}
	}
	return sso.Provider{}, false
}
