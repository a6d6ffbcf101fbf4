package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func testClaims(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("who waits is found by all of a claim", func(t *testing.T) { testClaimants(t, open) })
	t.Run("a login takes who waits for it", func(t *testing.T) { testClaim(t, open) })
	t.Run("a login takes nobody", func(t *testing.T) { testClaimOfNobody(t, open) })
	t.Run("a link ends all claims", func(t *testing.T) { testLinkEndsClaims(t, open) })
	t.Run("a link of any way ends all claims", func(t *testing.T) { testAnyLinkEndsClaims(t, open) })
	t.Run("a link that somebody else gets ends none", func(t *testing.T) { testLostLink(t, open) })
	t.Run("by what a login takes them", func(t *testing.T) { testClaimedBy(t, open) })
	t.Run("eight subjects at once, one takes it", func(t *testing.T) { testClaimAtOnce(t, open, false) })
	t.Run("eight logins of one subject at once", func(t *testing.T) { testClaimAtOnce(t, open, true) })
}

var (
	byName   = sso.Claim{Kind: sso.ClaimByIdentifier, Provider: "corp", Key: "uid=ann,dc=example"}
	byEmail  = sso.Claim{Kind: sso.ClaimByEmail, Provider: "corp", Key: "ann@example.org"}
	byInvite = sso.NewInvitationToken().Claim()
)

// mustWait adds an account without a link.
func mustWait(t *testing.T, s store.Store, id string, claims ...sso.Claim) sso.User {
	t.Helper()
	user := sso.User{ID: id, Status: sso.UserInvited, Role: "editor", Email: "ann@example.org", CreatedAt: start}
	if err := s.AddUser(t.Context(), user, sso.Event{}, claims...); err != nil {
		t.Fatal(err)
	}
	user.CreatedAt = start.UTC()
	return user
}

func testClaimants(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	ann, bob := mustWait(t, s, "ann", byName, byEmail), mustWait(t, s, "bob", byName)
	mustWait(t, s, "cas")
	passing := byInvite
	passing.ExpiresAt = start.Add(time.Hour).UTC()
	wantError(t, "AddClaim", s.AddClaim(t.Context(), "cas", sso.NewInvitationToken().Claim(), sso.Event{}), nil)
	wantError(t, "AddClaim in its place", s.AddClaim(t.Context(), "cas", passing, sso.Event{}), nil)
	claims, err := s.ClaimsOf(t.Context(), "cas")
	wantError(t, "ClaimsOf", err, nil)
	wantEqual(t, "claims", claims, []sso.Claim{passing})
	claims, err = s.ClaimsOf(t.Context(), "ann")
	wantError(t, "ClaimsOf", err, nil)
	wantEqual(t, "claims of ann", claims, []sso.Claim{byEmail, byName})
	claims, err = s.ClaimsOf(t.Context(), "nobody")
	wantError(t, "ClaimsOf nobody", err, nil)
	wantEqual(t, "claims of nobody", len(claims), 0)

	other := func(change func(*sso.Claim)) sso.Claim { c := byName; change(&c); return c }
	for name, c := range map[string]struct {
		claim sso.Claim
		at    time.Time
		want  []string
	}{
		"two":                 {byName, start, []string{ann.ID, bob.ID}},
		"one":                 {byEmail, start, []string{ann.ID}},
		"another kind":        {other(func(c *sso.Claim) { c.Kind = sso.ClaimByEmail }), start, nil},
		"another provider":    {other(func(c *sso.Claim) { c.Provider = "Corp" }), start, nil},
		"no provider":         {other(func(c *sso.Claim) { c.Provider = "" }), start, nil},
		"another case":        {other(func(c *sso.Claim) { c.Key = "UID=ann,dc=example" }), start, nil},
		"an invitation":       {byInvite, start, []string{"cas"}},
		"just before its end": {byInvite, passing.ExpiresAt.Add(-time.Millisecond), []string{"cas"}},
		"at its end":          {byInvite, passing.ExpiresAt, nil},
	} {
		found, err := s.Claimants(t.Context(), c.claim, c.at)
		wantError(t, name, err, nil)
		wantEqual(t, name, ids(found), c.want)
	}
	wantError(t, "a claim of nobody", s.AddClaim(t.Context(), "nobody", byName, sso.Event{}), sso.ErrNotFound)
}

