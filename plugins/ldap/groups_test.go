package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

func groupDN(cn string) string { return "cn=" + cn + ",ou=groups," + base }

func sid(numbers ...uint32) string {
	b := []byte{1, byte(len(numbers)), 0, 0, 0, 0, 0, 5}
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return string(b)
}

// TestJ17_Groups: all forms in which directories store groups.
func TestJ17_Groups(t *testing.T) {
	domain := []uint32{21, 1, 2, 3}
	carolDN := "uid=carol," + people
	carol := person("carol", "secret", map[string][]string{
		"memberOf":  {groupDN("listed"), "cn=foreign,ou=elsewhere," + base, "cn=odd\\, name,ou=groups," + base},
		"objectSid": {sid(append(domain, 1107)...)}, "primaryGroupID": {"513"},
	})
	list := entries(carol,
		group("direct", "member", carolDN),
		group("unique", "uniqueMember", carolDN),
		group("posix", "memberUid", "carol"),
		group("loop-a", "member", groupDN("loop-b"), carolDN),
		group("loop-b", "member", groupDN("loop-a")),
		group("self", "member", groupDN("self"), groupDN("direct")),
		group("one-up", "member", "CN=Direct, OU=Groups,DC=example,DC=com"),
		group("two-up", "member", groupDN("one-up")),
		group("three-up", "member", groupDN("two-up")),
		group("unique-up", "uniqueMember", groupDN("unique")),
		group("not-hers", "member", aliceDN),
		group("primary", "objectSid", sid(append(domain, 513)...)),
		group("over-primary", "member", groupDN("primary")),
		ldaptest.Entry{DN: "cn=deep,ou=sub,ou=groups," + base, Attributes: map[string][]string{"cn": {"deep"}, "member": {carolDN}}},
		ldaptest.Entry{DN: "cn=away,ou=elsewhere," + base, Attributes: map[string][]string{"cn": {"away"}, "member": {carolDN}}},
	)
	dir := start(t, ldaptest.Config{Entries: list})
	groups := "ou=groups," + base
	for name, test := range map[string]struct {
		values map[string]any
		want   []string
	}{
		"none":             {nil, nil},
		"member":           {map[string]any{"group_dn": groups}, []string{"direct", "loop-a"}},
		"subtree":          {map[string]any{"group_dn": groups, "group_scope": "sub"}, []string{"deep", "direct", "loop-a"}},
		"base":             {map[string]any{"group_dn": groupDN("direct"), "group_scope": "base"}, []string{"direct"}},
		"uniqueMember":     {map[string]any{"group_dn": groups, "group_attribute": "uniqueMember"}, []string{"unique"}},
		"memberUid":        {map[string]any{"group_dn": groups, "group_attribute": "memberuid"}, []string{"posix"}},
		"all":              {map[string]any{"group_dn": groups, "group_attribute": "member,uniqueMember,memberUid"}, []string{"direct", "loop-a", "posix", "unique"}},
		"filter":           {map[string]any{"group_dn": groups, "group_filter": "(cn=direct)"}, []string{"direct"}},
		"as DN":            {map[string]any{"group_dn": groups, "group_filter": "(cn=direct)", "group_name_attribute": "dn"}, []string{groupDN("direct")}},
		"memberOf":         {map[string]any{"group_member_of": "memberOf"}, []string{"foreign", "listed", "odd, name"}},
		"memberOf, under":  {map[string]any{"group_member_of": "memberOf", "group_dn": groups}, []string{"direct", "listed", "loop-a", "odd, name"}},
		"nested, walk":     {map[string]any{"group_dn": groups, "nested_groups": "walk"}, []string{"direct", "loop-a", "loop-b", "one-up", "self", "three-up", "two-up"}},
		"nested, depth 2":  {map[string]any{"group_dn": groups, "nested_groups": "walk", "group_depth": 2}, []string{"direct", "loop-a", "loop-b", "one-up", "self"}},
		"nested, unique":   {map[string]any{"group_dn": groups, "nested_groups": "walk", "group_attribute": "uniqueMember,memberUid"}, []string{"posix", "unique", "unique-up"}},
		"nested, AD":       {map[string]any{"group_dn": groups, "nested_groups": "active-directory"}, []string{"direct", "loop-a", "loop-b", "one-up", "self", "three-up", "two-up"}},
		"primary":          {map[string]any{"group_dn": groups, "primary_group": true}, []string{"direct", "loop-a", "primary"}},
		"primary, walk":    {map[string]any{"group_dn": groups, "primary_group": true, "nested_groups": "walk", "group_filter": "(|(cn=primary)(cn=over-primary))"}, []string{"over-primary", "primary"}},
		"AD, all together": {map[string]any{"group_dn": groups, "primary_group": true, "nested_groups": "active-directory"}, []string{"direct", "loop-a", "loop-b", "one-up", "over-primary", "primary", "self", "three-up", "two-up"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := openRig(t, test.values, dir)
			identity := r.signIn("carol", "secret")
			if diff := cmp.Diff(test.want, identity.Groups); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			again, err := r.provider.Refresh(t.Context(), identity.Grant)
			if err != nil || !slices.Equal(again.Identity.Groups, test.want) {
				t.Errorf("after a refresh: %q, %v", again.Identity.Groups, err)
			}
		})
	}
}

