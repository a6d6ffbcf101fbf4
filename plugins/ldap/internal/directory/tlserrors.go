package directory

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
)

// adviseTLS adds a hint about the option to check to a TLS error that does not concern trust.
// Other errors are returned unchanged.
func adviseTLS(err error) error {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("%w: in client_url, use ldaps:// for a port with TLS from the first byte, and ldap:// for a port with StartTLS", err)
	}
	// Servers with GnuTLS do this without an alert.
	brokenOff := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	if brokenOff && !strings.Contains(err.Error(), "client certificate") { // the error says that already
		return fmt.Errorf("%w: the server closed the connection: check client_url (ldaps:// requires a port with TLS from the first byte), and whether the server supports tls_min_version", err)
	}
	return err
}
