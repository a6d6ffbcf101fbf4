package outbound

import (
	"crypto/x509"
	"time"

	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/tlsoptions"
)

// setAuthorities are the authorities in one setting.
type setAuthorities struct{ key, text string }

func (s Settings) authorities() []setAuthorities {
	return []setAuthorities{{KeyExtraCA, s.ExtraCA}, {KeyCA, s.CA}}
}

// trustProblems returns the problems with authorities and client certificate, by key.
// The texts do not quote them.
func (s Settings) trustProblems() options.Problems {
	var problems options.Problems
	for _, a := range s.authorities() {
		if _, err := tlsoptions.Authorities(a.text); err != nil {
			problems.Addf(a.key, "%v", err)
		}
	}
	for _, problem := range tlsoptions.PairProblems(s.name(KeyCertificate), s.Certificate, s.name(KeyPrivateKey), s.Key) {
		key := KeyCertificate
		if problem.Option == s.name(KeyPrivateKey) {
			key = KeyPrivateKey
		}
		problems.Addf(key, "%s", problem.Text)
	}
	return problems
}

// warnOfTrust names certificates that cannot be used or have expired.
func (s Settings) warnOfTrust(warnings *options.Problems, now time.Time) {
	for _, a := range s.authorities() {
		list, leftOut, err := tlsoptions.Certificates(a.text)
		if err != nil {
			continue // a problem, or none is given
		}
		if leftOut > 0 {
			warnings.Addf(a.key, "has %d certificates that cannot be used (RFC 5280) and are left out", leftOut)
		}
		if over := expired(list, now); len(over) > 0 {
			warnings.Addf(a.key, "has %d certificates that have expired, such as %s on %s", len(over),
				shown(over[0].Subject.String()), over[0].NotAfter.UTC().Format(time.DateOnly))
		}
	}
	list, _, err := tlsoptions.Certificates(s.Certificate)
	if err != nil {
		return
	}
	if over := expired(list[:1], now); len(over) > 0 {
		warnings.Addf(KeyCertificate, "expired on %s: servers that ask for it refuse it; renew it", over[0].NotAfter.UTC().Format(time.DateOnly))
	}
}

func expired(list []*x509.Certificate, now time.Time) []*x509.Certificate {
	var over []*x509.Certificate
	for _, c := range list {
		if now.After(c.NotAfter) {
			over = append(over, c)
		}
	}
	return over
}
