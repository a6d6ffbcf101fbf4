package idp

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/crewjam/saml"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// MaxMetadata limits the metadata in bytes.
const MaxMetadata = 8 << 20

// Provider is the identity provider as described by its metadata.
type Provider struct {
	EntityID   string
	Keys       []signingKey
	WeakKeys   int // too short, or of an unsupported kind
	SSO        map[string]string
	SLO        map[string]Endpoint
	LeftOut    []string // logout endpoints that are ignored because they are http
	WantSigned bool     // WantAuthnRequestsSigned
	ValidUntil time.Time
	cacheFor   time.Duration // zero if not given
	Date       time.Time     // on the clock of the server that published it; zero if unknown
}

// Endpoint is a destination of messages (metadata section 2.2.2).
type Endpoint struct{ Location, Response string }

// Selection selects the identity provider in the metadata, and the certificates that must
// sign it.
type Selection struct {
	EntityID string
	Pins     []*x509.Certificate
	Policy   xmldsig.Policy
	Now      time.Time
}

// ReadProvider reads metadata of one or many identity providers (metadata section 2.3).
func ReadProvider(data []byte, s Selection) (*Provider, error) {
	root, err := strictxml.Parse(data, strictxml.Metadata())
	if err != nil {
		return nil, sdk.Misconfigured(reasonMetadataMalformed, "metadata of the provider: %w", err)
	}
	if root, err = s.verified(root); err != nil {
		return nil, err
	}
	found := findProviders(root, s.EntityID)
	if len(found) != 1 {
		return nil, s.selectionError(found, root)
	}
	return readEntity(found[0], s.Now)
}

// verified returns what one of the pinned keys has signed. Without pins, the channel of the
// metadata is trusted.
func (s Selection) verified(root *strictxml.Element) (*strictxml.Element, error) {
	if len(s.Pins) == 0 {
		return root, nil
	}
	var keys []crypto.PublicKey
	for _, pin := range s.Pins {
		keys = append(keys, pin.PublicKey)
	}
	signed, err := xmldsig.Verify(root, keys, s.Policy, strictxml.Metadata())
	if err != nil {
		return nil, sdk.Misconfigured(reasonMetadataSignature, "verifying metadata of the provider with idp_metadata_certificate: %w%s", err, advice(err))
	}
	return signed, nil
}

// findProviders returns the entities that are identity providers of SAML 2.0.
func findProviders(root *strictxml.Element, entityID string) []*strictxml.Element {
	var found []*strictxml.Element
	root.Walk(func(e *strictxml.Element) bool {
		id := e.Value("entityID")
		if e.Is(saml2.Metadata, "EntityDescriptor") && (entityID == "" || id == entityID) && len(roles(e)) > 0 {
			found = append(found, e)
		}
		return true
	})
	return found
}

// roles returns the identity provider descriptors for SAML 2.0.
func roles(entity *strictxml.Element) []*strictxml.Element {
	var list []*strictxml.Element
	for _, role := range entity.All(saml2.Metadata, "IDPSSODescriptor") {
		if slices.Contains(strings.Fields(role.Value("protocolSupportEnumeration")), saml2.Protocol) {
			list = append(list, role)
		}
	}
	return list
}

func (s Selection) selectionError(found []*strictxml.Element, root *strictxml.Element) error {
	switch {
	case len(found) == 0 && s.EntityID != "":
		return sdk.Misconfigured(reasonMetadataEntity, "metadata of the provider has no identity provider of SAML 2.0 with the entity ID %q of idp_entity_id", s.EntityID)
	case len(found) == 0:
		return sdk.Misconfigured(reasonMetadataEntity, "metadata of the provider has no identity provider of SAML 2.0; its root element is %s", upstream.Shown(root.Local))
	}
	var ids []string
	for _, e := range found[:min(len(found), 5)] {
		ids = append(ids, upstream.Shown(e.Value("entityID")))
	}
	return sdk.Misconfigured(reasonMetadataEntity, "metadata has %d identity providers; set idp_entity_id to one of them: %q", len(found), ids)
}

func readEntity(entity *strictxml.Element, now time.Time) (*Provider, error) {
	role := roles(entity)[0]
	p := &Provider{EntityID: entity.Value("entityID"), WantSigned: saml2.IsTrue(role.Value("WantAuthnRequestsSigned"))}
	if p.EntityID == "" || len(p.EntityID) > MaxEntityID {
		return nil, sdk.Misconfigured(reasonMetadataEntity, "metadata of the provider has an entity ID of %d bytes; it must have 1 to %d", len(p.EntityID), MaxEntityID)
	}
	if err := p.readTimes(role, now); err != nil {
		return nil, err
	}
	if err := p.readKeys(role); err != nil {
		return nil, err
	}
	return p, p.readEndpoints(role)
}

// MaxEntityID is the limit of core section 8.3.6.
const MaxEntityID = 1024

