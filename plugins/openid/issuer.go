package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

const wellKnown = "/.well-known/openid-configuration"

// tenantID is what Microsoft writes for the tenant in the issuer of a discovery
// document that stands for many tenants.
const tenantID = "{tenantid}"

// issuerLocation is where an issuer describes itself, and by which name.
type issuerLocation struct {
	document string

	// issuers are the names that the document may have: the configured issuer,
	// byte for byte. A document's URL leaves open whether its issuer ends in a
	// slash, which is removed on the way to the document (Discovery section
	// 4.1), so that both are the issuer of that document.
	issuers []string
}

// locateIssuer reads the option issuer_url.
func locateIssuer(raw string) (issuerLocation, error) {
	if err := checkURL(raw); err != nil {
		return issuerLocation{}, err
	}
	if strings.Contains(raw, "?") {
		return issuerLocation{}, errors.New("must have no query (OpenID Connect Core section 1.2)")
	}
	if issuer, ok := strings.CutSuffix(raw, wellKnown); ok {
		return located(raw, issuer, issuer+"/"), nil
	}
	if strings.Contains(raw, "/.well-known/") {
		return issuerLocation{}, fmt.Errorf("must be an issuer, or end in %s", wellKnown)
	}
	return located(strings.TrimSuffix(raw, "/")+wellKnown, raw), nil
}

// located knows the two URLs of Microsoft's that stand for many tenants. Each of
// their documents has the same issuer, with a placeholder in it.
func located(document string, issuers ...string) issuerLocation {
	for i, issuer := range issuers {
		for _, many := range []string{"/common/v2.0", "/organizations/v2.0"} {
			if prefix, ok := strings.CutSuffix(issuer, many); ok {
				issuers[i] = prefix + "/" + tenantID + "/v2.0"
			}
		}
	}
	return issuerLocation{document: document, issuers: issuers}
}

// template tells whether the issuer stands for many tenants.
func (l issuerLocation) template() bool {
	return slices.ContainsFunc(l.issuers, isTemplate)
}

func isTemplate(issuer string) bool { return strings.Contains(issuer, tenantID) }

// checkURL accepts https, and http to loopback.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return errors.New("is not a URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must be an https URL")
	case u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return errors.New("must be an https URL with a host")
	case u.User != nil:
		return errors.New("must hold no user name or password")
	case strings.Contains(raw, "#"):
		return errors.New("must have no fragment")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return errors.New("must be https; http is for loopback addresses only")
	}
	return nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

var guid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// checkIssuer compares iss with the provider's issuer, byte for byte (OpenID
// Connect Core section 3.1.3.7 rule 2). Where the issuer stands for many
// tenants, the placeholder stands for the token's own tid, and the key that
// signed must be one that the provider uses for that tenant.
func checkIssuer(issuer string, object claims.Object, key publicKey) error {
	iss, err := object.String("iss")
	if err != nil {
		return sdk.InvalidResponse(reasonIssuerMismatch, "%w", err)
	}
	want := issuer
	if isTemplate(issuer) {
		tid, err := object.String("tid")
		if err != nil || !guid.MatchString(tid) {
			return sdk.InvalidResponse(reasonIssuerMismatch, "no claim tid that names the tenant")
		}
		want = strings.Replace(issuer, tenantID, tid, 1)
		if key.issuer != issuer && key.issuer != want {
			return sdk.InvalidResponse(reasonIssuerMismatch, "signed with a key of issuer %q, not of %q", shown(key.issuer), want)
		}
	}
	if iss != want {
		return sdk.InvalidResponse(reasonIssuerMismatch, "issued by %q, not by %q", shown(iss), want)
	}
	return nil
}
