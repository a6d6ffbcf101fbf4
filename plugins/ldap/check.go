package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// Check looks at every server, and then at what a login needs, step by step. Each step
// needs those before it: it ends where nothing more can be found out. Nobody is signed
// in, and no wrong password is spent.
func (m *mechanism) Check(ctx context.Context) ([]sdk.Finding, error) {
	findings := m.checkDangers()
	locations, err := m.directory.locate(ctx)
	if err != nil {
		findings = append(findings, failed("servers", err))
	}
	reached := false
	for _, l := range locations[:min(len(locations), maxServers)] {
		found, ok := m.checkServer(ctx, m.directory.serverAt(l))
		findings, reached = append(findings, found...), reached || ok
	}
	if !reached {
		return findings, nil
	}
	if m.searchesAsUser() {
		return append(findings, fine("bind", "there is no bind_dn: only end users can search, which cannot be tried, and sessions are not looked at again while they last")), nil
	}
	return append(findings, m.checkSearches(ctx)...), nil
}

func fine(subject, format string, args ...any) sdk.Finding {
	return sdk.Finding{Severity: sdk.SeverityOK, Subject: subject, Text: fmt.Sprintf(format, args...)}
}

func warning(subject, format string, args ...any) sdk.Finding {
	return sdk.Finding{Severity: sdk.SeverityWarning, Subject: subject, Text: fmt.Sprintf(format, args...)}
}

func failed(subject string, err error) sdk.Finding {
	return sdk.Finding{Severity: sdk.SeverityError, Subject: subject, Text: err.Error()}
}

func (m *mechanism) checkDangers() []sdk.Finding {
	var findings []sdk.Finding
	if m.options.insecure() {
		findings = append(findings, warning("TLS", "client__tls_options__reject_unauthorized is off: certificates are not checked; give their authority as tls_ca instead"))
	}
	if m.options.AllowInsecurePlaintext {
		findings = append(findings, warning("TLS", "allow_insecure_plaintext is on: passwords go over the network unencrypted"))
	}
	return findings
}

// checkServer looks at connection, certificate, service account and clock of one server.
func (m *mechanism) checkServer(ctx context.Context, s *server) (findings []sdk.Finding, ok bool) {
	c, err := m.directory.dialer.open(ctx, s)
	if err != nil {
		return []sdk.Finding{failed("connection to "+s.String(), err)}, false
	}
	defer c.close()
	findings = append(findings, m.checkConnection(c, s))
	if m.options.BindDN != "" {
		if _, err := c.bind(ctx, m.options.BindDN, m.options.BindPassword.Reveal()); err != nil {
			text := fmt.Errorf("bind_dn with bind_password: %s", describe(err))
			return append(findings, failed("bind at "+s.String(), text)), false
		}
		findings = append(findings, fine("bind at "+s.String(), "as %s", m.options.BindDN))
	}
	return append(findings, m.checkRoot(ctx, c, s)...), true
}

func (m *mechanism) checkConnection(c *connection, s *server) sdk.Finding {
	subject := "connection to " + s.String()
	if c.tls == nil {
		return fine(subject, "without TLS")
	}
	chain := c.tls.PeerCertificates
	finding := fine(subject, "TLS, certificate for %s", strings.Join(append(slices.Clone(chain[0].DNSNames), ipTexts(chain[0])...), ", "))
	finding.ExpiresAt = chain[0].NotAfter
	if left := chain[0].NotAfter.Sub(m.now()); left < 14*24*time.Hour {
		finding.Severity = sdk.SeverityWarning
		finding.Text += fmt.Sprintf("; it expires on %s", chain[0].NotAfter.Format(time.DateOnly))
	}
	return finding
}

func ipTexts(cert *x509.Certificate) []string {
	var texts []string
	for _, ip := range cert.IPAddresses {
		texts = append(texts, ip.String())
	}
	return texts
}

// checkRoot reads the root DSE (RFC 4512 section 5.1): what the server is, and what time
// it has. Only Active Directory tells the time.
func (m *mechanism) checkRoot(ctx context.Context, c *connection, s *server) []sdk.Finding {
	found, _, err := c.search(ctx, query{
		scope: ldap.ScopeBaseObject, filter: "(objectClass=*)", limit: 1,
		attributes: []string{"namingContexts", "currentTime", "supportedExtension", "supportedCapabilities", "vendorName"},
	})
	if err != nil || len(found) != 1 {
		return nil // some servers hide it, which harms nobody
	}
	root := found[0]
	var findings []sdk.Finding
	if contexts := root.texts("namingContexts"); len(contexts) > 0 && !slices.ContainsFunc(contexts, func(dn string) bool { return isUnder(m.options.UserDN, dn) }) {
		findings = append(findings, warning("user_dn", "%s is not under what %s serves: %s", m.options.UserDN, s, strings.Join(contexts, "; ")))
	}
	if at, ok := generalizedTime(root.text("currentTime")); ok {
		findings = append(findings, m.checkClock(s, at))
	}
	return append(findings, m.checkChange(root)...)
}

func (m *mechanism) checkClock(s *server, theirs time.Time) sdk.Finding {
	ahead := m.now().Sub(theirs).Truncate(time.Second)
	const tolerable = time.Minute
	if ahead.Abs() >= tolerable {
		return warning("clock", "ours is %v ahead of that of %s: expiry is judged wrongly, set both by NTP", ahead, s)
	}
	return fine("clock", "ours is %v ahead of that of %s", ahead, s)
}