// claiming is the login of a new identity that may take a waiting account.
func claiming(session, subject string, token sso.TokenHash, claims ...sso.Claim) sso.NewSession {
	login, _ := firstLogin("new", session, token)
	login.Session.AtProvider.Subject, login.Claims = subject, claims
	login.Decide = func(known *sso.User) (sso.User, error) {
		if known == nil {
			return sso.User{}, errRefused
		}
		return *known, nil
	}
	login.Claim = func(waiting []sso.Claimant) (sso.User, error) {
		if len(waiting) != 1 {
			return sso.User{}, sso.ErrSeveralClaims
		}
		user := waiting[0].User
		user.Status, user.Role, user.LastAccess = sso.UserActive, "viewer", start.Add(time.Hour).UTC()
		return user, nil
	}
	return login
}

func testClaim(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := withUser(t, open), sso.NewToken().Hash()
	want := mustWait(t, s, "wait", byName, byEmail)
	login := claiming("s1", "S-9", token, byInvite, byEmail, byName)
	login.Once = []sso.OnceID{once("attempt", "a")}
	wantError(t, "CreateSession", s.CreateSession(t.Context(), login), nil)
	want.Status, want.Role, want.LastAccess = sso.UserActive, "viewer", start.Add(time.Hour).UTC()
	want.Provider, want.Subject = "corp", "S-9"
	wantEqual(t, "the user of the session", mustToken(t, s, token).User, want)
	found, err := userByLink(t, s, "corp", "S-9")
	wantError(t, "by the link", err, nil)
	wantEqual(t, "by the link", found, want)
	wantError(t, "the attempt again", s.Spend(t.Context(), login.Once[0]), sso.ErrSpent)
	for _, claim := range []sso.Claim{byName, byEmail} {
		waiting, err := s.Claimants(t.Context(), claim, start)
		wantError(t, "who waits", err, nil)
		wantEqual(t, "who waits", ids(waiting), nil)
	}
	wantError(t, "another subject with the same name", s.CreateSession(t.Context(), claiming("s2", "S-10", sso.NewToken().Hash(), byName)), errRefused)
	wantError(t, "the same subject", s.CreateSession(t.Context(), claiming("s3", "S-9", sso.NewToken().Hash(), byName)), nil)
	wantError(t, "who is known claims nobody else", s.AddClaim(t.Context(), "ann", byName, sso.Event{}), people.ErrClaimed)
}

func testClaimOfNobody(t *testing.T, open func(t *testing.T) store.Store) {
	errNo := errors.New("no")
	for name, c := range map[string]struct {
		prepare func(s store.Store, login *sso.NewSession) error
		want    error
	}{
		"two wait": {func(s store.Store, _ *sso.NewSession) error {
			return s.AddUser(t.Context(), sso.User{ID: "two", Status: sso.UserActive}, sso.Event{}, byName)
		}, sso.ErrSeveralClaims},
		"two wait, for different claims": {func(s store.Store, login *sso.NewSession) error {
			login.Claims = append(login.Claims, byEmail)
			return s.AddUser(t.Context(), sso.User{ID: "two", Status: sso.UserActive}, sso.Event{}, byEmail)
		}, sso.ErrSeveralClaims},
		"it is refused": {func(_ store.Store, login *sso.NewSession) error {
			login.Claim = func([]sso.Claimant) (sso.User, error) { return sso.User{}, errNo }
			return nil
		}, errNo},
		"it took somebody who does not wait": {func(_ store.Store, login *sso.NewSession) error {
			login.Claim = func([]sso.Claimant) (sso.User, error) { return sso.User{ID: "ann"}, nil }
			return nil
		}, sso.ErrNotFound},
		"the subject is known": {func(_ store.Store, login *sso.NewSession) error {
			login.Session.AtProvider.Subject = "s-1"
			return nil
		}, nil},
		"there is no claim": {func(_ store.Store, login *sso.NewSession) error {
			login.Claims = nil
			return nil
		}, errRefused},
	} {
		t.Run(name, func(t *testing.T) {
			s := withUser(t, open)
			mustWait(t, s, "wait", byName)
			login := claiming("s1", "S-9", sso.NewToken().Hash(), byName)
			if err := c.prepare(s, &login); err != nil {
				t.Fatal(err)
			}
			wantError(t, "CreateSession", s.CreateSession(t.Context(), login), c.want)
			user, links, err := s.UserByID(t.Context(), "wait")
			wantError(t, "UserByID", err, nil)
			wantEqual(t, "links", links, nil)
			wantEqual(t, "status", user.Status, sso.UserInvited)
			_, err = userByLink(t, s, "corp", "S-9")
			wantError(t, "the link", err, sso.ErrNotFound)
			claims, err := s.ClaimsOf(t.Context(), "wait")
			wantError(t, "ClaimsOf", err, nil)
			wantEqual(t, "it waits on", claims, []sso.Claim{byName})
		})
	}
}

