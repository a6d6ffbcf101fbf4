package ldaptest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// asked is a search request (RFC 4511 section 4.5.1).
type asked struct {
	base       string
	scope      int
	limit      int
	filter     *ber.Packet
	attributes []string
	page, from int // of the paged-results control; page 0: none
}

func readSearch(op, packet *ber.Packet) (asked, bool) {
	if len(op.Children) != 8 {
		return asked{}, false
	}
	scope, _ := op.Children[1].Value.(int64)
	limit, _ := op.Children[3].Value.(int64)
	a := asked{base: op.Children[0].Data.String(), scope: int(scope), limit: int(limit), filter: op.Children[6]}
	for _, name := range op.Children[7].Children {
		a.attributes = append(a.attributes, name.Data.String())
	}
	if len(packet.Children) < 3 {
		return a, true
	}
	for _, control := range packet.Children[2].Children {
		if decoded, err := ldap.DecodeControl(control); err == nil {
			if paging, ok := decoded.(*ldap.ControlPaging); ok {
				a.page = int(paging.PagingSize)
				a.from, _ = strconv.Atoi(string(paging.Cookie))
			}
		}
	}
	return a, true
}

func (s *session) search(id int64, op, packet *ber.Packet) error {
	a, ok := readSearch(op, packet)
	if !ok {
		return errBye
	}
	filter, err := ldap.DecompileFilter(a.filter)
	if err != nil {
		filter = err.Error()
	}
	s.d.mu.Lock()
	s.d.counts.Searches++
	if !s.d.config.Unrecorded {
		s.d.searches = append(s.d.searches, Searched{By: s.bound, Base: a.base, Filter: filter})
	}
	found, answer := s.d.find(a, s.bound)
	s.d.mu.Unlock()
	if s.misbehaves(Request{Operation: Search, ID: id, DN: a.base, Filter: filter}) {
		return errBye
	}
	for _, e := range found {
		if err := s.send(SearchEntry(id, e.DN, e.Attributes)); err != nil {
			return err
		}
	}
	return s.finish(id, Search, answer)
}

// find returns the entries with the requested attributes.
func (d *Directory) find(a asked, by string) ([]Entry, Answer) {
	if d.config.OnlySearcher != "" && !sameDN(by, d.config.OnlySearcher) && a.base != "" {
		return nil, Answer{Code: ldap.LDAPResultInsufficientAccessRights}
	}
	if a.base == "" && a.scope == ldap.ScopeBaseObject {
		return []Entry{d.root()}, Answer{}
	}
	var found []Entry
	exists := false
	for _, e := range d.entries {
		exists = exists || inScope(e.DN, a.base, ldap.ScopeWholeSubtree)
		if inScope(e.DN, a.base, a.scope) && d.matches(a.filter, e) {
			found = append(found, d.selected(e, a.attributes))
		}
	}
	if !exists {
		return nil, Answer{Code: ldap.LDAPResultNoSuchObject}
	}
	return limited(found, a)
}

func limited(found []Entry, a asked) ([]Entry, Answer) {
	if a.page > 0 {
		end := min(len(found), a.from+a.page)
		cookie := ""
		if end < len(found) {
			cookie = strconv.Itoa(end)
		}
		return found[min(a.from, end):end], Answer{Controls: []Control{Paging(cookie)}}
	}
	if a.limit > 0 && len(found) > a.limit {
		return found[:a.limit], Answer{Code: ldap.LDAPResultSizeLimitExceeded}
	}
	return found, Answer{}
}

// root returns the root DSE (RFC 4512 section 5.1).
func (d *Directory) root() Entry {
	return Entry{Attributes: map[string][]string{
		"objectClass": {"top"}, "supportedLDAPVersion": {"3"}, "vendorName": {"ldaptest"},
		"supportedExtension": {oidStartTLS, oidPasswordModify},
	}}
}

// selected keeps the requested attributes, in ranges if they are long.
func (d *Directory) selected(e Entry, names []string) Entry {
	out := Entry{DN: e.DN, Attributes: map[string][]string{}}
	if len(names) == 0 || slices.Contains(names, "*") {
		names = append(slices.Sorted(maps.Keys(e.Attributes)), names...)
	}
	for _, name := range names {
		plain, option, ranged := strings.Cut(name, ";range=")
		values := e.values(plain)
		if len(values) == 0 {
			continue
		}
		limit := d.config.RangeLimit
		if !ranged && (limit == 0 || len(values) <= limit) {
			out.Attributes[name] = values
			continue
		}
		from, _ := strconv.Atoi(strings.TrimSuffix(option, "-*"))
		from = min(from, len(values))
		if limit == 0 || from+limit >= len(values) {
			out.Attributes[fmt.Sprintf("%s;range=%d-*", plain, from)] = values[from:]
			continue
		}
		out.Attributes[plain] = nil // as Active Directory: the plain name, empty
		out.Attributes[fmt.Sprintf("%s;range=%d-%d", plain, from, from+limit-1)] = values[from : from+limit]
	}
	return out
}
