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

// checkedUsers is how many are looked at when no check_user is named.
const checkedUsers = 20

// checkUser shows what a login of check_user would bring.
func (m *mechanism) checkUser(ctx context.Context) []sdk.Finding {
	e, err := m.users.ByName(ctx, m.directory.Search, m.options.CheckUser)
	if errors.Is(err, account.ErrNoEntry) {
		err = fmt.Errorf("%w matches %s %s%s", err, m.users.NameFilter(m.options.CheckUser), m.whereUsers(), m.inWiderScope(ctx))
	}
	if err != nil {
		return []sdk.Finding{upstream.Failed("check_user", err)}
	}
	return append([]sdk.Finding{upstream.Fine("check_user", "%s", e.DN)}, m.checkUsers(ctx, []directory.Entry{e})...)
}

// checkSomeUsers looks at some who could sign in, as the directory sends them: a filter
// that matches proves neither that their identifier nor that their groups can be read.
func (m *mechanism) checkSomeUsers(ctx context.Context) []sdk.Finding {
	const subject = "user_filter"
	found, filter, err := m.users.Some(ctx, m.directory.Search, checkedUsers)
	switch {
	case errors.Is(err, account.ErrLimitExceeded):
		return []sdk.Finding{upstream.Warning(subject, "nobody could be looked at: %s is %v; name somebody as check_user", filter, err)}
	case err != nil:
		return []sdk.Finding{upstream.Failed(subject, err)}
	case len(found) == 0:
		return []sdk.Finding{upstream.Failed(subject, fmt.Errorf("nothing matches %s %s: nobody can sign in%s", filter, m.whereUsers(), m.inWiderScope(ctx)))}
	}
	fine := upstream.Fine(subject, "%s matches entries, of which %d were read, such as %s; name one as check_user to see more", filter, len(found), found[0].DN)
	return append([]sdk.Finding{fine}, m.checkUsers(ctx, found)...)
}

func (m *mechanism) whereUsers() string {
	return fmt.Sprintf("under %s with the scope %s", strings.Join(m.options.userBases(), "; "), m.options.UserScope)
}

// inWiderScope says if a wider scope would find somebody.
func (m *mechanism) inWiderScope(ctx context.Context) string {
	below := m.users
	below.Scope = ldap.ScopeWholeSubtree
	if below.Scope == m.users.Scope {
		return ""
	}
	if m.options.CheckUser != "" {
		if e, err := below.ByName(ctx, m.directory.Search, m.options.CheckUser); err == nil {
			return fmt.Sprintf("; deeper down there is %s: write user_scope: sub", e.DN)
		}
		return ""
	}
	if found, _, err := below.Some(ctx, m.directory.Search, 1); err == nil && len(found) > 0 {
		return fmt.Sprintf("; deeper down there is %s: write user_scope: sub", found[0].DN)
	}
	return ""
}

// checkUsers does for each of them what a login does after the bind.
func (m *mechanism) checkUsers(ctx context.Context, people []directory.Entry) []sdk.Finding {
	findings, ok := m.checkSubjects(ctx, people)
	if !ok {
		return findings
	}
	findings = append(findings, checkAttributes(people, m.options.identityAttributes()))
	findings = append(findings, m.checkStatuses(people)...)
	return append(findings, m.checkGroups(ctx, people)...)
}

// checkSubjects sees that people have identifiers, each one of their own, by which a
// refresh finds them again.
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
			return []sdk.Finding{upstream.Failed(option, fmt.Errorf("%s and %s have the same %s, so that both would be one user: take an attribute that is unique", other, e.DN, id.Attribute))}, false
		}
		owners[id] = e.DN
		if known == nil {
			first, known = id, &people[i]
		}
	}
	if known == nil {
		return []sdk.Finding{upstream.Failed(option, fmt.Errorf("nobody who was looked at can sign in: %w", lacking))}, false
	}
	if err := m.findAgain(ctx, first, known.DN); err != nil {
		return []sdk.Finding{upstream.Failed(option, err)}, false
	}
	findings := []sdk.Finding{checkSubject(first, m.options.IDAttribute != "")}
	if lacking != nil {
		findings = append(findings, upstream.Warning(option, "some cannot sign in: %v", lacking))
	}
	return findings, true
}

// findAgain searches as a refresh does.
func (m *mechanism) findAgain(ctx context.Context, id account.Subject, dn string) error {
	_, err := m.users.BySubject(ctx, m.directory.Search, id, dn)
	if errors.Is(err, account.ErrNoEntry) {
		return fmt.Errorf("%s shows its %s, and a search for that does not find it (%w), so that every session ends at its first refresh: let bind_dn search by the attribute, or take another one", dn, id.Attribute, err)
	}
	return err
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

// checkAttributes tells what somebody has, and what nobody has.
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
		parts = append(parts, "there is no "+strings.Join(lack, ", "))
	}
	if len(binary) > 0 {
		parts = append(parts, "what "+strings.Join(binary, ", ")+" holds is no text, and is left out")
	}
	if len(parts) > 0 {
		return upstream.Warning("attributes", "%s; there is %s", strings.Join(parts, "; "), strings.Join(have, ", "))
	}
	return upstream.Fine("attributes", "%s", strings.Join(have, ", "))
}

// checkStatuses warns if none of them could sign in. It is an error if there is nobody
// else, and nobody whom a new password would help.
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
	return fmt.Sprintf("none of the %d people who were looked at, such as %s,", len(people), people[0].DN)
}

// read is the result of a search that only checks something.
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