// checkChange compares password_change with what the server says that it can do.
func (m *mechanism) checkChange(root entry) []sdk.Finding {
	const (
		modify          = "1.3.6.1.4.1.4203.1.11.1" // RFC 3062
		activeDirectory = "1.2.840.113556.1.4.800"  // MS-ADTS section 3.1.1.3.4.3.1
	)
	extensions := root.texts("supportedExtension")
	isAD := slices.Contains(root.texts("supportedCapabilities"), activeDirectory)
	switch m.options.PasswordChange {
	case changeExtended:
		if len(extensions) > 0 && !slices.Contains(extensions, modify) {
			return []sdk.Finding{warning("password_change", "the server does not list the extended operation of RFC 3062: expired passwords cannot be changed")}
		}
	case changeUnicode:
		if !isAD {
			return []sdk.Finding{warning("password_change", "unicode-pwd is for Active Directory, which the server does not say it is")}
		}
	}
	return nil
}

// checkSearches does what a login does before the bind, for check_user.
func (m *mechanism) checkSearches(ctx context.Context) []sdk.Finding {
	findings := []sdk.Finding{m.checkBase(ctx, "user_dn", m.options.UserDN)}
	if m.options.GroupDN != "" {
		findings = append(findings, m.checkBase(ctx, "group_dn", m.options.GroupDN))
	}
	if slices.ContainsFunc(findings, func(f sdk.Finding) bool { return f.Severity == sdk.SeverityError }) {
		return findings
	}
	if m.options.CheckUser == "" {
		return append(findings, m.checkFilter(ctx))
	}
	e, err := m.findUser(ctx, m.options.CheckUser)
	if errors.Is(err, errNoEntry) {
		err = fmt.Errorf("not exactly one entry matches %s under %s", m.userFilter(m.options.CheckUser), m.options.UserDN)
	}
	if err != nil {
		return append(findings, failed("check_user", err))
	}
	return append(findings, m.checkUser(ctx, e)...)
}

func (m *mechanism) checkBase(ctx context.Context, option, dn string) sdk.Finding {
	var found []entry
	err := m.service(ctx, func(c *connection) error {
		var err error
		found, _, err = c.search(ctx, query{base: dn, scope: ldap.ScopeBaseObject, filter: "(objectClass=*)", limit: 1, attributes: []string{"1.1"}})
		return err
	})
	switch {
	case err != nil:
		return failed(option, err)
	case len(found) == 0:
		return failed(option, fmt.Errorf("bind_dn may not see %s", dn))
	}
	return fine(option, "%s", dn)
}

// checkFilter sees whether anybody at all could sign in.
func (m *mechanism) checkFilter(ctx context.Context) sdk.Finding {
	present := make([]string, len(m.options.UserAttribute))
	for i, name := range m.options.UserAttribute {
		present[i] = "(" + name + "=*)"
	}
	filter := m.accountFilter("(|" + strings.Join(present, "") + ")")
	var found []entry
	err := m.service(ctx, func(c *connection) error {
		var err error
		found, err = m.readUsers(ctx, c, m.options.UserDN, scopeOf(m.options.UserScope), filter)
		return err
	})
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) || err == nil && len(found) > 0:
		return fine("user_filter", "%s matches entries; name one as check_user to see more", filter)
	case err != nil:
		return failed("user_filter", err)
	}
	return failed("user_filter", fmt.Errorf("nothing matches %s under %s with the scope %s: nobody can sign in", filter, m.options.UserDN, m.options.UserScope))
}

// checkUser shows what a login of check_user would bring.
func (m *mechanism) checkUser(ctx context.Context, e entry) []sdk.Finding {
	id, err := m.subjectOf(e)
	if err != nil {
		return []sdk.Finding{failed("id_attribute", err)}
	}
	findings := []sdk.Finding{fine("check_user", "%s", e.dn), m.checkSubject(id), m.checkAttributes(e)}
	if s := m.standingOf(e); !s.good() {
		findings = append(findings, warning("account", "could not sign in: %s (%s)", s.reason, s.detail))
	}
	if err := complete(ctx, m.service, &e); err != nil {
		return append(findings, failed("groups", err))
	}
	groups, err := m.groups(ctx, m.service, e)
	if err != nil {
		return append(findings, failed("groups", err))
	}
	const shown = 20
	text := strings.Join(groups[:min(len(groups), shown)], ", ")
	return append(findings, fine("groups", "%d: %s", len(groups), text))
}

func (m *mechanism) checkSubject(id subject) sdk.Finding {
	if id.attribute == idIsDN && m.options.IDAttribute == "" {
		return warning("id_attribute", "the entry shows no identifier, so that the DN is taken, and somebody who is moved or renamed becomes another user; let bind_dn read entryUUID, or write id_attribute: dn if that is what you want")
	}
	if m.options.IDAttribute == "" {
		return fine("id_attribute", "%s of %s; write it into id_attribute, so that it never changes", id.text, id.attribute)
	}
	return fine("id_attribute", "%s of %s", id.text, id.attribute)
}

func (m *mechanism) checkAttributes(e entry) sdk.Finding {
	var have, lack []string
	for _, name := range m.options.identityAttributes() {
		if e.text(name) == "" {
			lack = append(lack, name)
		} else {
			have = append(have, name)
		}
	}
	if len(lack) > 0 {
		return warning("attributes", "there is no %s; there is %s", strings.Join(lack, ", "), strings.Join(have, ", "))
	}
	return fine("attributes", "%s", strings.Join(have, ", "))
}
