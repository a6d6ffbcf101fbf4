package provider

import (
	"crypto/x509"
	"time"

	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/tlsoptions"
	"github.com/doorward/doorward/sdk/upstream"
)

// trust tells when the authorities and the client certificate expire that the
// connections of a provider have from the host. Of several, the next to expire counts.
func (c *Checked) trust(of Configured) {
	out := of.Outbound
	for _, one := range []struct{ key, whose, text string }{
		{outbound.KeyCertificate, "our certificate", out.Certificate},
		{outbound.KeyCA, "the authority", out.CA},
		{outbound.KeyExtraCA, "the authority", out.ExtraCA},
	} {
		list, _, err := tlsoptions.Certificates(one.text)
		if err != nil {
			continue // none is given: the configuration has refused what cannot be read
		}
		if one.key == outbound.KeyCertificate {
			list = list[:1] // those behind it are of authorities
		}
		next := nextToExpire(list, time.Now())
		text := one.whose + " " + upstream.Shown(next.Subject.String()) + " of " + out.Names[one.key]
		c.Findings = append(c.Findings, upstream.Certificate(one.key, text, next, time.Now()))
	}
}

// nextToExpire passes over those that have expired, if not all have: the configuration
// has warned of them, and they would hide the next.
func nextToExpire(list []*x509.Certificate, now time.Time) *x509.Certificate {
	next := list[0]
	for _, c := range list[1:] {
		if over, nextOver := now.After(c.NotAfter), now.After(next.NotAfter); over == nextOver && c.NotAfter.Before(next.NotAfter) || nextOver && !over {
			next = c
		}
	}
	return next
}
