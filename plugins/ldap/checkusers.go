package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// checkedUsers is how many users are checked if check_user is not set.
const checkedUsers = 20

// checkUser shows what a login of check_user would return.
func (m *mechanism) checkUser(ctx context.Context) []sdk.Finding {
	e, err := m.users.ByName(ctx, m.directory.Search, m.options.CheckUser)
	if errors.Is(err, account.ErrNoEntry) {
		err = fmt.Errorf("searching for %s %s: %w%s", m.users.NameFilter(m.options.CheckUser), m.whereUsers(), err, m.inWiderScope(ctx))
	}
	if err != nil {
		return []sdk.Finding{upstream.Failed("check_user", err)}
	}
	return append([]sdk.Finding{upstream.Fine("check_user", "%s", e.DN)}, m.checkUsers(ctx, []directory.Entry{e})...)
}

// checkSomeUsers checks some users who could sign in: a filter that matches does not prove
// that their identifiers and groups can be read.
func (m *mechanism) checkSomeUsers(ctx context.Context) []sdk.Finding {
	const subject = "user_filter"
	found, filter, err := m.users.Some(ctx, m.directory.Search, checkedUsers)
	switch {
	case errors.Is(err, account.ErrLimitExceeded):
		return []sdk.Finding{upstream.Warning(subject, "no user could be checked: %s is %v; set check_user", filter, err)}
	case err != nil:
		return []sdk.Finding{upstream.Failed(subject, err)}
	case len(found) == 0:
		return []sdk.Finding{upstream.Failed(subject, fmt.Errorf("no entry matches %s %s, so nobody can sign in%s", filter, m.whereUsers(), m.inWiderScope(ctx)))}
	}
	fine := upstream.Fine(subject, "%s matches entries; %d were read, such as %s; set check_user to see the details of one user", filter, len(found), found[0].DN)
	return append([]sdk.Finding{fine}, m.checkUsers(ctx, found)...)
}

func (m *mechanism) whereUsers() string {
	return fmt.Sprintf("under %s with the scope %s", strings.Join(m.options.userBases(), "; "), m.options.UserScope)
}

// inWiderScope says whether a wider scope would find a user.
func (m *mechanism) inWiderScope(ctx context.Context) string {
	below := m.users
	below.Scope = ldap.ScopeWholeSubtree
	if below.Scope == m.users.Scope {
		return ""
	}
	if m.options.CheckUser != "" {
		if e, err := below.ByName(ctx, m.directory.Search, m.options.CheckUser); err == nil {
			return fmt.Sprintf("; a search of the whole subtree finds %s: set user_scope to sub", e.DN)
		}
		return ""
	}
	if found, _, err := below.Some(ctx, m.directory.Search, 1); err == nil && len(found) > 0 {
		return fmt.Sprintf("; a search of the whole subtree finds %s: set user_scope to sub", found[0].DN)
	}
	return ""
}

// checkUsers does for each user what a login does after the bind.
func (m *mechanism) checkUsers(ctx context.Context, people []directory.Entry) []sdk.Finding {
	findings, ok := m.checkSubjects(ctx, people)
	if !ok {
		return findings
	}
	findings = append(findings, checkAttributes(people, m.options.identityAttributes()))
	findings = append(findings, m.checkStatuses(people)...)
	return append(findings, m.checkGroups(ctx, people)...)
}

// checkSubjects checks that users have unique identifiers by which a refresh finds them
// again.
func (m *mechanism) checkSubjects(ctx context.Context, people []directory.Entry) ([]sdk.Finding, bool) {
	const option = "id_attribute"
	var first account.Subject
	var known *directory.Entry
	var lacking error
	owners := map[account.Subject]string{}
	for i, e := range people {
		id, err := account.SubjectOf(e, m.options.IDAttribute)
		if err != nil {
			lacking = err
			continue
		}
		if other, taken := owners[id]; taken && other != e.DN {
			return []sdk.Finding{upstream.Failed(option, fmt.Errorf("%s and %s have the same %s and would be the same user: use an attribute that is unique", other, e.DN, id.Attribute))}, false
		}
		owners[id] = e.DN
		if known == nil {
			first, known = id, &people[i]
		}
	}
	if known == nil {
		return []sdk.Finding{upstream.Failed(option, fmt.Errorf("none of the users that were checked can sign in: %w", lacking))}, false
	}
	if err := m.findAgain(ctx, first, known.DN); err != nil {
		return []sdk.Finding{upstream.Failed(option, err)}, false
	}
	findings := []sdk.Finding{checkSubject(first, m.options.IDAttribute != "")}
	if lacking != nil {
		findings = append(findings, upstream.Warning(option, "some users cannot sign in: %v", lacking))
	}
	return findings, true
}

