package directory

import (
	"errors"
	"net"
	"slices"
	"strings"
)

// withinDomain omits the servers that the operator has not named. The answer of the DNS can
// be forged: a name in it is not an identity to check a certificate against, unless it is
// within the domain that the operator wrote (RFC 4513 section 3.1.3, RFC 6125 section 6.2.1).
// With tls_server_name, the certificate must be for that name, wherever the server is.
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
		d.logger.Warn("the DNS lists a server outside of the domain in client_url, which is ignored: add the server to client_url, or set tls_server_name", "domain", domain, "server", host)
		return true
	})
}

// domainOf is the domain of the servers. The name can begin with labels that select a part of
// it, such as the site of Active Directory in Berlin._sites.dc._msdcs.example.com (MS-ADTS
// section 6.3.2.3). Labels of hosts do not begin with an underscore.
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
	return errors.New("there are no records of usable servers")
}