// TestJ17_WalkIsBounded: the walk asks about each group once, and about many at a time.
func TestJ17_WalkIsBounded(t *testing.T) {
	list := entries(person("carol", "secret", nil))
	for i := range 100 { // everybody is in everything
		members := []string{"uid=carol," + people}
		for j := range 100 {
			members = append(members, groupDN("g"+strconv.Itoa(j)))
		}
		list = append(list, group("g"+strconv.Itoa(i), "member", members...))
	}
	dir := start(t, ldaptest.Config{Entries: list})
	r := openRig(t, map[string]any{"group_dn": base, "group_scope": "sub", "nested_groups": "walk"}, dir)
	if got := r.signIn("carol", "secret"); len(got.Groups) != 100 {
		t.Errorf("%d groups", len(got.Groups))
	}
	if got := dir.Counts().Searches; got > 5 {
		t.Errorf("%d searches", got)
	}
}

// TestJ17_ManyGroups: pages and ranges are read up to the limit.
func TestJ17_ManyGroups(t *testing.T) {
	many := func(n int) (memberOf []string, groups []ldaptest.Entry) {
		for i := range n {
			name := fmt.Sprintf("group-%05d", i)
			memberOf = append(memberOf, groupDN(name))
			groups = append(groups, group(name, "member", "uid=carol,"+people))
		}
		return memberOf, groups
	}
	t.Run("paged", func(t *testing.T) {
		_, groups := many(1700)
		dir := start(t, ldaptest.Config{Entries: entries(append(groups, person("carol", "secret", nil))...)})
		r := openRig(t, map[string]any{"group_dn": "ou=groups," + base}, dir)
		if got := r.signIn("carol", "secret"); len(got.Groups) != 1700 {
			t.Errorf("%d groups", len(got.Groups))
		}
	})
	for n, ok := range map[int]bool{3999: true, 4500: true, sdk.MaxGroups + 1: false, 60_000: false} {
		t.Run(fmt.Sprintf("%d, in ranges", n), func(t *testing.T) {
			memberOf, _ := many(n)
			dir := start(t, ldaptest.Config{RangeLimit: 1500, Entries: entries(person("carol", "secret", map[string][]string{"memberOf": memberOf}))})
			r := openRig(t, map[string]any{"group_member_of": "memberOf"}, dir)
			step, err := r.enter("carol", "secret")
			if !ok {
				plugintest.Refused(t, err, sdk.ErrInvalidResponse, directory.ReasonGroups)
				return
			}
			if got := identityOf(t, step, err); len(got.Groups) != n {
				t.Errorf("%d groups", len(got.Groups))
			}
			before := dir.Counts().Searches
			step, err = r.enter("carol", "wrong")
			wantPrompt(t, step, err, sdk.ReasonBadCredentials)
			if got := dir.Counts().Searches - before; got != 1 {
				t.Errorf("%d searches before a wrong password is refused: that takes longer than for an unknown name", got)
			}
		})
	}
	breaks := ldaptest.Times(1, ldaptest.HangUp)
	t.Run("in ranges, over a connection that breaks", func(t *testing.T) {
		memberOf, _ := many(4000)
		dir := start(t, ldaptest.Config{RangeLimit: 1500, Entries: entries(person("carol", "secret", map[string][]string{"memberOf": memberOf}))})
		r := openRig(t, map[string]any{"group_member_of": "memberOf"}, dir)
		dir.Misbehave(ldaptest.On(ldaptest.Search, func(r ldaptest.Request) bool {
			return strings.HasPrefix(r.DN, "uid=carol") && breaks(r)
		}))
		if got := r.signIn("carol", "secret"); len(got.Groups) != 4000 {
			t.Errorf("%d groups", len(got.Groups))
		}
	})
	t.Run("pages for ever", func(t *testing.T) {
		dir := start(t, ldaptest.Config{Entries: entries(group("staff", "member", aliceDN))})
		dir.Misbehave(ldaptest.On(ldaptest.Search, func(r ldaptest.Request) bool {
			if !strings.HasPrefix(r.DN, "ou=groups") {
				return false
			}
			for {
				r.Send(ldaptest.Result(r.ID, ldaptest.Search, ldaptest.Answer{Controls: []ldaptest.Control{ldaptest.Paging("more")}}))
				if !r.Next() {
					return true
				}
			}
		}))
		_, err := openRig(t, map[string]any{"group_dn": "ou=groups," + base}, dir).enter("alice", alicePassword)
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, directory.ReasonGroups)
	})
	t.Run("ranges in a circle", func(t *testing.T) {
		dir := start(t, ldaptest.Config{})
		dir.Misbehave(ldaptest.On(ldaptest.Search, func(r ldaptest.Request) bool {
			for {
				r.Send(ldaptest.SearchEntry(r.ID, aliceDN, map[string][]string{"entryUUID": {aliceUUID}, "memberOf;range=0-1": {groupDN("a")}}))
				r.Send(ldaptest.Result(r.ID, ldaptest.Search, ldaptest.Answer{}))
				if !r.Next() {
					return true
				}
			}
		}))
		r := openRig(t, map[string]any{"group_member_of": "memberOf"}, dir)
		step, err := r.enter("alice", alicePassword)
		identityOf(t, step, err)
	})
}

