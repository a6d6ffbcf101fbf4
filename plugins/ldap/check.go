package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// Check checks every server, and then step by step what a login needs. It stops when a
// failure makes further steps pointless. It does not sign anyone in and does not try a
// password of a user.
func (m *mechanism) Check(ctx context.Context) ([]sdk.Finding, error) {
	findings := checkDangers(m.options)
	servers, err := m.directory.Servers(ctx)
	if err != nil {
		findings = append(findings, upstream.Failed("servers", err))
	}
	reached := false
	for _, s := range servers {
		found, ok := m.checkServer(ctx, s)
		if reached = reached || ok; ok || !slices.Contains(findings, found[0]) { // a proxy gives the same error for all servers
			findings = append(findings, found...)
		}
	}
	if !reached {
		return findings, nil
	}
	if m.searchesAsUser() {
		return append(findings, upstream.Fine("bind", "bind_dn is not set: only users can search, which this check cannot try, and sessions are not refreshed")), nil
	}
	return append(findings, m.checkSearches(ctx)...), nil
}

func checkDangers(o Options) []sdk.Finding {
	var findings []sdk.Finding
	if o.insecure() {
		findings = append(findings, upstream.Warning("TLS", "client__tls_options__reject_unauthorized is off: certificates are not checked; set tls_ca to their certificate authority instead"))
	}
	if o.AllowInsecurePlaintext {
		findings = append(findings, upstream.Warning("TLS", "allow_insecure_plaintext is on: passwords are sent over the network unencrypted"))
	}
	return findings
}

// checkServer checks one server.
func (m *mechanism) checkServer(ctx context.Context, s *directory.Server) (findings []sdk.Finding, ok bool) {
	c, err := m.directory.Open(ctx, s)
	if proxy := directory.ProxyFailure(err); proxy != nil {
		return []sdk.Finding{upstream.Failed("proxy", proxy)}, false
	}
	if err != nil {
		findings = []sdk.Finding{upstream.Failed("connection to "+s.String(), err)}
	} else {
		defer c.Close()
		findings, ok = m.checkConnected(ctx, c, s)
	}
	for i := range findings {
		findings[i].Target = s.Address
	}
	return findings, ok
}

// checkConnected checks the service account and the clock of a server. The connection itself
// reports the certificate.
func (m *mechanism) checkConnected(ctx context.Context, c *directory.Connection, s *directory.Server) (findings []sdk.Finding, ok bool) {
	if c.TLS == nil { // otherwise the connection reports it
		findings = append(findings, upstream.Fine("connection to "+s.String(), "without TLS"))
	}
	if m.options.hasServiceAccount() {
		controls, err := m.directory.BindService(ctx, c)
		if err != nil {
			text := fmt.Errorf("%s: %s", m.searcher("bind_dn with bind_password"), m.describeBind(controls, err))
			return append(findings, upstream.Failed("bind at "+s.String(), text)), false
		}
		findings = append(findings, upstream.Fine("bind at "+s.String(), "as %s", m.searcher(m.options.BindDN)))
		findings = append(findings, m.checkServicePassword(ctx, c, account.ServiceStatus(controls, m.now()))...)
	}
	return append(findings, m.checkRoot(ctx, c, s)...), true
}

// searcher names the service account as the options do.
func (m *mechanism) searcher(byName string) string {
	if m.options.SASLExternal {
		return "sasl_external"
	}
	return byName
}

// checkRoot reads the root DSE (RFC 4512 section 5.1): the kind of server, and its clock,
// which only Active Directory shows.
func (m *mechanism) checkRoot(ctx context.Context, c *directory.Connection, s *directory.Server) []sdk.Finding {
	found, _, err := c.Search(ctx, directory.Query{
		Scope: ldap.ScopeBaseObject, Filter: "(objectClass=*)", Limit: 1,
		Attributes: []string{"namingContexts", "currentTime", "supportedExtension", "supportedCapabilities", "vendorName"},
	})
	if err != nil || len(found) != 1 {
		return nil // some servers hide it, which is harmless
	}
	root := found[0]
	var findings []sdk.Finding
	for _, base := range m.options.userBases() {
		if contexts := root.Texts("namingContexts"); len(contexts) > 0 && !directory.IsUnderAny(base, contexts) {
			findings = append(findings, upstream.Warning("user_dn", "%s is not under the naming contexts of %s: %s", base, s, strings.Join(contexts, "; ")))
		}
	}
	if at, ok := account.GeneralizedTime(root.Text("currentTime")); ok {
		findings = append(findings, upstream.Clock(s.String(), m.now(), at, 2*time.Minute, "expiry dates are judged wrongly"))
	}
	return append(findings, checkChange(root, m.options.PasswordChange)...)
}

// checkChange compares password_change with what the server supports.
func checkChange(root directory.Entry, method string) []sdk.Finding {
	const (
		modify          = "1.3.6.1.4.1.4203.1.11.1" // RFC 3062
		activeDirectory = "1.2.840.113556.1.4.800"  // MS-ADTS section 3.1.1.3.4.3.1
	)
	extensions := root.Texts("supportedExtension")
	isAD := slices.Contains(root.Texts("supportedCapabilities"), activeDirectory)
	switch method {
	case account.ChangeExtended:
		if len(extensions) > 0 && !slices.Contains(extensions, modify) {
			return []sdk.Finding{upstream.Warning("password_change", "the server does not list the extended operation of RFC 3062: expired passwords cannot be changed")}
		}
	case account.ChangeUnicode:
		if !isAD {
			return []sdk.Finding{upstream.Warning("password_change", "unicode-pwd requires Active Directory, but the server does not identify itself as that")}
		}
	}
	return nil
}

// checkSearches does what a login does before the bind, for check_user or for some of the
// users who could sign in.
func (m *mechanism) checkSearches(ctx context.Context) []sdk.Finding {
	var findings []sdk.Finding
	for _, base := range m.options.userBases() {
		findings = append(findings, m.checkBase(ctx, "user_dn", base))
	}
	for _, base := range m.options.groupBases() {
		findings = append(findings, m.checkBase(ctx, "group_dn", base))
	}
	if slices.ContainsFunc(findings, func(f sdk.Finding) bool { return f.Severity == sdk.SeverityError }) {
		return findings
	}
	if m.options.CheckUser == "" {
		return append(findings, m.checkSomeUsers(ctx)...)
	}
	return append(findings, m.checkUser(ctx)...)
}

func (m *mechanism) checkBase(ctx context.Context, option, dn string) sdk.Finding {
	var found []directory.Entry
	err := m.directory.Search(ctx, func(c *directory.Connection) error {
		var err error
		found, _, err = c.Search(ctx, directory.Query{Base: dn, Scope: ldap.ScopeBaseObject, Filter: "(objectClass=*)", Limit: 1, Attributes: []string{"1.1"}})
		return err
	})
	switch {
	case err != nil:
		return upstream.Failed(option, err)
	case len(found) == 0:
		return upstream.Failed(option, fmt.Errorf("bind_dn has no right to read %s", dn))
	}
	return upstream.Fine(option, "%s", dn)
}
