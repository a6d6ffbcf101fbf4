package people

import (
	"context"
	"fmt"
	"strings"

	"github.com/doorward/doorward/host/internal/sso"
)

// claimsOfNew returns the claims of a new account, and warnings about what may be a
// mistake.
func (o *Operations) claimsOfNew(ctx context.Context, req AddUser) (claims []sso.Claim, warnings []string, err error) {
	if req.Provider != "" || req.Subject != "" {
		switch {
		case req.EmailProvider != "":
			return nil, nil, invalid("email_provider", "cannot be combined with provider and subject: these already identify the user")
		case req.Invited:
			return nil, nil, invalid("invited", "cannot be combined with provider and subject: these already identify the user")
		}
		return nil, o.warnings(req.Provider), nil
	}
	switch {
	case req.EmailProvider == "" && req.Invited:
		return nil, []string{}, nil
	case req.EmailProvider == "":
		return nil, o.warnings(""), nil
	case req.Invited:
		return nil, nil, invalid("invited", "cannot be combined with email_provider: an invited user has to accept the invitation first")
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

// obstacles returns the known reasons why no login could take an account by that claim.
// but is the ID of the user that has the claim.
func (o *Operations) obstacles(ctx context.Context, claim sso.Claim, but string) (notes []string, err error) {
	if o.ports.Providers != nil {
		notes = append(notes, o.obstaclesAt(claim)...)
	}
	waiting, err := o.ports.Claims.Claimants(ctx, claim, o.ports.Now())
	if err != nil {
		return nil, fmt.Errorf("looking up other users with the same claim: %w", err)
	}
	for _, user := range waiting {
		if user.ID != but {
			notes = append(notes, fmt.Sprintf("user %s has the same claim, so a login can take neither account", user.ID))
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
		return []string{fmt.Sprintf("provider %s does not link accounts by verified e-mail address: set %s to true", p.Name, linkOption(p))}
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
