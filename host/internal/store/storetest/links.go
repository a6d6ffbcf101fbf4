package storetest

import (
	"fmt"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func verified(id, provider, subject, email, by string) sso.User {
	u := someUser(id, provider, subject)
	u.Email, u.EmailVerifiedBy = email, by
	return u
}

func testEmailLinks(t *testing.T, open func(t *testing.T) store.Store) {
	const address = "ann@example.org"
	ann := verified("ann", "corp", "s-1", address, "corp")
	suspended := ann
	suspended.Status = sso.UserSuspended
	link := sso.EmailLink{Provider: "other", Subject: "S-9", Email: "ANN@Example.ORG", Trusted: []string{"other", "corp"}}
	with := func(change func(*sso.EmailLink)) sso.EmailLink {
		changed := link
		change(&changed)
		return changed
	}
	for name, c := range map[string]struct {
		users []sso.User
		link  sso.EmailLink
		want  string // who is linked
		err   error
	}{
		"the one":                           {[]sso.User{ann, verified("bob", "corp", "s-2", "bob@example.org", "corp")}, link, "ann", nil},
		"nobody":                            {nil, link, "", nil},
		"nobody verified it":                {[]sso.User{verified("ann", "corp", "s-1", address, "")}, link, "", nil},
		"verified by somebody else":         {[]sso.User{verified("ann", "corp", "s-1", address, "Corp")}, link, "", nil},
		"nobody is trusted":                 {[]sso.User{ann}, with(func(l *sso.EmailLink) { l.Trusted = nil }), "", nil},
		"no name is trusted for no address": {[]sso.User{verified("ann", "corp", "s-1", "", "")}, with(func(l *sso.EmailLink) { l.Email, l.Trusted = "", []string{""} }), "", nil},
		"a wildcard":                        {[]sso.User{ann}, with(func(l *sso.EmailLink) { l.Email = "%" }), "", nil},
		"two": {
			[]sso.User{ann, verified("bob", "other", "s-2", address, "other"), verified("joe", "corp", "s-3", address, "corp")}, link, "", sso.ErrSeveralUsers,
		},
		"two, of whom one does not count":   {[]sso.User{ann, verified("bob", "corp", "s-2", address, "else")}, link, "ann", nil},
		"two, of whom one is linked there":  {[]sso.User{ann, verified("bob", "other", "s-2", address, "other")}, link, "ann", nil},
		"suspended":                         {[]sso.User{suspended}, link, "", sso.ErrUserInactive},
		"there is a link, to somebody else": {[]sso.User{ann, verified("bob", "other", "S-9", "bob@example.org", "")}, link, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			for _, user := range c.users {
				mustCreateUser(t, s, user)
			}
			before, _ := userByLink(t, s, link.Provider, link.Subject)
			linked, err := s.LinkByEmail(t.Context(), c.link)
			wantError(t, "LinkByEmail", err, c.err)
			wantEqual(t, "linked", linked, c.want != "")
			after, err := userByLink(t, s, link.Provider, link.Subject)
			if c.want == "" {
				wantEqual(t, "the user of the link", after, before)
				return
			}
			wantError(t, "the user of the link", err, nil)
			wantEqual(t, "the user of the link", after.ID, c.want)
			linked, err = s.LinkByEmail(t.Context(), c.link)
			if linked || err != nil {
				t.Errorf("once more: linked %v, error %v", linked, err)
			}
			if _, err := userByLink(t, s, "corp", "s-1"); err != nil {
				t.Errorf("the link of before: %v", err)
			}
		})
	}
	t.Run("at once", func(t *testing.T) { testEmailLinksAtOnce(t, open(t), ann, link) })
}

// An account gets one link to a provider, however many subjects there have its address.
func testEmailLinksAtOnce(t *testing.T, s store.Store, ann sso.User, link sso.EmailLink) {
	mustCreateUser(t, s, ann)
	links := make([]bool, 8)
	errs := atOnce(len(links), func(i int) (err error) {
		one := link
		one.Subject = fmt.Sprint(i)
		links[i], err = s.LinkByEmail(t.Context(), one)
		return err
	})
	wantEqual(t, "errors", errs, map[string]int{"ok": len(links)})
	n := 0
	for _, linked := range links {
		if linked {
			n++
		}
	}
	wantEqual(t, "links of one account to one provider", n, 1)
}