// findAgain searches as a refresh does.
func (m *mechanism) findAgain(ctx context.Context, id account.Subject, dn string) error {
	_, err := m.users.BySubject(ctx, m.directory.Search, id, dn)
	if errors.Is(err, account.ErrNoEntry) {
		return fmt.Errorf("%s shows its %s, but a search for that value does not find the entry (%w), so every session would end at its first refresh: give bind_dn the right to search by the attribute, or use another one", dn, id.Attribute, err)
	}
	return err
}

func checkSubject(id account.Subject, chosen bool) sdk.Finding {
	if id.Attribute == account.IDIsDN && !chosen {
		return upstream.Warning("id_attribute", "the entry does not show an identifier, so the DN is used, and a user who is moved or renamed becomes a new user; give bind_dn the right to read entryUUID, or set id_attribute to dn if you want this")
	}
	if !chosen {
		return upstream.Fine("id_attribute", "%s (attribute %s); set id_attribute to %s, so that it never changes", id.Text, id.Attribute, id.Attribute)
	}
	return upstream.Fine("id_attribute", "%s (attribute %s)", id.Text, id.Attribute)
}

// checkAttributes reports which attributes at least one user has, and which no user has.
func checkAttributes(people []directory.Entry, names []string) sdk.Finding {
	var have, lack, binary []string
	for _, name := range names {
		raw, text := false, false
		for _, e := range people {
			raw, text = raw || len(e.Raw(name)) > 0, text || e.Text(name) != ""
		}
		switch {
		case text:
			have = append(have, name)
		case raw:
			binary = append(binary, name)
		default:
			lack = append(lack, name)
		}
	}
	var parts []string
	if len(lack) > 0 {
		parts = append(parts, "not found: "+strings.Join(lack, ", "))
	}
	if len(binary) > 0 {
		parts = append(parts, "omitted because the value is not text: "+strings.Join(binary, ", "))
	}
	if len(parts) > 0 {
		return upstream.Warning("attributes", "%s; found: %s", strings.Join(parts, "; "), strings.Join(have, ", "))
	}
	return upstream.Fine("attributes", "%s", strings.Join(have, ", "))
}

// checkStatuses warns if none of the users could sign in. It is an error if there are no
// other users and a new password would not help any of them.
func (m *mechanism) checkStatuses(people []directory.Entry) []sdk.Finding {
	const subject = "account"
	var worst account.Status
	hopeless := m.options.CheckUser == "" && len(people) < checkedUsers
	for _, e := range people {
		if worst = m.statusOf(e); worst.Good() {
			return nil
		}
		hopeless = hopeless && !worst.Changeable
	}
	f := upstream.Warning(subject, "%s could not sign in: %s (%s)", describeUsers(people), worst.Reason, worst.Detail)
	if hopeless {
		f.Severity = sdk.SeverityError
	}
	return []sdk.Finding{f}
}

func describeUsers(people []directory.Entry) string {
	if len(people) == 1 {
		return people[0].DN
	}
	return fmt.Sprintf("the %d users that were checked, such as %s,", len(people), people[0].DN)
}

// read runs a search for a check only.
func (m *mechanism) read(ctx context.Context, bases []string, q directory.Query) (found []directory.Entry, err error) {
	err = m.directory.Search(ctx, func(c *directory.Connection) error {
		var err error
		found, err = c.SearchUnder(ctx, bases, q)
		if ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) && len(found) > 0 {
			return nil
		}
		return err
	})
	return found, err
}
