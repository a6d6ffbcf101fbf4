package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crewjam/saml"

	"github.com/doorward/doorward/plugins/saml/internal/wall"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// maxMetadata bounds the metadata in bytes.
const maxMetadata = 8 << 20

// provider is the identity provider as its metadata describes it.
type provider struct {
	entityID   string
	keys       []signingKey
	weakKeys   int // that are too short, or of another kind
	sso        map[string]string
	slo        map[string]endpoint
	wantSigned bool // WantAuthnRequestsSigned
	validUntil time.Time
	cacheFor   time.Duration // zero if it does not say
	date       time.Time     // on the clock of who published it; zero if not told
}

// signingKey is one with which the provider signs. The certificate is what it
// came in, and is trusted because it stands in the metadata, not for who issued it.
type signingKey struct {
	public      crypto.PublicKey
	certificate *x509.Certificate
}

// endpoint is where messages go (metadata section 2.2.2).
type endpoint struct{ location, response string }

// selection says which provider of the metadata is meant, and who vouches for it.
type selection struct {
	entityID string
	pins     []*x509.Certificate
	policy   xmldsig.Policy
	now      time.Time
}

// readProvider reads metadata of one identity provider or of many (metadata
// section 2.3).
func readProvider(data []byte, s selection) (*provider, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // as Microsoft writes it
	root, err := wall.Parse(data, wall.Metadata())
	if err != nil {
		return nil, sdk.Misconfigured(reasonMetadataMalformed, "metadata of the provider: %w", err)
	}
	if root, err = s.verified(root); err != nil {
		return nil, err
	}
	found := findProviders(root, s.entityID)
	if len(found) != 1 {
		return nil, s.notOne(found, root)
	}
	return readEntity(found[0], s.now)
}

// verified returns what one of the pinned keys has signed. Without pins, the
// channel by which the metadata came is what is trusted.
func (s selection) verified(root *wall.Element) (*wall.Element, error) {
	if len(s.pins) == 0 {
		return root, nil
	}
	var keys []crypto.PublicKey
	for _, pin := range s.pins {
		keys = append(keys, pin.PublicKey)
	}
	signed, err := xmldsig.Verify(root, keys, s.policy, wall.Metadata())
	if err != nil {
		return nil, sdk.Misconfigured(reasonMetadataSignature, "metadata of the provider, held against idp_metadata_certificate: %w", err)
	}
	return signed, nil
}

// findProviders returns the entities that are identity providers of SAML 2.0.
func findProviders(root *wall.Element, entityID string) []*wall.Element {
	var found []*wall.Element
	root.Walk(func(e *wall.Element) bool {
		id := e.Value("entityID")
		if e.Is(nsMetadata, "EntityDescriptor") && (entityID == "" || id == entityID) && len(roles(e)) > 0 {
			found = append(found, e)
		}
		return true
	})
	return found
}

// roles are the descriptors of an identity provider of SAML 2.0.
func roles(entity *wall.Element) []*wall.Element {
	var list []*wall.Element
	for _, role := range entity.All(nsMetadata, "IDPSSODescriptor") {
		if slices.Contains(strings.Fields(role.Value("protocolSupportEnumeration")), nsProtocol) {
			list = append(list, role)
		}
	}
	return list
}

func (s selection) notOne(found []*wall.Element, root *wall.Element) error {
	switch {
	case len(found) == 0 && s.entityID != "":
		return sdk.Misconfigured(reasonMetadataEntity, "metadata of the provider has no identity provider of SAML 2.0 with the entity ID %q of idp_entity_id", s.entityID)
	case len(found) == 0:
		return sdk.Misconfigured(reasonMetadataEntity, "metadata of the provider has no identity provider of SAML 2.0, but begins with %s", upstream.Shown(root.Local))
	}
	var ids []string
	for _, e := range found[:min(len(found), 5)] {
		ids = append(ids, upstream.Shown(e.Value("entityID")))
	}
	return sdk.Misconfigured(reasonMetadataEntity, "metadata has %d identity providers; write one of them as idp_entity_id: %q", len(found), ids)
}

func readEntity(entity *wall.Element, now time.Time) (*provider, error) {
	role := roles(entity)[0]
	p := &provider{entityID: entity.Value("entityID"), wantSigned: isTrue(role.Value("WantAuthnRequestsSigned"))}
	if p.entityID == "" || len(p.entityID) > maxEntityID {
		return nil, sdk.Misconfigured(reasonMetadataEntity, "metadata of the provider has an entity ID of %d bytes; it must have 1 to %d", len(p.entityID), maxEntityID)
	}
	if err := p.readTimes(role, now); err != nil {
		return nil, err
	}
	if err := p.readKeys(role); err != nil {
		return nil, err
	}
	return p, p.readEndpoints(role)
}

// maxEntityID is that of core section 8.3.6.
const maxEntityID = 1024