// TestGroupNames: an unusable group name is omitted without affecting the other groups.
func TestGroupNames(t *testing.T) {
	control := group("x", "member", aliceDN)
	control.DN, control.Attributes["cn"] = groupDN("control"), []string{"admins\x00"}
	none := group("none", "member", aliceDN)
	delete(none.Attributes, "cn")
	dir := start(t, ldaptest.Config{Entries: entries(control, none, group("Staff", "member", aliceDN), group("good", "member", aliceDN))})
	dir.Misbehave(func(r ldaptest.Request) bool {
		return r.Operation == ldaptest.Search && strings.HasPrefix(r.DN, "ou=groups") &&
			ldaptest.Stranger("cn=admins,dc=evil,dc=org", map[string][]string{"cn": {"admins"}})(r)
	})
	got := openRig(t, map[string]any{"group_dn": "ou=groups," + base}, dir).signIn("alice", alicePassword).Groups
	if !slices.Equal(got, []string{"Staff", "good"}) {
		t.Errorf("groups %q", got)
	}
}

// TestJ20_Subject: the subject does not depend on a name.
func TestJ20_Subject(t *testing.T) {
	guid := "\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
	long := strings.Repeat("o", 300)
	for name, test := range map[string]struct {
		attributes map[string][]string
		values     map[string]any
		dn         string
		want       string
		refused    bool
	}{
		"entryUUID":             {map[string][]string{"entryUUID": {"8F91E13E-7D3D-1041-949A-257B2650BFBA"}}, nil, "", "8f91e13e-7d3d-1041-949a-257b2650bfba", false},
		"objectGUID":            {map[string][]string{"entryUUID": nil, "objectGUID": {guid}}, nil, "", "00112233-4455-6677-8899-aabbccddeeff", false},
		"objectGUID of zeros":   {map[string][]string{"objectGUID": {strings.Repeat("\x00", 16)}}, map[string]any{"id_attribute": "objectguid"}, "", "00000000-0000-0000-0000-000000000000", false},
		"nsUniqueId":            {map[string][]string{"entryUUID": nil, "nsuniqueid": {"66446001-1DD211B2-66225011-2EE211DB"}}, nil, "", "66446001-1dd211b2-66225011-2ee211db", false},
		"ipaUniqueID":           {map[string][]string{"ipaUniqueID": {"0a1b"}}, map[string]any{"id_attribute": "ipaUniqueID"}, "", "0a1b", false},
		"DN":                    {map[string][]string{"entryUUID": nil}, nil, "", "uid=carol,ou=people,dc=example,dc=com", false},
		"DN, other spelling":    {map[string][]string{"entryUUID": nil}, nil, `UID=Carol , OU=People,dc=EXAMPLE,dc=com`, "uid=carol,ou=people,dc=example,dc=com", false},
		"DN by option":          {nil, map[string]any{"id_attribute": "dn"}, "", "uid=carol,ou=people,dc=example,dc=com", false},
		"long DN":               {nil, map[string]any{"id_attribute": "dn"}, "uid=" + long + "," + people, "sha256:", false},
		"case matters":          {map[string][]string{"employeeNumber": {"aB"}}, map[string]any{"id_attribute": "employeeNumber"}, "", "aB", false},
		"missing":               {nil, map[string]any{"id_attribute": "employeeNumber"}, "", "", true},
		"two values":            {map[string][]string{"employeeNumber": {"1", "2"}}, map[string]any{"id_attribute": "employeeNumber"}, "", "", true},
		"empty":                 {map[string][]string{"employeeNumber": {""}}, map[string]any{"id_attribute": "employeeNumber"}, "", "", true},
		"control character":     {map[string][]string{"employeeNumber": {"1\n"}}, map[string]any{"id_attribute": "employeeNumber"}, "", "", true},
		"too long":              {map[string][]string{"employeeNumber": {long}}, map[string]any{"id_attribute": "employeeNumber"}, "", "", true},
		"objectGUID of 5 bytes": {map[string][]string{"objectGUID": {"12345"}}, map[string]any{"id_attribute": "objectGUID"}, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			carol := person("carol", "secret", test.attributes)
			if test.dn != "" {
				carol.DN = test.dn
			}
			dir := start(t, ldaptest.Config{Entries: entries(carol)})
			r := openRig(t, test.values, dir)
			step, err := r.enter("carol", "secret")
			if test.refused {
				plugintest.Refused(t, err, sdk.ErrMisconfigured, account.ReasonNoSubject)
				return
			}
			identity := identityOf(t, step, err)
			if !strings.HasPrefix(identity.Subject, test.want) || len(identity.Subject) > sdk.MaxSubject {
				t.Errorf("subject %q, want %q", identity.Subject, test.want)
			}
			again, err := r.provider.Refresh(t.Context(), identity.Grant)
			if err != nil || again.Identity.Subject != identity.Subject {
				t.Errorf("after a refresh: %q, %v", again.Identity.Subject, err)
			}
		})
	}
}

