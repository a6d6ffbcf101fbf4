package sso_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// hands is a session whose token is used by two clients, and the expected results: links
// are its tokens in the order in which they replaced each other.
type hands struct {
	hosts []*house
	db    *sql.DB
	mode  sso.Mode
	id    string

	links    []sso.Token
	replaced []time.Time // of each but the last
	ended    bool
	owner    int // which link the owner holds
	thief    int
}

// inTwoHands begins another session of the same user.
func (h *house) inTwoHands(db *sql.DB, like *sso.SignedIn, hosts ...*house) *hands {
	h.t.Helper()
	token, session := sso.NewToken(), like.Session
	session.ID, session.CreatedAt = "session of "+string(token), h.clock.Now()
	session.ExpiresAt, session.NotAfter = session.CreatedAt.Add(sessionTTL), session.CreatedAt.Add(sessionEnd)
	if err := h.store.CreateSession(h.t.Context(), sso.NewSession{Session: session, Token: token.Hash()}); err != nil {
		h.t.Fatal(err)
	}
	return &hands{hosts: hosts, db: db, mode: like.Mode, id: session.ID, links: []sso.Token{token}}
}

// want returns what a refresh with a link must result in: the new link, or an error.
func (x *hands) want(link int, now time.Time) (gives int, err error) {
	last := len(x.links) - 1
	switch {
	case x.ended:
		return 0, sso.ErrSessionInvalid
	case link == last:
		return link + 1, nil
	case now.Sub(x.replaced[link]) >= grace:
		return 0, sso.ErrTokenReused
	case link == last-1:
		return last, nil
	}
	return 0, sso.ErrSessionNotNow
}

// refresh refreshes with one client's link, and checks everything that must be true
// afterwards.
func (x *hands) refresh(holds *int, host int, answerLost bool) error {
	h := x.hosts[host]
	now := h.clock.Now()
	gives, want := x.want(*holds, now)
	done, err := h.Refresh(h.t.Context(), x.links[*holds], x.mode)
	switch {
	case !errors.Is(err, want):
		return fmt.Errorf("got error %w, want %w", err, want)
	case want == nil && gives == len(x.links):
		x.links, x.replaced = append(x.links, done.Token), append(x.replaced, now)
	case want == nil && done.Token != x.links[gives]:
		return errors.New("a second chain")
	}
	x.ended = x.ended || errors.Is(want, sso.ErrTokenReused)
	if want == nil && !answerLost {
		*holds = gives
	}
	return x.wantOneCurrent()
}

// wantOneCurrent checks that the last link is the only current token, or that none is
// left once the session has ended.
func (x *hands) wantOneCurrent() error {
	wantLeft := 1
	if x.ended {
		wantLeft = 0
	}
	var current, isLast int
	last := x.links[len(x.links)-1].Hash()
	err := x.db.QueryRow(`SELECT count(*), coalesce(sum(t.hash = ?), 0) FROM session_tokens t JOIN sessions s ON s.pk = t.session_pk
		WHERE s.id = ? AND t.spent_at IS NULL`, last[:], x.id).Scan(&current, &isLast)
	if err != nil {
		return err
	}
	if current != wantLeft || isLast != wantLeft {
		return fmt.Errorf("%d current tokens, of which %d should be, want %d", current, isLast, wantLeft)
	}
	return nil
}

// The letters of a course of events. The thief uses the second host.
const (
	ownerRefreshes = 'O'
	thiefRefreshes = 'T'
	answerIsLost   = 'o' // of a refresh of the owner's
	thiefLosesIt   = 't'
	timeGoesBy     = '-'
	graceGoesBy    = '='
	hostsRestart   = '!'
)

func (x *hands) happens(event rune) error {
	switch event {
	case ownerRefreshes, answerIsLost:
		return x.refresh(&x.owner, 0, event == answerIsLost)
	case thiefRefreshes, thiefLosesIt:
		return x.refresh(&x.thief, 1, event == thiefLosesIt)
	case timeGoesBy:
		x.hosts[0].clock.advance(4 * time.Second)
	case graceGoesBy:
		x.hosts[0].clock.advance(grace)
	case hostsRestart:
		for _, h := range x.hosts {
			h.restart()
		}
	}
	return nil
}

// In whatever order owner and thief refresh: there is never a second chain, and the
// client that is behind ends the session with its next refresh after the grace.
func TestOwnerAndThiefInEveryOrder(t *testing.T) {
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			h := newHouse(t)
			other, db, like := h.another(), h.database(), h.signIn(sso.Start{Mode: mode}, alice())
			try := func(course string) {
				x := h.inTwoHands(db, like, h, other)
				for i, event := range course {
					if err := x.happens(event); err != nil {
						t.Fatalf("%s, at event %d: %v", course, i+1, err)
					}
				}
				// If one of them refreshes and the other does not within a grace, one is
				// behind.
				for _, event := range []rune{graceGoesBy, thiefRefreshes, graceGoesBy, ownerRefreshes, thiefRefreshes} {
					if err := x.happens(event); err != nil {
						t.Fatalf("%s, in the end: %v", course, err)
					}
				}
				if !x.ended {
					t.Fatalf("%s: two hands go on with a session", course)
				}
			}
			length, random := 4, rand.New(rand.NewPCG(15, 1)) //nolint:gosec // the same courses each time
			if mode != sso.ModeSession {
				length = 2 // the same code
			}
			for _, course := range courses(length) {
				try(course)
			}
			for range 10 * length {
				var course strings.Builder
				for range 5 + random.IntN(20) {
					course.WriteByte("OOTTot---=!"[random.IntN(11)])
				}
				try(course.String())
			}
		})
	}
}

// courses returns all courses of that many events that begin with a refresh.
func courses(length int) (list []string) {
	list = []string{""}
	for i := range length {
		var longer []string
		for _, course := range list {
			for _, event := range "OTo-=" {
				if i > 0 || event != timeGoesBy && event != graceGoesBy {
					longer = append(longer, course+string(event))
				}
			}
		}
		list = longer
	}
	return list
}
