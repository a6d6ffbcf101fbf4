package main

import (
	"context"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

var attributeName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$`) // RFC 4512 section 1.4

// maxUsername bounds what is searched for: longer names exist nowhere.
const maxUsername = 256

// errNoEntry: no entry is meant by the name, or not exactly one.
var errNoEntry = errors.New("not exactly one entry")

// findUser searches for the one entry that a name means.
func (m *mechanism) findUser(ctx context.Context, username string) (entry, error) {
	if len(username) > maxUsername || isBlank(username) {
		return entry{}, errNoEntry
	}
	return m.searchUser(ctx, m.service, m.options.UserDN, scopeOf(m.options.UserScope), m.userFilter(username))
}

// userFilter compares the name with each of the login attributes. It is escaped once
// (RFC 4515 section 3).
func (m *mechanism) userFilter(username string) string {
	return m.accountFilter(anyOf(m.options.UserAttribute, ldap.EscapeFilter(m.withoutDomain(username))))
}

// withoutDomain takes the domain off a down-level logon name (DOMAIN\name). One of
// another domain stays as it is, and so is nobody's: no attribute holds such names.
func (m *mechanism) withoutDomain(username string) string {
	domain, name, ok := strings.Cut(strings.TrimSpace(username), `\`)
	if !ok || m.options.NetBIOSDomain == "" || !strings.EqualFold(domain, m.options.NetBIOSDomain) || isBlank(name) {
		return username
	}
	return name
}

// accountFilter adds the operator's own.
func (m *mechanism) accountFilter(filter string) string {
	if m.options.UserFilter == "" {
		return filter
	}
	return "(&" + m.options.UserFilter + filter + ")"
}

// anyOf is a filter for an escaped value in any of the attributes.
func anyOf(attributes []string, escaped string) string {
	var b strings.Builder
	for _, name := range attributes {
		b.WriteString("(" + name + "=" + escaped + ")")
	}
	if len(attributes) == 1 {
		return b.String()
	}
	return "(|" + b.String() + ")"
}

// escapeBytes escapes every byte of a binary value.
func escapeBytes(value []byte) string {
	var b strings.Builder
	for _, c := range value {
		b.WriteString(`\` + hex.EncodeToString([]byte{c}))
	}
	return b.String()
}

// A searcher runs an operation on a connection that may search.
type searcher func(ctx context.Context, operation func(*connection) error) error

// searchUser returns the one entry below base that matches, or errNoEntry.
func (m *mechanism) searchUser(ctx context.Context, search searcher, base string, scope int, filter string) (entry, error) {
	var found []entry
	err := search(ctx, func(c *connection) error {
		var err error
		found, err = m.readUsers(ctx, c, base, scope, filter)
		return err
	})
	if err != nil {
		return entry{}, err
	}
	return m.theOne(found)
}

// service runs an operation on a connection of the service account.
func (m *mechanism) service(ctx context.Context, operation func(*connection) error) error {
	err := m.directory.try(ctx, func(ctx context.Context, s *server) error {
		return s.pool.do(ctx, operation)
	})
	return refusal(err)
}

// readUsers asks for two entries, to see that there is one. A server that says that
// there are more has said enough.
func (m *mechanism) readUsers(ctx context.Context, c *connection, base string, scope int, filter string) ([]entry, error) {
	found, _, err := c.search(ctx, query{base: base, scope: scope, filter: filter, attributes: m.attributes, limit: 2})
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) && len(found) > 1:
		return found, nil
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) && scope == ldap.ScopeBaseObject:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return found, nil
}

// theOne refuses all but exactly one entry below user_dn. What a server sends beside
// the base that it was asked for is not ours to bind.
func (m *mechanism) theOne(found []entry) (entry, error) {
	if len(found) > 1 {
		m.logger.Warn("more than one entry matches a name, which signs nobody in: narrow user_filter or user_attribute",
			"first", found[0].dn, "second", found[1].dn)
	}
	if len(found) != 1 {
		return entry{}, errNoEntry
	}
	if !isUnder(found[0].dn, m.options.UserDN) {
		m.logger.Warn("the directory sends an entry that is not under user_dn", "dn", found[0].dn)
		return entry{}, errNoEntry
	}
	return found[0], nil
}

// refusal makes an error of the SDK of a result code that no other server would
// change. Other errors stay as they are.
func refusal(err error) error {
	result, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return err
	}
	if _, ok := errors.AsType[*sdk.Error](err); ok || isServerFailure(err) {
		return err
	}
	switch result.ResultCode {
	case ldap.LDAPResultNoSuchObject:
		return sdk.Misconfigured(reasonSearchRefused, "the base of the search does not exist, or bind_dn may not see it: look at user_dn and group_dn")
	case ldap.LDAPResultReferral:
		return sdk.Misconfigured(reasonSearchRefused, "the directory refers to another server for user_dn or group_dn: name that one in client_url, referrals are not followed")
	case ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultOperationsError:
		return sdk.Misconfigured(reasonSearchRefused, "the directory does not allow it (%s): look at bind_dn and its rights", describe(err))
	case ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultConfidentialityRequired:
		return sdk.Misconfigured(reasonSearchRefused, "the directory wants TLS (%s): write ldaps:// or start_tls", describe(err))
	}
	return sdk.Unavailable(reasonSearchRefused, "the directory refuses: %s", describe(err))
}

// accountAttributes are what policy.go and its like look at.
var accountAttributes = slices.Concat(subjectAttributes, policyAttributes)

// attributesToRead lists what a search asks for. Nothing else is sent: an entry may
// hold a photograph of many megabytes.
func attributesToRead(o Options) []string {
	list := slices.Concat(o.identityAttributes(), o.UserAttribute, accountAttributes, []string{"uid", "objectSid", "primaryGroupID"})
	if o.IDAttribute != "" && o.IDAttribute != idIsDN {
		list = append(list, o.IDAttribute)
	}
	if o.GroupMemberOf != "" {
		list = append(list, o.GroupMemberOf)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(name string) bool {
		lower := strings.ToLower(name)
		again := seen[lower]
		seen[lower] = true
		return again
	})
}
