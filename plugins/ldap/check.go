package main

import (
	"context"
	"errors"
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

// Check looks at every server, and then at what a login needs, step by step. Each step
// needs those before it: it ends where nothing more can be found out. Nobody is signed
// in, and no wrong password is spent.
func (m *mechanism) Check(ctx context.Context) ([]sdk.Finding, error) {
	findings := checkDangers(m.options)
	servers, err := m.directory.Servers(ctx)
	if err != nil {
		findings = append(findings, upstream.Failed("servers", err))
	}
	reached := false
	for _, s := range servers {
		found, ok := m.checkServer(ctx, s)
		if reached = reached || ok; ok || !slices.Contains(findings, found[0]) { // a proxy fails for all in the same words
			findings = append(findings, found...)
		}
	}
	if !reached {
		return findings, nil
	}
	if m.searchesAsUser() {
		return append(findings, upstream.Fine("bind", "there is no bind_dn: only end users can search, which cannot be tried, and sessions are not looked at again while they last")), nil
	}
	return append(findings, m.checkSearches(ctx)...), nil
}

func checkDangers(o Options) []sdk.Finding {
	var findings []sdk.Finding
	if o.insecure() {
		findings = append(findings, upstream.Warning("TLS", "client__tls_options__reject_unauthorized is off: certificates are not checked; give their authority as tls_ca instead"))
	}
	if o.AllowInsecurePlaintext {
		findings = append(findings, upstream.Warning("TLS", "allow_insecure_plaintext is on: passwords go over the network unencrypted"))
	}
	return findings
}

// checkServer looks at one server.
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

// checkConnected looks at service account and clock of a server. Its certificate is told
// with the way to it.
func (m *mechanism) checkConnected(ctx context.Context, c *directory.Connection, s *directory.Server) (findings []sdk.Finding, ok bool) {
	if c.TLS == nil { // the way has it otherwise
		findings = append(findings, upstream.Fine("connection to "+s.String(), "without TLS"))
	}
	if m.options.BindDN != "" {
		if _, err := c.Bind(ctx, m.options.BindDN, m.options.BindPassword.Reveal()); err != nil {
			text := fmt.Errorf("bind_dn with bind_password: %s", directory.Describe(err))
			return append(findings, upstream.Failed("bind at "+s.String(), text)), false
		}
		findings = append(findings, upstream.Fine("bind at "+s.String(), "as %s", m.options.BindDN))
	}
	return append(findings, m.checkRoot(ctx, c, s)...), true
}

// checkRoot reads the root DSE (RFC 4512 section 5.1): what the server is, and what time
// it has. Only Active Directory tells the time.
func (m *mechanism) checkRoot(ctx context.Context, c *directory.Connection, s *directory.Server) []sdk.Finding {
	found, _, err := c.Search(ctx, directory.Query{
		Scope: ldap.ScopeBaseObject, Filter: "(objectClass=*)", Limit: 1,
		Attributes: []string{"namingContexts", "currentTime", "supportedExtension", "supportedCapabilities", "vendorName"},
	})
	if err != nil || len(found) != 1 {
		return nil // some servers hide it, which harms nobody
	}
	root := found[0]
	var findings []sdk.Finding
	if contexts := root.Texts("namingContexts"); len(contexts) > 0 && !slices.ContainsFunc(contexts, func(dn string) bool { return directory.IsUnder(m.options.UserDN, dn) }) {
		findings = append(findings, upstream.Warning("user_dn", "%s is not under what %s serves: %s", m.options.UserDN, s, strings.Join(contexts, "; ")))
	}
	if at, ok := account.GeneralizedTime(root.Text("currentTime")); ok {
		findings = append(findings, upstream.Clock(s.String(), m.now(), at, 2*time.Minute, "expiry is judged wrongly"))
	}
	return append(findings, checkChange(root, m.options.PasswordChange)...)
}

// checkChange compares password_change with what the server says that it can do.
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
			return []sdk.Finding{upstream.Warning("password_change", "unicode-pwd is for Active Directory, which the server does not say it is")}
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
	e, err := m.users.ByName(ctx, m.directory.Search, m.options.CheckUser)
	if errors.Is(err, account.ErrNoEntry) {
		err = fmt.Errorf("not exactly one entry matches %s under %s", m.users.NameFilter(m.options.CheckUser), m.options.UserDN)
	}
	if err != nil {
		return append(findings, upstream.Failed("check_user", err))
	}
	return append(findings, m.checkUser(ctx, e)...)
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
		return upstream.Failed(option, fmt.Errorf("bind_dn may not see %s", dn))
	}
	return upstream.Fine(option, "%s", dn)
}

// checkFilter sees whether anybody at all could sign in.
func (m *mechanism) checkFilter(ctx context.Context) sdk.Finding {
	const subject = "user_filter"
	found, filter, err := m.users.Any(ctx, m.directory.Search)
	switch {
	case err != nil:
		return upstream.Failed(subject, err)
	case found:
		return upstream.Fine(subject, "%s matches entries; name one as check_user to see more", filter)
	}
	return upstream.Failed(subject, fmt.Errorf("nothing matches %s under %s with the scope %s: nobody can sign in", filter, m.options.UserDN, m.options.UserScope))
}

// checkUser shows what a login of check_user would bring.
func (m *mechanism) checkUser(ctx context.Context, e directory.Entry) []sdk.Finding {
	id, err := account.SubjectOf(e, m.options.IDAttribute)
	if err != nil {
		return []sdk.Finding{upstream.Failed("id_attribute", err)}
	}
	findings := []sdk.Finding{upstream.Fine("check_user", "%s", e.DN), checkSubject(id, m.options.IDAttribute != ""), checkAttributes(e, m.options.identityAttributes())}
	if s := m.standingOf(e); !s.Good() {
		findings = append(findings, upstream.Warning("account", "could not sign in: %s (%s)", s.Reason, s.Detail))
	}
	if err := directory.Complete(ctx, m.directory.Search, &e); err != nil {
		return append(findings, upstream.Failed("groups", err))
	}
	groups, err := account.GroupsOf(ctx, m.directory.Search, e, m.options.groupRules(), m.logger)
	if err != nil {
		return append(findings, upstream.Failed("groups", err))
	}
	const shown = 20
	text := strings.Join(groups[:min(len(groups), shown)], ", ")
	return append(findings, upstream.Fine("groups", "%d: %s", len(groups), text))
}

func checkSubject(id account.Subject, chosen bool) sdk.Finding {
	if id.Attribute == account.IDIsDN && !chosen {
		return upstream.Warning("id_attribute", "the entry shows no identifier, so that the DN is taken, and somebody who is moved or renamed becomes another user; let bind_dn read entryUUID, or write id_attribute: dn if that is what you want")
	}
	if !chosen {
		return upstream.Fine("id_attribute", "%s of %s; write it into id_attribute, so that it never changes", id.Text, id.Attribute)
	}
	return upstream.Fine("id_attribute", "%s of %s", id.Text, id.Attribute)
}

func checkAttributes(e directory.Entry, names []string) sdk.Finding {
	var have, lack []string
	for _, name := range names {
		if e.Text(name) == "" {
			lack = append(lack, name)
		} else {
			have = append(have, name)
		}
	}
	if len(lack) > 0 {
		return upstream.Warning("attributes", "there is no %s; there is %s", strings.Join(lack, ", "), strings.Join(have, ", "))
	}
	return upstream.Fine("attributes", "%s", strings.Join(have, ", "))
}