// TestJ20_RenamedAndRecycled: a renamed user keeps the account, and the next user with the
// old name does not get it.
func TestJ20_RenamedAndRecycled(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	r := openRig(t, map[string]any{"group_dn": base, "group_scope": "sub"}, dir)
	before := r.signIn("alice", alicePassword)
	dir.Change(func(list []ldaptest.Entry) []ldaptest.Entry {
		moved := person("liddell", alicePassword, map[string][]string{"entryUUID": {aliceUUID}})
		moved.DN = "uid=liddell,ou=elsewhere," + base
		list[5] = person("alice", "another", nil)
		return append(list, moved, group("movers", "member", moved.DN))
	})
	again, err := r.provider.Refresh(t.Context(), before.Grant)
	if err != nil || again.Identity.Subject != before.Subject || again.Identity.Username != "liddell" || !slices.Equal(again.Identity.Groups, []string{"movers"}) {
		t.Errorf("after a move: %+v, %v", again.Identity, err)
	}
	var grant grantContent
	if json.Unmarshal(again.Identity.Grant, &grant) != nil || grant.DN != "uid=liddell,ou=elsewhere,"+base {
		t.Errorf("the grant was not renewed: %s", again.Identity.Grant)
	}
	if got := r.signIn("liddell", alicePassword); got.Subject != before.Subject {
		t.Errorf("after a rename: subject %q, was %q", got.Subject, before.Subject)
	}
	if got := r.signIn("alice", "another"); got.Subject == before.Subject {
		t.Error("the next alice gets the account of the first one")
	}
}

