package directory

import (
	"errors"
	"net"
	"slices"
	"strings"
)

// withinDomain leaves out the servers that the operator has not named. The DNS may lie: a
// name from it is no identity to hold a certificate against, unless it lies in the
// domain that the operator wrote (RFC 4513 section 3.1.3, RFC 6125 section 6.2.1).
// With tls_server_name the certificate must be for that, wherever the server is.
func (d *Directory) withinDomain(domain string, records []*net.SRV) []*net.SRV {
	domain = domainOf(domain)
	return slices.DeleteFunc(records, func(r *net.SRV) bool {
		host := strings.ToLower(strings.TrimSuffix(r.Target, "."))
		if host == "" { // "decidedly not available" (RFC 2782)
			return true
		}
		if host == domain || strings.HasSuffix(host, "."+domain) || d.dialer.tls.Config.ServerName != "" {
			return false
		}
		d.logger.Warn("the DNS names a server outside of the domain in client_url, which is not asked: name it in client_url, or set tls_server_name", "domain", domain, "server", host)
		return true
	})
}

// domainOf is the domain in which the servers lie: a name may begin with where in it to
// look, such as the site of Active Directory in Berlin._sites.dc._msdcs.example.com
// (MS-ADTS section 6.3.2.3). No host has a label that begins with an underscore.
func domainOf(name string) string {
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(name, ".")), ".")
	for i := len(labels) - 1; i >= 0; i-- {
		if strings.HasPrefix(labels[i], "_") {
			return strings.Join(labels[i+1:], ".")
		}
	}
	return strings.Join(labels, ".")
}

func noRecordsError(err error) error {
	if err != nil {
		return err
	}
	return errors.New("there are no records that can be used")
}
