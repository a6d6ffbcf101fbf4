package discovery

import (
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// CheckIssuer compares iss with the provider's issuer, byte for byte (OpenID
// Connect Core section 3.1.3.7 rule 2). Where the issuer stands for many
// tenants, the placeholder stands for the token's own tid, and the key that
// signed must be one that the provider uses for that tenant.
func CheckIssuer(issuer string, object claims.Object, key jose.PublicKey) error {
	iss, err := object.String("iss")
	if err != nil {
		return sdk.InvalidResponse(ReasonIssuerMismatch, "%w", err)
	}
	want := issuer
	if IsTemplate(issuer) {
		tid, err := object.String("tid")
		if err != nil || !IsTenant(tid) {
			return sdk.InvalidResponse(ReasonIssuerMismatch, "no claim tid that names the tenant")
		}
		want = strings.Replace(issuer, TenantID, tid, 1)
		if key.Issuer != issuer && key.Issuer != want {
			return sdk.InvalidResponse(ReasonIssuerMismatch, "signed with a key of issuer %q, not of %q", upstream.Shown(key.Issuer), want)
		}
	}
	if !slices.Contains(alike(want), iss) {
		return sdk.InvalidResponse(ReasonIssuerMismatch, "issued by %q, not by %q", upstream.Shown(iss), want)
	}
	return nil
}

// Tenants are those of Microsoft's that may sign in, by tid. The zero value lets in all.
type Tenants struct {
	Allowed []string // empty: all

	// WorkOnly leaves out personal accounts, unless they are among Allowed.
	WorkOnly bool
}

// Check holds the tenant of a token, which CheckIssuer has checked where it is part of
// the issuer, against those that may sign in.
func (t Tenants) Check(object claims.Object) error {
	if len(t.Allowed) == 0 && !t.WorkOnly {
		return nil
	}
	tid, err := object.String("tid")
	switch {
	case len(t.Allowed) > 0 && (err != nil || tid == "" || !slices.Contains(t.Allowed, tid)):
		return sdk.Denied(ReasonTenant, "an account of the tenant %q, which is not one of allowed_tenants", upstream.Shown(tid))
	case len(t.Allowed) == 0 && tid == personal:
		return sdk.Denied(ReasonTenant, "a personal account, while issuer_url asks for those of organizations: the end user may have changed that on the way")
	}
	return nil
}

// Fits compares the iss of an authorization response with the provider's issuer,
// byte for byte but for the tenant of a template: no key has signed it yet.
func Fits(iss, issuer string) bool {
	prefix, suffix, template := strings.Cut(issuer, TenantID)
	if !template {
		return slices.Contains(alike(issuer), iss)
	}
	rest, ok := strings.CutPrefix(iss, prefix)
	tenant, ok2 := strings.CutSuffix(rest, suffix)
	return ok && ok2 && IsTenant(tenant)
}
