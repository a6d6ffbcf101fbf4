package directory

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"
)

// adviseTLS adds to a fault of TLS which option to look at. Other errors stay as they
// are.
func adviseTLS(err error) error {
	if advice := tlsAdvice(err); advice != "" {
		return fmt.Errorf("%w: %s", err, advice)
	}
	return err
}

func tlsAdvice(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "give the certificate of its authority as tls_ca"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "write the server in client_url as its certificate names it, or that name as tls_server_name"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "renew the certificate of the server, or set the clock of this machine"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "in client_url, ldaps:// is for a port with TLS from the first byte, and ldap:// for one with StartTLS"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) { // as servers with GnuTLS do, without an alert
		return "the server closed the connection: is client_url right (ldaps:// is for a port with TLS from the first byte), does the server want a client certificate (tls_cert), or an older TLS (tls_min_version)?"
	}
	return alertAdvice(err)
}

// sayGone matches what is told of a connection that the server has closed, depending on
// who notices first. The library keeps the text only.
var sayGone = regexp.MustCompile(`\bEOF\b|reset by peer|broken pipe|connection closed`)

// adviseFirst does the same for the first request of a connection: with TLS 1.3 a server
// looks at the certificate of its client only after the handshake, and may say nothing.
func adviseFirst(err error) error {
	advice := alertAdvice(err)
	if advice == "" && sayGone.MatchString(err.Error()) {
		advice = "the server closed the connection without an answer: does it want a client certificate (tls_cert and tls_key), or another one?"
	}
	if advice == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, advice)
}

// alertAdvice goes by the text of an alert (RFC 8446 section 6.2): its type has no name
// outside of crypto/tls.
func alertAdvice(err error) string {
	text := err.Error()
	if remote, ok := errors.AsType[*net.OpError](err); !strings.Contains(text, "tls: ") || ok && remote.Op != "remote error" {
		return ""
	}
	switch {
	case strings.Contains(text, "protocol version"):
		return "the server knows no version of TLS that tls_min_version allows"
	case strings.Contains(text, "certificate required"), strings.Contains(text, "handshake failure"):
		return "the server may want a client certificate: give one as tls_cert and tls_key"
	case strings.Contains(text, "remote error") && strings.Contains(text, "certificate"):
		return "the server does not accept the client certificate: look at tls_cert"
	}
	return ""
}
