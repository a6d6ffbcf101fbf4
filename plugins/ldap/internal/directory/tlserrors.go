package directory

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
)

// adviseTLS adds to a fault of TLS that trust has nothing to do with which option to
// look at. Other errors stay as they are.
func adviseTLS(err error) error {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("%w: in client_url, ldaps:// is for a port with TLS from the first byte, and ldap:// for one with StartTLS", err)
	}
	// As servers with GnuTLS do, without an alert.
	brokenOff := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	if brokenOff && !strings.Contains(err.Error(), "client certificate") { // which is told already
		return fmt.Errorf("%w: the server closed the connection: is client_url right (ldaps:// is for a port with TLS from the first byte), or does the server speak an older TLS only than tls_min_version?", err)
	}
	return err
}
