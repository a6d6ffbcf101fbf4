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

// certificate tells of a handshake: version, chain, whose authority, and when the first
// of the certificates expires. The texts in them are the server's.
func certificate(h *outbound.Handshake, now time.Time) sdk.Finding {
	chain := h.State.PeerCertificates
	trusted := ", which nobody checks"
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

// chainText leads from the server to the authority.
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

// nameOf is the subject, or a name that the certificate is for: many have no subject
// (RFC 5280 section 4.1.2.6).
func nameOf(c *x509.Certificate) string {
	alternatives := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		alternatives = append(alternatives, ip.String())
	}
	alternatives = append(alternatives, "(no name)")
	return upstream.Shown(cmp.Or(c.Subject.String(), alternatives[0]))
}
