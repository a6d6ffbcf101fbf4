package discovery

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/upstream"
)

// The URL of a discovery document is the issuer followed by wellKnown (Discovery section 4).
const (
	marker    = "/.well-known/"
	wellKnown = marker + "openid-configuration"
)

// TenantID is Microsoft's placeholder for the tenant in the issuer of a discovery document
// for many tenants.
const TenantID = "{tenantid}"

// personalTenant is the tenant of all personal accounts at Microsoft, whose document is
// below /consumers.
const personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

// Location is the URL of a discovery document, and the issuers that it may name.
type Location struct {
	Document string

	// Issuers are the issuers that the document may have: the configured issuer, byte for
	// byte. If the URL of the document is configured, its issuer can end in a slash or not,
	// because the slash is removed to make the URL (Discovery section 4.1).
	Issuers []string

	// WorkOnly: the URL is Microsoft's for accounts of organizations. The browser could send
	// the same request to the URL for all accounts.
	WorkOnly bool
}

// Locate reads the options issuer_url and issuer, which may be empty. The error
// follows the name of the first.
func Locate(raw, issuer string) (Location, error) {
	u, err := upstream.ParseEndpoint(raw)
	if err != nil {
		return Location{}, err
	}
	location := Location{Document: strings.TrimSuffix(raw, "/") + wellKnown, Issuers: []string{raw}}
	if strings.Contains(u.Path, marker) {
		// The URL is used as it is written: some providers require a slash at the end, or the
		// policy of a tenant in the query.
		location = Location{Document: raw, Issuers: issuersOf(raw)}
	} else if strings.Contains(raw, "?") {
		return Location{}, errors.New("must not have a query (OpenID Connect Core section 1.2), unless it is the URL of the discovery document")
	}
	if issuer != "" {
		location.Issuers = []string{issuer}
		return location, nil
	}
	location.Issuers, location.WorkOnly = microsoftIssuers(location)
	for _, name := range location.Issuers {
		for _, alias := range aliasesOf(name) {
			if !slices.Contains(location.Issuers, alias) {
				location.Issuers = append(location.Issuers, alias)
			}
		}
	}
	return location, nil
}

// issuersOf returns the issuers whose document can have this URL: the part before
// /.well-known/, and that part followed by the path after the document's name, where RFC
// 8414 section 3.1 puts the path of an issuer. Some providers use the URL of the document as
// the issuer.
func issuersOf(document string) []string {
	before, behind, _ := strings.Cut(document, marker)
	behind, _, _ = strings.Cut(behind, "?")
	_, path, _ := strings.Cut(behind, "/")
	issuers := []string{before, before + "/", document}
	if path != "" {
		issuers = append(issuers, before+"/"+path)
	}
	return issuers
}

var guid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// IsTenant reports whether a text is the ID of a tenant.
func IsTenant(text string) bool { return guid.MatchString(text) }

// microsoftIssuers returns Microsoft's issuers that differ from the URL of their document:
// those for many tenants, which have a placeholder, the one for personal accounts, and those
// of a tenant's version 1 tokens. On another host these paths have no meaning, and a
// document with a placeholder is refused.
func microsoftIssuers(l Location) (issuers []string, workOnly bool) {
	cloud, ok := CloudOf(l.Document)
	if !ok {
		return l.Issuers, false
	}
	for _, issuer := range l.Issuers {
		u, err := url.Parse(issuer)
		if err != nil {
			continue
		}
		origin := u.Scheme + "://" + u.Host
		path := strings.Trim(u.Path, "/")
		switch {
		case path == "common/v2.0" || path == "organizations/v2.0":
			workOnly = path == "organizations/v2.0"
			issuers = append(issuers, origin+"/"+TenantID+"/v2.0")
		case path == "consumers/v2.0":
			issuers = append(issuers, origin+"/"+personalTenant+"/v2.0")
		case IsTenant(path):
			issuers = append(issuers, issuer, "https://"+cloud.sts+"/"+path+"/")
		default:
			issuers = append(issuers, issuer)
		}
	}
	slices.Sort(issuers)
	return slices.Compact(issuers), workOnly
}

// Template reports whether the issuer is for many tenants.
func (l Location) Template() bool {
	return slices.ContainsFunc(l.Issuers, IsTemplate)
}

// IsTemplate reports whether an issuer has a placeholder for the tenant.
func IsTemplate(issuer string) bool { return strings.Contains(issuer, TenantID) }
