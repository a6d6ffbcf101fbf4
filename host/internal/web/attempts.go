package web

import (
	"hash/maphash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// The browser keeps each login and each logout under way in a cookie of its own, so
// that two tabs can sign in at once. All of them travel with every request to this
// host name, and a proxy in front may take 8 KB of cookies and no more (nginx, by
// default): beyond, the browser is locked out of everything here. Hence bounds for
// all of them together.
const (
	attemptPrefix = "doorward_attempt_"
	hostPrefix    = "__Host-" // binds a cookie to this very host, over https

	maxAttempts     = 5
	maxAttemptBytes = 4096 // of all attempt cookies, as the Cookie header has them

	// The cookies have one of few names, since starts at the same moment do not
	// know of each other: a browser that opens again with 20 tabs sends none of
	// the cookies that it is about to get. So small ones of a moment come to
	// attemptSlots * smallAttempt bytes at most. Large ones of a moment all get the
	// same name, and the last one stays.
	attemptSlots = 6
	smallAttempt = 640

	maxDropped = 32 // cookies that one answer removes; more were planted
)

// How long cookies of logins stay after there is any use in continuing: for telling
// people who come back that it took too long, or that they are signed in already.
const (
	attemptCookieExtra = 24 * time.Hour
	overCookieTTL      = time.Hour

	logoutCookieTTL = 10 * time.Minute
)

// attemptCookie is the cookie of an attempt. Its value is the ID of the attempt and
// the sealed attempt: the names are used again.
type attemptCookie struct{ name, id, sealed string }

func (a attemptCookie) value() string { return a.id + "." + a.sealed }

// size is what the cookie takes of a Cookie header.
func (a attemptCookie) size() int { return len(a.name) + len("=") + len(a.value()) + len("; ") }

// attemptCookieName is the name with that ending; all of ours begin like that with
// none.
func (s *Server) attemptCookieName(c echo.Context, ending string) string {
	if s.publicURL(c).secure {
		return hostPrefix + attemptPrefix + ending
	}
	return attemptPrefix + ending
}

// attemptCookies returns those that the browser sent, in its order: older ones
// first (RFC 6265 section 5.4).
func (s *Server) attemptCookies(c echo.Context) []attemptCookie {
	prefix := s.attemptCookieName(c, "")
	var found []attemptCookie
	for _, cookie := range c.Cookies() {
		if strings.HasPrefix(cookie.Name, prefix) {
			id, sealed, _ := strings.Cut(cookie.Value, ".")
			found = append(found, attemptCookie{cookie.Name, id, sealed})
		}
	}
	return found
}

// attempt returns the sealed attempt of that state, if the browser has it.
func (s *Server) attempt(c echo.Context, state string) (string, bool) {
	id := sso.AttemptID(state)
	for _, cookie := range s.attemptCookies(c) {
		if cookie.id == id && cookie.sealed != "" {
			return cookie.sealed, true
		}
	}
	return "", false
}

// keepAttempt gives the browser a sealed attempt, in place of an earlier one of the
// same state, and removes the oldest ones that leave no room for it (A09).
func (s *Server) keepAttempt(c echo.Context, state, sealed string, lasts time.Duration) {
	mine := attemptCookie{id: sso.AttemptID(state), sealed: sealed}
	found := s.attemptCookies(c)
	mine.name = s.chooseAttemptName(c, mine, found)
	for _, name := range tooMany(mine, found) {
		s.setAttemptCookie(c, name, "", -1)
	}
	s.setAttemptCookie(c, mine.name, mine.value(), int(lasts.Seconds()))
}

// tooMany names the cookies that must go when mine comes: another one of the same
// attempt, and all from the newest that does not fit in.
func tooMany(mine attemptCookie, found []attemptCookie) []string {
	room, kept := maxAttemptBytes-mine.size(), 1
	var drop []string
	for _, other := range slices.Backward(found) {
		if other.name == mine.name {
			continue // is overwritten
		}
		if other.id == mine.id {
			drop = append(drop, other.name)
			continue
		}
		if room -= other.size(); room < 0 || kept >= maxAttempts {
			drop = append(drop, other.name)
			continue
		}
		kept++
	}
	return drop[:min(len(drop), maxDropped)]
}

func (s *Server) dropAttempt(c echo.Context, state string) {
	id := sso.AttemptID(state)
	for _, cookie := range s.attemptCookies(c) {
		if cookie.id == id {
			s.setAttemptCookie(c, cookie.name, "", -1)
			return
		}
	}
}

func (s *Server) setAttemptCookie(c echo.Context, name, value string, maxAge int) {
	c.SetCookie(&http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: s.publicURL(c).secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// chooseAttemptName chooses a name: that which the attempt has already, or one that the
// browser does not use. A name that is used again keeps its place in the order of
// the cookies, so one whose cookie is about to be removed is not taken.
func (s *Server) chooseAttemptName(c echo.Context, mine attemptCookie, found []attemptCookie) string {
	prefix, first := s.attemptCookieName(c, "large"), 0
	if mine.name = s.attemptCookieName(c, "0"); mine.size() <= smallAttempt {
		prefix, first = s.attemptCookieName(c, ""), s.attemptNames.next(c.RealIP())
	}
	used := map[string]bool{}
	for _, other := range found {
		if other.id == mine.id && isAttemptName(other.name, prefix) {
			return other.name
		}
		used[other.name] = true
	}
	for i := range attemptSlots {
		name := prefix + strconv.Itoa((first+i)%attemptSlots)
		if !used[name] {
			return name
		}
	}
	for _, other := range found { // the oldest
		if isAttemptName(other.name, prefix) {
			return other.name
		}
	}
	return prefix + "0"
}

// isAttemptName reports whether a cookie has one of the names with that prefix.
func isAttemptName(name, prefix string) bool {
	slot, ok := strings.CutPrefix(name, prefix)
	return ok && len(slot) == 1 && slot[0] >= '0' && slot[0] < '0'+attemptSlots
}

// nameRotation gives starts at the same moment from one address different names for their
// cookies, so that tabs that open together do not take each other's place. The zero
// value is ready, and may be used concurrently.
type nameRotation struct{ of [256]atomic.Uint32 }

var rotationSeed = maphash.MakeSeed()

func (f *nameRotation) next(address string) int {
	of := &f.of[maphash.String(rotationSeed, address)%uint64(len(f.of))]
	return int(of.Add(1) % attemptSlots)
}
