package discovery

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// wellKnown is appended to an issuer (Discovery section 4).
const wellKnown = "/.well-known/openid-configuration"

// TenantID is what Microsoft writes for the tenant in the issuer of a discovery
// document that stands for many tenants.
const TenantID = "{tenantid}"

// Location is where an issuer describes itself, and by which name.
type Location struct {
	Document string

	// Issuers are the names that the document may have: the configured issuer,
	// byte for byte. A document's URL leaves open whether its issuer ends in a
	// slash, which is removed on the way to the document (Discovery section
	// 4.1), so that both are the issuer of that document.
	Issuers []string
}

// Locate reads the option issuer_url. The error follows its name.
func Locate(raw string) (Location, error) {
	if _, err := upstream.ParseEndpoint(raw); err != nil {
		return Location{}, err
	}
	if strings.Contains(raw, "?") {
		return Location{}, errors.New("must have no query (OpenID Connect Core section 1.2)")
	}
	if issuer, ok := strings.CutSuffix(raw, wellKnown); ok {
		return located(raw, issuer, issuer+"/"), nil
	}
	if strings.Contains(raw, "/.well-known/") {
		return Location{}, fmt.Errorf("must be an issuer, or end in %s", wellKnown)
	}
	return located(strings.TrimSuffix(raw, "/")+wellKnown, raw), nil
}

// located knows the two URLs of Microsoft's that stand for many tenants. Each of
// their documents has the same issuer, with a placeholder in it.
func located(document string, issuers ...string) Location {
	for i, issuer := range issuers {
		for _, many := range []string{"/common/v2.0", "/organizations/v2.0"} {
			if prefix, ok := strings.CutSuffix(issuer, many); ok {
				issuers[i] = prefix + "/" + TenantID + "/v2.0"
			}
		}
	}
	return Location{Document: document, Issuers: issuers}
}

// Template tells whether the issuer stands for many tenants.
func (l Location) Template() bool {
	return slices.ContainsFunc(l.Issuers, IsTemplate)
}

// IsTemplate tells whether an issuer has a placeholder for the tenant.
func IsTemplate(issuer string) bool { return strings.Contains(issuer, TenantID) }

var guid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

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
		if err != nil || !guid.MatchString(tid) {
			return sdk.InvalidResponse(ReasonIssuerMismatch, "no claim tid that names the tenant")
		}
		want = strings.Replace(issuer, TenantID, tid, 1)
		if key.Issuer != issuer && key.Issuer != want {
			return sdk.InvalidResponse(ReasonIssuerMismatch, "signed with a key of issuer %q, not of %q", upstream.Shown(key.Issuer), want)
		}
	}
	if iss != want {
		return sdk.InvalidResponse(ReasonIssuerMismatch, "issued by %q, not by %q", upstream.Shown(iss), want)
	}
	return nil
}

// Fits compares the iss of an authorization response with the provider's issuer,
// byte for byte but for the tenant of a template: no key has signed it yet.
func Fits(iss, issuer string) bool {
	prefix, suffix, template := strings.Cut(issuer, TenantID)
	if !template {
		return iss == issuer
	}
	rest, ok := strings.CutPrefix(iss, prefix)
	tenant, ok2 := strings.CutSuffix(rest, suffix)
	return ok && ok2 && guid.MatchString(tenant)
}
