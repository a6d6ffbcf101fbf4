package discovery

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/upstream"
)

// A discovery document stands below the issuer, at wellKnown (Discovery section 4).
const (
	marker    = "/.well-known/"
	wellKnown = marker + "openid-configuration"
)

// TenantID is what Microsoft writes for the tenant in the issuer of a discovery
// document that stands for many tenants.
const TenantID = "{tenantid}"

// personal is the tenant of all personal accounts at Microsoft, whose document stands
// below /consumers.
const personal = "9188040d-6c67-4c5b-b112-36a304b66dad"

// Location is where an issuer describes itself, and by which name.
type Location struct {
	Document string

	// Issuers are the names that the document may have: the configured issuer,
	// byte for byte. A document's URL leaves open whether its issuer ends in a
	// slash, which is removed on the way to the document (Discovery section
	// 4.1), so that both are the issuer of that document.
	Issuers []string

	// WorkOnly: it is Microsoft's place for the accounts of organizations. The browser
	// could take them to the place for all accounts, with the same request.
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
		// As it is written: some answer only with a slash at the end, or with the
		// policy of a tenant in the query.
		location = Location{Document: raw, Issuers: issuersOf(raw)}
	} else if strings.Contains(raw, "?") {
		return Location{}, errors.New("must have no query (OpenID Connect Core section 1.2), unless it is the URL of the discovery document")
	}
	if issuer != "" {
		location.Issuers = []string{issuer}
		return location, nil
	}
	location.Issuers, location.WorkOnly = ofMicrosoft(location)
	for _, name := range location.Issuers {
		for _, twin := range alike(name) {
			if !slices.Contains(location.Issuers, twin) {
				location.Issuers = append(location.Issuers, twin)
			}
		}
	}
	return location, nil
}

// issuersOf are the issuers whose document may stand at a URL: what is before
// /.well-known/, and that with what is behind the document's name (RFC 8414 section
// 3.1 puts the path of an issuer there). Some providers take the URL of the document for
// the issuer; it is what the operator has configured, too.
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

// ofMicrosoft knows what Microsoft's issuers are called that are called otherwise than
// they are reached: those for many tenants, whose document has a placeholder, that
// for personal accounts, and a tenant's for version 1 tokens. On another host these
// paths mean nothing, and a document with a placeholder is refused.
func ofMicrosoft(l Location) (issuers []string, workOnly bool) {
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
			issuers = append(issuers, origin+"/"+personal+"/v2.0")
		case IsTenant(path):
			issuers = append(issuers, issuer, "https://"+cloud.sts+"/"+path+"/")
		default:
			issuers = append(issuers, issuer)
		}
	}
	slices.Sort(issuers)
	return slices.Compact(issuers), workOnly
}

// Template tells whether the issuer stands for many tenants.
func (l Location) Template() bool {
	return slices.ContainsFunc(l.Issuers, IsTemplate)
}

// IsTemplate tells whether an issuer has a placeholder for the tenant.
func IsTemplate(issuer string) bool { return strings.Contains(issuer, TenantID) }
