package outbound

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/doorward/doorward/sdk"
)

// explained is an error with a hint on how to fix it.
type explained struct {
	err  error
	hint string
}

func (e *explained) Error() string { return e.err.Error() + ": " + e.hint }
func (e *explained) Unwrap() error { return e.err }

// explain adds to an error of a connection which setting to change. Errors that do not
// concern trust stay as they are.
func (t *trust) explain(err error) error {
	if _, ok := errors.AsType[*explained](err); ok || err == nil {
		return err
	}
	hint := t.hint(err)
	if hint == "" {
		return err
	}
	return &explained{err, hint}
}

func (t *trust) hint(err error) string {
	if failed, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return t.ofCertificate(failed)
	}
	if remote, ok := errors.AsType[*net.OpError](err); ok && remote.Op == "remote error" {
		return t.ofAlert(strings.TrimPrefix(remote.Err.Error(), "tls: "))
	}
	if strings.Contains(err.Error(), "tls: server selected unsupported protocol version") {
		return t.ofVersion()
	}
	if t.asked.Load() && brokenOff(err) {
		return t.ofClientCertificate()
	}
	if t.shown.Load() && errors.Is(err, sdk.ErrUnanswered) && brokenOff(err) { // servers with GnuTLS refuse it without an alert
		return t.ofClientCertificate()
	}
	return ""
}

// mostNames is how many names of a certificate are shown.
const mostNames = 8

// shown returns a text of the server in quotes, cut and in printable ASCII.
func shown(text string) string { return fmt.Sprintf("%+.128q", text) }

func brokenOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// ofCertificate explains a certificate of the server. All texts in it come from an
// untrusted server.
func (t *trust) ofCertificate(failed *tls.CertificateVerificationError) string {
	chain := failed.UnverifiedCertificates
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](failed); ok && len(chain) > 0 {
		return t.ofAuthority(unknown, chain)
	}
	if name, ok := errors.AsType[x509.HostnameError](failed); ok {
		return t.ofName(name.Certificate)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](failed); ok && invalid.Reason == x509.Expired {
		return t.ofTime(invalid.Cert, chain)
	}
	return ""
}

func (t *trust) ofAuthority(unknown x509.UnknownAuthorityError, chain []*x509.Certificate) string {
	last := chain[len(chain)-1]
	signer := fmt.Sprintf("it is signed by %s", shown(last.Issuer.String()))
	if len(chain) == 1 && bytes.Equal(last.RawIssuer, last.RawSubject) {
		signer = "it is self-signed"
	}
	switch {
	case strings.Contains(unknown.Error(), "possibly because"):
		return fmt.Sprintf("%s has an authority with that name, but its certificate does not match", t.trusted())
	case t.ca != "":
		return fmt.Sprintf("%s, which is not in %s%s", signer, t.names.CA, intermediates(chain))
	case noAuthorities():
		return fmt.Sprintf("%s, and this system has no authorities at all: install ca-certificates, or give that authority's certificate as %s", signer, t.names.CA)
	}
	return fmt.Sprintf("%s; if you trust that authority, give its certificate (PEM) as %s%s", signer, t.names.CA, intermediates(chain))
}

// trusted names where the authorities in force come from.
func (t *trust) trusted() string {
	if t.ca != "" {
		return t.names.CA
	}
	return "the list of trusted authorities"
}

// intermediates mentions the usual fault of servers: they do not send the certificates
// that lead to the authority (RFC 8446 section 4.4.2).
func intermediates(chain []*x509.Certificate) string {
	if len(chain) > 1 || bytes.Equal(chain[0].RawIssuer, chain[0].RawSubject) {
		return ""
	}
	return " (or the server does not send the intermediate certificates)"
}

// noAuthorities reports whether the system trusts no authority, as in an empty container.
func noAuthorities() bool {
	pool, err := x509.SystemCertPool()
	return err != nil || pool.Equal(x509.NewCertPool())
}

func (t *trust) ofName(c *x509.Certificate) string {
	var names []string
	for _, name := range c.DNSNames {
		names = append(names, shown(name))
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	names = names[:min(len(names), mostNames)]
	what := "it is for " + strings.Join(names, ", ")
	if len(names) == 0 {
		what = "it has no name (subjectAltName) and must be reissued"
	}
	if t.names.ServerName != "" {
		return what + "; write the server with a name of the certificate, or set " + t.names.ServerName + " to that name"
	}
	return what + "; write the server with a name of the certificate, or have the certificate reissued for this name"
}

func (t *trust) ofTime(c *x509.Certificate, chain []*x509.Certificate) string {
	whose, where := fmt.Sprintf("the certificate of the authority %s in %s", shown(c.Subject.String()), t.trusted()), "replace it"
	if len(chain) > 0 && c.Equal(chain[0]) {
		whose, where = "the server's certificate", "renew it there"
	} else if slices.ContainsFunc(chain, c.Equal) {
		whose, where = fmt.Sprintf("the certificate of the authority %s that the server sends", shown(c.Subject.String())), "renew it there"
	}
	if now := time.Now(); now.Before(c.NotBefore) {
		return fmt.Sprintf("%s is valid only from %s, but here it is %s: set the clock of this machine by NTP",
			whose, c.NotBefore.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s was valid until %s: %s", whose, c.NotAfter.UTC().Format(time.RFC3339), where)
}

// ofAlert explains the alert with which a server ends a connection (RFC 8446 section 6),
// in the words of crypto/tls.
func (t *trust) ofAlert(alert string) string {
	switch alert {
	case "protocol version not supported":
		return t.ofVersion()
	case "certificate required", "bad certificate", "unsupported certificate", "revoked certificate", "expired certificate",
		"unknown certificate", "unknown certificate authority", "access denied":
		return t.ofClientCertificate()
	case "handshake failure":
		if t.asked.Load() || t.pair != nil {
			return t.ofClientCertificate()
		}
		if t.min > tls.VersionTLS12 {
			return t.ofVersion()
		}
	}
	return ""
}

func (t *trust) ofVersion() string {
	if t.min > tls.VersionTLS12 {
		return fmt.Sprintf("the server does not speak TLS 1.3, the lowest version according to %s", t.names.MinVersion)
	}
	return "the server does not speak TLS 1.2, and older versions are broken: update it"
}

func (t *trust) ofClientCertificate() string {
	switch {
	case t.pair == nil:
		return fmt.Sprintf("the server asks for a client certificate: set %s and %s", t.names.Certificate, t.names.Key)
	case t.asked.Load():
		return fmt.Sprintf("the server asks for a client certificate of other authorities than that of %s (%s), so none was sent; intermediate certificates may be missing there",
			t.names.Certificate, shown(t.pair.Leaf.Issuer.String()))
	case time.Now().After(t.pair.Leaf.NotAfter):
		return fmt.Sprintf("the client certificate of %s was valid until %s: renew it", t.names.Certificate, t.pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("the server does not accept the client certificate of %s", t.names.Certificate)
}