// TestRefresh: what ends a session, and what does not.
func TestRefresh(t *testing.T) {
	first, second := start(t, ldaptest.Config{}), start(t, ldaptest.Config{})
	r := openRig(t, map[string]any{"user_dn": people, "user_scope": "one", "user_filter": "(objectClass=inetOrgPerson)"}, first, second)
	grant := r.signIn("alice", alicePassword).Grant
	refresh := func() error {
		_, err := r.provider.Refresh(t.Context(), grant)
		return err
	}
	set := func(change func(alice *ldaptest.Entry)) {
		first.Change(func(list []ldaptest.Entry) []ldaptest.Entry {
			list[5] = person("alice", alicePassword, map[string][]string{"entryUUID": {aliceUUID}})
			change(&list[5])
			return list
		})
	}
	set(func(a *ldaptest.Entry) { a.Password = "changed" })
	if err := refresh(); err != nil {
		t.Errorf("after a change of the password: %v", err)
	}
	set(func(a *ldaptest.Entry) { a.DN = "uid=alice,ou=elsewhere," + base })
	plugintest.Refused(t, refresh(), sdk.ErrDenied, reasonRemoved)
	set(func(a *ldaptest.Entry) { a.Attributes["objectClass"] = []string{"gone"} })
	plugintest.Refused(t, refresh(), sdk.ErrDenied, reasonRemoved)
	set(func(a *ldaptest.Entry) { a.Attributes["entryUUID"] = []string{"another"} })
	plugintest.Refused(t, refresh(), sdk.ErrDenied, reasonRemoved)
	set(func(a *ldaptest.Entry) {})
	first.Stop()
	if err := refresh(); err != nil {
		t.Errorf("with one of two servers: %v", err)
	}
	second.Stop()
	plugintest.Refused(t, refresh(), sdk.ErrUnavailable, directory.ReasonUnreachable)
	for _, bad := range []string{"", "{", "{}", `{"attribute":"entryUUID"}`, `{"attribute":"*)(uid","value":"x"}`, `{"attribute":"objectGUID","value":"x"}`, `{"attribute":"dn","value":"x","dn":"cn=x,dc=evil"}`} {
		if _, err := r.provider.Refresh(t.Context(), []byte(bad)); err == nil {
			t.Errorf("grant %q is good", bad)
		}
	}
}
