package way

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/upstream"
)

// certificate shows a handshake: version, chain, the source of the authority, and when the
// first of the certificates expires. The texts in the certificates come from the server.
func certificate(h *outbound.Handshake, now time.Time) sdk.Finding {
	chain := h.State.PeerCertificates
	trusted := ", which is not checked"
	if h.Authority != "" {
		chain = h.State.VerifiedChains[0]
		trusted = ", trusted by " + h.Authority
	}
	first := slices.MinFunc(chain, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
	text := tls.VersionName(h.State.Version) + ", " + chainText(chain) + trusted
	if !first.Equal(chain[0]) {
		text += ", of which " + nameOf(first) + " expires first"
	}
	return upstream.Certificate("", text, first, now)
}

const maxChain = 6

// chainText shows the chain from the server to the authority.
func chainText(chain []*x509.Certificate) string {
	var names []string
	for i, c := range chain {
		if len(chain) > maxChain && i == maxChain-1 {
			names = append(names, "...")
		}
		if i < maxChain-1 || i == len(chain)-1 {
			names = append(names, nameOf(c))
		}
	}
	return strings.Join(names, " → ")
}

// nameOf returns the subject, or one of the certificate's names: many certificates have no
// subject (RFC 5280 section 4.1.2.6).
func nameOf(c *x509.Certificate) string {
	alternatives := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		alternatives = append(alternatives, ip.String())
	}
	alternatives = append(alternatives, "(no name)")
	return upstream.Shown(cmp.Or(c.Subject.String(), alternatives[0]))
}
