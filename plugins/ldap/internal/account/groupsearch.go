package account

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// groupRead reads all matching groups under one base.
type groupRead struct {
	*groupWalk
	connection   *directory.Connection
	base, filter string
	filtersRead  map[string]bool // the filters of the groups that were read
}

const (
	groupPage        = 500
	maxPages         = 100
	maxContinuations = 50
)

// groupIDs distinguish groups in a filter. A server has one of them.
var groupIDs = []string{"entryUUID", "nsUniqueId"}

// all repeats the search for the remaining groups whenever the server stops at its size
// limit: OpenLDAP sends 500 entries by default, with or without pages.
func (r *groupRead) all(ctx context.Context) error {
	r.filtersRead = map[string]bool{}
	for range maxContinuations {
		before := len(r.filtersRead)
		err := r.pages(ctx)
		if !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
			return err
		}
		if len(r.filtersRead) == before {
			return sdk.Misconfigured(directory.ReasonGroups, "the directory stops at its size limit, and the remaining groups cannot be requested: raise the limit for bind_dn, or narrow group_dn or group_filter")
		}
		if len(r.names) > sdk.MaxGroups {
			break
		}
	}
	return r.endless()
}

func (r *groupRead) endless() error {
	return sdk.InvalidResponse(directory.ReasonGroups, "the directory does not stop sending groups")
}

// pages reads until there are no more groups, or the server stops (sizeLimitExceeded).
func (r *groupRead) pages(ctx context.Context) error {
	paging := ldap.NewControlPaging(groupPage)
	filter := r.remainingFilter() // the same for all pages
	for page := 0; ; page++ {
		q := directory.Query{Base: r.base, Scope: r.Scope, Filter: filter, Attributes: r.attributes()}
		if r.Paged {
			q.Controls = []ldap.Control{paging}
		}
		found, controls, err := r.connection.Search(ctx, q)
		r.add(found)
		r.note(found)
		if err != nil {
			return err
		}
		next, ok := ldap.FindControl(controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if !ok || len(next.Cookie) == 0 {
			return nil
		}
		if page == maxPages || len(r.names) > sdk.MaxGroups {
			return r.endless()
		}
		paging.SetCookie(next.Cookie)
	}
}

// note remembers the groups by an attribute that distinguishes them, otherwise by name: two
// groups of the same name are one group to the application.
func (r *groupRead) note(found []directory.Entry) {
	names := groupIDs
	if r.NameAttribute != IDIsDN {
		names = append(slices.Clone(groupIDs), r.NameAttribute)
	}
	for _, group := range found {
		for _, name := range names {
			if value := group.Text(name); value != "" {
				r.filtersRead["("+name+"="+ldap.EscapeFilter(value)+")"] = true
				break
			}
		}
	}
}

// remainingFilter matches the groups that were not read yet.
func (r *groupRead) remainingFilter() string {
	if len(r.filtersRead) == 0 {
		return r.filter
	}
	return "(&" + r.filter + "(!(|" + strings.Join(slices.Sorted(maps.Keys(r.filtersRead)), "") + ")))"
}
