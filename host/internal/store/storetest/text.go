package storetest

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/sdk"
)

// odd is a text that a client or a provider may send, and that not every database can
// store.
const odd = "a\x00b\xff\xc3c\u2028\U0001F600"

func testText(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("nothing that is only shown fails a login", func(t *testing.T) { testOddText(t, open) })
	t.Run("whatever is compared stays as it is", func(t *testing.T) { testOddNames(t, open) })
	t.Run("the longest that there may be", func(t *testing.T) { testLongest(t, open) })
}

// readable is what must remain of a text that is only displayed; characters that cannot
// be displayed may be replaced.
func readable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

func testOddText(t *testing.T, open func(t *testing.T) store.Store) {
	s, token := withUser(t, open), sso.NewToken().Hash()
	login, _ := someLogin(token)
	login.Session.IP, login.Session.UserAgent = odd, odd
	decide := login.Decide
	login.Decide = func(known *sso.User) (sso.User, error) {
		user, err := decide(known)
		user.Role, user.Email, user.FirstName, user.LastName = odd, odd, odd, odd
		return user, err
	}
	wantError(t, "a login", s.CreateSession(t.Context(), login), nil)
	got := mustToken(t, s, token)
	for what, text := range map[string]string{
		"role": got.User.Role, "e-mail": got.User.Email, "first name": got.User.FirstName, "last name": got.User.LastName,
		"address": got.Session.IP, "user agent": got.Session.UserAgent,
	} {
		wantEqual(t, what, readable(text), readable(odd))
	}
	mustChange(t, s, "ann", func(u *sso.User) { u.Username = odd })
	first, _ := firstLogin("bob", "s2", sso.NewToken().Hash())
	decide = first.Decide
	first.Decide = func(known *sso.User) (sso.User, error) {
		user, err := decide(known)
		user.Email, user.LastName = odd, odd
		return user, err
	}
	wantError(t, "a first login", s.CreateSession(t.Context(), first), nil)
	_, err := s.EndSessions(t.Context(), sso.SessionMatch{User: odd}, 10, sso.Event{})
	wantError(t, "EndSessions", err, nil)
	_, _, err = s.SessionUser(t.Context(), odd, start) // the form of a page, and a path, have such an ID
	wantError(t, "SessionUser", err, sso.ErrNotFound)
	wantError(t, "EndSession", s.EndSession(t.Context(), odd, sso.Event{}), nil)
}

func testOddNames(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	mustCreateUser(t, s, someUser("ann", "corp", odd))
	session := someSession("s1", "ann")
	session.AtProvider = sso.AtProvider{Subject: odd, LogoutSubject: odd, SessionID: odd, SealedGrant: []byte(odd)}
	mustCreateSession(t, s, session, sso.NewToken().Hash())
	got, err := s.AtProvider(t.Context(), "s1")
	wantError(t, "AtProvider", err, nil)
	wantEqual(t, "at the provider", got, session.AtProvider)
	mustSpend(t, s, once("provider:corp", odd))
	wantError(t, "the same again", s.Spend(t.Context(), once("provider:corp", odd)), sso.ErrSpent)
	mustSpend(t, s, once("provider:corp", readable(odd)))
	ended, err := s.EndProviderSessions(t.Context(), sso.Selection{Provider: "corp", Subject: odd, SessionIDs: []string{odd}}, sso.Event{})
	if err != nil || len(ended) != 1 {
		t.Errorf("ended: %v, %v", ended, err)
	}
}

// Random, because compressible data would take less room in an index.
func testLongest(t *testing.T, open func(t *testing.T) store.Store) {
	random := func(n int) string {
		b := make([]byte, n)
		rand.Read(b)
		return string(b)
	}
	s, provider, subject := open(t), strings.Repeat("p", 63), random(sdk.MaxSubject)
	mustCreateUser(t, s, someUser("ann", provider, subject))
	session := someSession("s1", "ann")
	session.Provider, session.UserAgent = provider, strings.Repeat("u", 1<<20)
	session.AtProvider = sso.AtProvider{
		Subject: subject, LogoutSubject: random(sdk.MaxAttribute), SessionID: random(sdk.MaxAttribute), SealedGrant: []byte(random(sdk.MaxGrant + 100)),
	}
	login := sso.NewSession{Session: session, Token: sso.NewToken().Hash(), Once: []sso.OnceID{{
		Scope: "provider:" + provider, ID: random(sdk.MaxAttribute), Until: start.Add(time.Hour),
	}}}
	wantError(t, "CreateSession", s.CreateSession(t.Context(), login), nil)
	got, err := s.AtProvider(t.Context(), "s1")
	wantError(t, "AtProvider", err, nil)
	wantEqual(t, "at the provider", got, session.AtProvider)
	wantError(t, "its once-ID again", s.Spend(t.Context(), login.Once...), sso.ErrSpent)
}
