package provider

import (
	"crypto/x509"
	"time"

	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/tlsoptions"
	"github.com/doorward/doorward/sdk/upstream"
)

// certificates adds when the CA certificates and the client certificate expire that the host
// configures for the connections of a provider. Of several, the next to expire counts.
func (c *Checked) certificates(of Configured) {
	out := of.Outbound
	for _, one := range []struct{ key, whose, text string }{
		{outbound.KeyCertificate, "our certificate", out.Certificate},
		{outbound.KeyCA, "the authority", out.CA},
		{outbound.KeyExtraCA, "the authority", out.ExtraCA},
	} {
		list, _, err := tlsoptions.Certificates(one.text)
		if err != nil {
			continue // there is none: the configuration refuses unreadable ones
		}
		if one.key == outbound.KeyCertificate {
			list = list[:1] // the rest are CA certificates
		}
		next := nextToExpire(list, time.Now())
		text := one.whose + " " + upstream.Shown(next.Subject.String()) + " of " + out.Names[one.key]
		c.Findings = append(c.Findings, upstream.Certificate(one.key, text, next, time.Now()))
	}
}

// nextToExpire skips expired certificates unless all have expired: the configuration
// has warned of them, and they would hide the next one.
func nextToExpire(list []*x509.Certificate, now time.Time) *x509.Certificate {
	next := list[0]
	for _, c := range list[1:] {
		if over, nextOver := now.After(c.NotAfter), now.After(next.NotAfter); over == nextOver && c.NotAfter.Before(next.NotAfter) || nextOver && !over {
			next = c
		}
	}
	return next
}