// readTimes uses the strictest validUntil and cacheDuration of the element and its ancestors.
func (p *Provider) readTimes(e *strictxml.Element, now time.Time) error {
	for ; e != nil; e = e.Parent {
		if text, ok := e.Attr("validUntil"); ok {
			until, err := saml2.ParseTime(text)
			if err != nil {
				return sdk.Misconfigured(reasonMetadataMalformed, "validUntil in the metadata of the provider: %w", err)
			}
			if p.ValidUntil.IsZero() || until.Before(p.ValidUntil) {
				p.ValidUntil = until
			}
		}
		var duration saml.Duration
		if err := duration.UnmarshalText([]byte(e.Value("cacheDuration"))); err != nil {
			continue // ignore a hint that cannot be read
		}
		if d := time.Duration(duration); d > 0 && (p.cacheFor == 0 || d < p.cacheFor) {
			p.cacheFor = d
		}
	}
	return p.checkValid(now)
}

func (p *Provider) checkValid(now time.Time) error {
	if p.ValidUntil.IsZero() || now.Before(p.ValidUntil) {
		return nil
	}
	return sdk.Unavailable(reasonMetadataExpired, "metadata of the provider was valid until %s: have the identity provider publish it again, and replace idp_metadata if that is set", p.ValidUntil.Format(time.RFC3339))
}

// freshFor is how long metadata is used before it is read again: at most refresh, and half of
// its remaining validity, so that there is time to retry.
func (p *Provider) freshFor(refresh time.Duration, now time.Time) time.Duration {
	fresh := refresh
	if p.cacheFor > 0 {
		fresh = min(fresh, p.cacheFor)
	}
	if !p.ValidUntil.IsZero() {
		fresh = min(fresh, p.ValidUntil.Sub(now)/2)
	}
	return max(fresh, minFresh)
}

// keepFor is how long the metadata may be used from now on.
func (p *Provider) keepFor(now time.Time) time.Duration {
	if p.ValidUntil.IsZero() {
		return upstream.Forever
	}
	return p.ValidUntil.Sub(now)
}

// readEndpoints uses the first endpoint of each supported binding.
func (p *Provider) readEndpoints(role *strictxml.Element) error {
	p.SSO, p.SLO = map[string]string{}, map[string]Endpoint{}
	for _, e := range role.Children() {
		binding := e.Value("Binding")
		if binding != saml2.BindingRedirect && binding != saml2.BindingPost {
			continue
		}
		var err error
		switch {
		case e.Is(saml2.Metadata, "SingleSignOnService"):
			err = p.addSignOn(e, binding)
		case e.Is(saml2.Metadata, "SingleLogoutService"):
			err = p.addLogout(e, binding)
		}
		if err != nil {
			return sdk.Misconfigured(ReasonMetadataEndpoint, "metadata of the provider: the location of %s %w", e.Local, err)
		}
	}
	if len(p.SSO) == 0 {
		return sdk.Misconfigured(ReasonMetadataEndpoint, "metadata of the provider has no SingleSignOnService with the binding HTTP-Redirect or HTTP-POST")
	}
	return nil
}

func (p *Provider) addSignOn(e *strictxml.Element, binding string) error {
	location := e.Value("Location")
	if _, known := p.SSO[binding]; !known {
		p.SSO[binding] = location
	}
	return checkLocation(location)
}

// addLogout ignores an http endpoint: users can still sign in without logout at the identity
// provider, or with logout by the other binding.
func (p *Provider) addLogout(e *strictxml.Element, binding string) error {
	to := Endpoint{Location: e.Value("Location"), Response: e.Value("ResponseLocation")}
	if to.Response == "" {
		to.Response = to.Location
	}
	if location := to.insecure(); location != "" {
		p.LeftOut = append(p.LeftOut, location)
		return nil
	}
	if _, known := p.SLO[binding]; !known {
		p.SLO[binding] = to
	}
	if err := checkLocation(to.Location); err != nil {
		return err
	}
	return checkLocation(to.Response)
}

// insecure returns a location that is http on another machine, if there is one: the only
// fault of an endpoint that can be a mistake.
func (e Endpoint) insecure() string {
	for _, location := range []string{e.Location, e.Response} {
		u, err := url.Parse(location)
		if err == nil && u.Scheme == "http" && u.Host != "" && checkLocation(location) != nil && checkLocation("https"+location[len("http"):]) == nil {
			return location
		}
	}
	return ""
}

// maxLocation leaves room for the request in a redirect.
const maxLocation = 2 << 10

// checkLocation returns why a browser must not be sent to the location: a scheme other than
// https, because a form may be posted to it (CVE-2023-45683), except http on this machine.
func checkLocation(location string) error {
	if len(location) > maxLocation {
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(location), maxLocation)
	}
	_, err := upstream.ParseEndpoint(location)
	return err
}