// readTimes takes the strictest of validUntil and cacheDuration of the element and
// all around it.
func (p *provider) readTimes(e *wall.Element, now time.Time) error {
	for ; e != nil; e = e.Parent {
		if text, ok := e.Attr("validUntil"); ok {
			until, err := parseTime(text)
			if err != nil {
				return sdk.Misconfigured(reasonMetadataMalformed, "validUntil in the metadata of the provider: %w", err)
			}
			if p.validUntil.IsZero() || until.Before(p.validUntil) {
				p.validUntil = until
			}
		}
		var duration saml.Duration
		if err := duration.UnmarshalText([]byte(e.Value("cacheDuration"))); err != nil {
			continue // a hint that cannot be read is none
		}
		if d := time.Duration(duration); d > 0 && (p.cacheFor == 0 || d < p.cacheFor) {
			p.cacheFor = d
		}
	}
	return p.checkValid(now)
}

func (p *provider) checkValid(now time.Time) error {
	if p.validUntil.IsZero() || now.Before(p.validUntil) {
		return nil
	}
	return sdk.Unavailable(reasonMetadataExpired, "metadata of the provider was valid until %s: have the provider publish it anew, and replace idp_metadata if that is set", p.validUntil.Format(time.RFC3339))
}

// freshFor is how long metadata is kept that may be read again: at most refresh, and
// half of what is left of its life, so that there is time to try again.
func (p *provider) freshFor(refresh time.Duration, now time.Time) time.Duration {
	fresh := refresh
	if p.cacheFor > 0 {
		fresh = min(fresh, p.cacheFor)
	}
	if !p.validUntil.IsZero() {
		fresh = min(fresh, p.validUntil.Sub(now)/2)
	}
	return max(fresh, minFresh)
}

// keepFor is how long it may serve from now on.
func (p *provider) keepFor(now time.Time) time.Duration {
	if p.validUntil.IsZero() {
		return upstream.Forever
	}
	return p.validUntil.Sub(now)
}

// readKeys takes the keys for signing, and those for which no use is named
// (metadata section 2.4.1.1).
func (p *provider) readKeys(role *wall.Element) error {
	for _, descriptor := range role.All(nsMetadata, "KeyDescriptor") {
		if use, named := descriptor.Attr("use"); named && use != "signing" {
			continue
		}
		descriptor.Walk(func(e *wall.Element) bool {
			if e.Is(nsSignature, "X509Certificate") {
				p.addKey(e)
			}
			return true
		})
	}
	if len(p.keys) == 0 {
		return sdk.Misconfigured(reasonMetadataKeys, "metadata of the provider has no certificate for signing with an RSA key of %d bits or more, or an ECDSA key (%d are unusable)", minRSA, p.weakKeys)
	}
	return nil
}

// maxProviderKeys bounds what a forged signature costs: each key is tried.
const maxProviderKeys = 16

func (p *provider) addKey(e *wall.Element) {
	text, _ := e.Text()
	der, err := xmldsig.DecodeBase64(text)
	if err != nil {
		p.weakKeys++
		return
	}
	c, err := x509.ParseCertificate(der)
	if err != nil || !strong(c.PublicKey) || len(p.keys) == maxProviderKeys {
		p.weakKeys++
		return
	}
	for _, k := range p.keys {
		if k.certificate.Equal(c) {
			return
		}
	}
	p.keys = append(p.keys, signingKey{c.PublicKey, c})
}

const maxRSA = 16384

func strong(key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minRSA && key.N.BitLen() <= maxRSA
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize >= 256
	}
	return false
}

// usableKeys are those whose certificate holds now. Which do not is told by
// expired.
func (p *provider) usableKeys(now time.Time, allowExpired bool) (keys []crypto.PublicKey, expired int) {
	for _, k := range p.keys {
		if !allowExpired && (now.After(k.certificate.NotAfter) || now.Before(k.certificate.NotBefore)) {
			expired++
			continue
		}
		keys = append(keys, k.public)
	}
	return keys, expired
}

// readEndpoints takes the first endpoint of each binding that we speak.
func (p *provider) readEndpoints(role *wall.Element) error {
	p.sso, p.slo = map[string]string{}, map[string]endpoint{}
	for _, e := range role.Children() {
		binding := e.Value("Binding")
		sso := e.Is(nsMetadata, "SingleSignOnService")
		if !sso && !e.Is(nsMetadata, "SingleLogoutService") || binding != bindingRedirect && binding != bindingPost {
			continue
		}
		to := endpoint{location: e.Value("Location"), response: e.Value("ResponseLocation")}
		if to.response == "" {
			to.response = to.location
		}
		for _, location := range []string{to.location, to.response} {
			if err := checkLocation(location); err != nil {
				return sdk.Misconfigured(reasonMetadataEndpoint, "metadata of the provider: the location of %s %w", e.Local, err)
			}
		}
		if _, known := p.sso[binding]; sso && !known {
			p.sso[binding] = to.location
		}
		if _, known := p.slo[binding]; !sso && !known {
			p.slo[binding] = to
		}
	}
	if len(p.sso) == 0 {
		return sdk.Misconfigured(reasonMetadataEndpoint, "metadata of the provider has no SingleSignOnService with the binding HTTP-Redirect or HTTP-POST")
	}
	return nil
}

// maxLocation leaves room for a request in a redirect.
const maxLocation = 2 << 10

// checkLocation says what keeps a browser from being sent there: any scheme but
// https, since a form may be posted to it (CVE-2023-45683), and http beyond this
// machine.
func checkLocation(location string) error {
	if len(location) > maxLocation {
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(location), maxLocation)
	}
	_, err := upstream.ParseEndpoint(location)
	return err
}