func testLinkEndsClaims(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	mustWait(t, s, "wait", byName)
	mustLink(t, s, "wait", "other", "x")
	claims, err := s.ClaimsOf(t.Context(), "wait")
	wantError(t, "ClaimsOf", err, nil)
	wantEqual(t, "claims", len(claims), 0)
	wantError(t, "CreateSession", s.CreateSession(t.Context(), claiming("s1", "S-9", sso.NewToken().Hash(), byName)), errRefused)
	if _, err := s.RemoveLink(t.Context(), "wait", people.Link{Provider: "other", Subject: "x"}, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	wantError(t, "who has no link any more may wait", s.AddClaim(t.Context(), "wait", byName, sso.Event{}), nil)
	if _, err := s.DeleteUser(t.Context(), "wait", sso.Event{}); err != nil {
		t.Fatal(err)
	}
	waiting, err := s.Claimants(t.Context(), byName, start)
	wantError(t, "Claimants", err, nil)
	wantEqual(t, "after the account was deleted", ids(waiting), nil)
}

// testAnyLinkEndsClaims creates a link in every way except a login that takes a waiting
// account.
func testAnyLinkEndsClaims(t *testing.T, open func(t *testing.T) store.Store) {
	for name, tie := range map[string]func(s store.Store) error{
		"an operator": func(s store.Store) error {
			return s.AddLink(t.Context(), "wait", people.Link{Provider: "mail", Subject: "m"}, sso.Event{})
		},
		"themselves": func(s store.Store) error {
			mustCreateSession(t, s, someSession("s1", "wait"), sso.NewToken().Hash())
			link := ownLink("mail", "m")
			link.UserID = "wait"
			return s.LinkOwn(t.Context(), link)
		},
		"an address": func(s store.Store) error {
			_, err := s.LinkByEmail(t.Context(), sso.EmailLink{Provider: "mail", Subject: "m", Email: "ann@example.org", Trusted: []string{"corp"}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			mustWait(t, s, "wait", byName, byEmail)
			mustWait(t, s, "other", byInvite)
			_, _, err := s.ChangeUser(t.Context(), "wait", func(u *sso.User) ([]sso.Event, error) {
				u.Status, u.EmailVerifiedBy = sso.UserActive, "corp"
				return nil, nil
			})
			wantError(t, "ChangeUser", err, nil)
			wantError(t, "tying the link", tie(s), nil)
			user, err := userByLink(t, s, "mail", "m")
			wantError(t, "by the link", err, nil)
			wantEqual(t, "by the link", [3]string{user.ID, user.Provider, user.Subject}, [3]string{"wait", "mail", "m"})
			for id, want := range map[string]int{"wait": 0, "other": 1} {
				claims, err := s.ClaimsOf(t.Context(), id)
				wantError(t, "ClaimsOf", err, nil)
				wantEqual(t, "claims of "+id, len(claims), want)
			}
		})
	}
}

// testLostLink has several accounts wait for the same link. Those that do not get it keep
// waiting.
func testLostLink(t *testing.T, open func(t *testing.T) store.Store) {
	const users = 8
	s := open(t)
	for i := range users {
		id := fmt.Sprint("u", i)
		mustWait(t, s, id, byName)
		_, _, err := s.ChangeUser(t.Context(), id, func(u *sso.User) ([]sso.Event, error) {
			u.Status, u.Email, u.EmailVerifiedBy = sso.UserActive, id+"@example.org", "corp"
			return nil, nil
		})
		wantError(t, "ChangeUser", err, nil)
	}
	got := atOnce(users, func(i int) error {
		_, err := s.LinkByEmail(t.Context(), sso.EmailLink{Provider: "mail", Subject: "m", Email: fmt.Sprint("u", i, "@example.org"), Trusted: []string{"corp"}})
		return err
	})
	wantEqual(t, "outcomes", got, map[string]int{"ok": users})
	linked := 0
	for i := range users {
		user, links, err := s.UserByID(t.Context(), fmt.Sprint("u", i))
		wantError(t, "UserByID", err, nil)
		claims, err := s.ClaimsOf(t.Context(), user.ID)
		wantError(t, "ClaimsOf", err, nil)
		linked += len(links)
		wantEqual(t, "claims of "+user.ID, len(claims), 1-len(links))
		wantEqual(t, user.ID+" is linked", user.Linked(), len(links) == 1)
	}
	wantEqual(t, "links", linked, 1)
}

// testClaimedBy: a login that fits several claims of somebody takes them by one kind.
func testClaimedBy(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range []struct {
		brings []sso.Claim
		want   sso.ClaimKind
	}{
		{[]sso.Claim{byName}, sso.ClaimByIdentifier}, {[]sso.Claim{byInvite}, sso.ClaimByInvitation},
		{[]sso.Claim{byName, byEmail}, sso.ClaimByEmail}, {[]sso.Claim{byEmail, byName}, sso.ClaimByEmail},
	} {
		s := open(t)
		mustWait(t, s, "wait", byName, byInvite, byEmail)
		login, by := claiming("s1", "S-9", sso.NewToken().Hash(), c.brings...), []sso.ClaimKind(nil)
		login.Claim = func(waiting []sso.Claimant) (sso.User, error) {
			by = nil
			for _, one := range waiting {
				by = append(by, one.By)
			}
			return waiting[0].User, nil
		}
		wantError(t, "CreateSession", s.CreateSession(t.Context(), login), nil)
		wantEqual(t, "taken by", by, []sso.ClaimKind{c.want})
	}
}

// callsOfClaims are for testContext.
func callsOfClaims(ctx context.Context, s store.Store) map[string]func() error {
	return map[string]func() error{
		"Claimants": func() error { _, err := s.Claimants(ctx, byName, start); return err },
		"AddClaim":  func() error { return s.AddClaim(ctx, "wait", byName, sso.Event{}) },
		"ClaimsOf":  func() error { _, err := s.ClaimsOf(ctx, "ann"); return err },
	}
}

func testClaimAtOnce(t *testing.T, open func(t *testing.T) store.Store, same bool) {
	const logins = 8
	s := open(t)
	mustWait(t, s, "wait", byName, byEmail)
	got := atOnce(logins, func(i int) error {
		subject := "S-9"
		if !same {
			subject = fmt.Sprint("S-", i)
		}
		return s.CreateSession(t.Context(), claiming(fmt.Sprint("s", i), subject, sso.NewToken().Hash(), byName, byEmail))
	}, errRefused)
	want := map[string]int{"ok": 1, errRefused.Error(): logins - 1}
	if same {
		want = map[string]int{"ok": logins}
	}
	wantEqual(t, "outcomes", got, want)
	_, links, err := s.UserByID(t.Context(), "wait")
	wantError(t, "UserByID", err, nil)
	wantEqual(t, "links", len(links), 1)
}
