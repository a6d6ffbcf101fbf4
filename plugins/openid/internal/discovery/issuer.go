package discovery

import (
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// CheckIssuer compares iss with the provider's issuer, byte for byte (OpenID Connect Core
// section 3.1.3.7 rule 2). If the issuer is for many tenants, the token's tid replaces the
// placeholder, and the signing key must be one that the provider uses for that tenant.
func CheckIssuer(issuer string, object claims.Object, key jose.PublicKey) error {
	iss, err := object.String("iss")
	if err != nil {
		return sdk.InvalidResponse(ReasonIssuerMismatch, "%w", err)
	}
	want := issuer
	if IsTemplate(issuer) {
		tid, err := object.String("tid")
		if err != nil || !IsTenant(tid) {
			return sdk.InvalidResponse(ReasonIssuerMismatch, "there is no claim tid that names the tenant")
		}
		want = strings.Replace(issuer, TenantID, tid, 1)
		if key.Issuer != issuer && key.Issuer != want {
			return sdk.InvalidResponse(ReasonIssuerMismatch, "signed with a key of issuer %q, not of %q", upstream.Shown(key.Issuer), want)
		}
	}
	if !slices.Contains(aliasesOf(want), iss) {
		return sdk.InvalidResponse(ReasonIssuerMismatch, "issued by %q, not by %q", upstream.Shown(iss), want)
	}
	return nil
}

// Tenants are the Microsoft tenants that are allowed to sign in, by tid. The zero value
// allows all.
type Tenants struct {
	Allowed []string // empty: all

	// WorkOnly refuses personal accounts, unless their tenant is in Allowed.
	WorkOnly bool
}

// Check checks that the tenant of a token is allowed to sign in. If tid is part of the
// issuer, CheckIssuer must have checked the token.
func (t Tenants) Check(object claims.Object) error {
	if len(t.Allowed) == 0 && !t.WorkOnly {
		return nil
	}
	tid, err := object.String("tid")
	switch {
	case len(t.Allowed) > 0 && (err != nil || tid == "" || !slices.Contains(t.Allowed, tid)):
		return sdk.Denied(ReasonTenant, "the account belongs to the tenant %q, which is not in allowed_tenants", upstream.Shown(tid))
	case len(t.Allowed) == 0 && tid == personalTenant:
		return sdk.Denied(ReasonTenant, "the account is personal, but issuer_url is for accounts of organizations: the end user may have changed the request")
	}
	return nil
}

// Fits compares the iss of an authorization response with the provider's issuer, byte for
// byte, except for the tenant of a template, which only the ID token confirms.
func Fits(iss, issuer string) bool {
	prefix, suffix, template := strings.Cut(issuer, TenantID)
	if !template {
		return slices.Contains(aliasesOf(issuer), iss)
	}
	rest, ok := strings.CutPrefix(iss, prefix)
	tenant, ok2 := strings.CutSuffix(rest, suffix)
	return ok && ok2 && IsTenant(tenant)
}
