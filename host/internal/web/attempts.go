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

// The browser keeps each login and each logout under way in a separate cookie, so that two
// tabs can sign in at the same time. All of them travel with every request to this host
// name, and a proxy in front may accept no more than 8 KB of cookies (the default of
// nginx). Beyond that, the browser is locked out of everything here. So there are limits
// for all of them together.
const (
	attemptPrefix = "doorward_attempt_"
	hostPrefix    = "__Host-" // binds a cookie to this host, over https

	maxAttempts     = 5
	maxAttemptBytes = 4096 // of all attempt cookies together, in the Cookie header

	// The cookies have one of a few names because starts at the same moment do not know of
	// each other: a browser that reopens 20 tabs sends none of the cookies that it is about
	// to get. So small cookies set at the same moment take attemptSlots * smallAttempt
	// bytes at most. Large ones all get the same name, and the last one stays.
	attemptSlots = 6
	smallAttempt = 640

	maxDropped = 32 // how many cookies one answer removes; any more were planted
)

// How long the cookies of logins stay after the login can no longer continue: to tell
// people who return that it took too long, or that they are already signed in.
const (
	attemptCookieExtra = 24 * time.Hour
	overCookieTTL      = time.Hour

	logoutCookieTTL = 10 * time.Minute
)

// attemptCookie is the cookie of an attempt. Its value has the ID of the attempt and the
// sealed attempt, because names are reused.
type attemptCookie struct{ name, id, sealed string }

func (a attemptCookie) value() string { return a.id + "." + a.sealed }

// size is how many bytes the cookie takes in a Cookie header.
func (a attemptCookie) size() int { return len(a.name) + len("=") + len(a.value()) + len("; ") }

// attemptCookieName is the cookie name with that ending. With an empty ending it is the
// prefix of them all.
func (s *Server) attemptCookieName(c echo.Context, ending string) string {
	if s.publicURL(c).secure {
		return hostPrefix + attemptPrefix + ending
	}
	return attemptPrefix + ending
}

// attemptCookies returns the attempt cookies that the browser sent, in its order: older
// ones first (RFC 6265 section 5.4).
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

// attempt returns the sealed attempt with that state, if the browser has it.
func (s *Server) attempt(c echo.Context, state string) (string, bool) {
	id := sso.AttemptID(state)
	for _, cookie := range s.attemptCookies(c) {
		if cookie.id == id && cookie.sealed != "" {
			return cookie.sealed, true
		}
	}
	return "", false
}

// keepAttempt sets the cookie of a sealed attempt, replaces an earlier one with the same
// state, and removes the oldest cookies that leave no room for it (A09).
func (s *Server) keepAttempt(c echo.Context, state, sealed string, lasts time.Duration) {
	mine := attemptCookie{id: sso.AttemptID(state), sealed: sealed}
	found := s.attemptCookies(c)
	mine.name = s.chooseAttemptName(c, mine, found)
	for _, name := range tooMany(mine, found) {
		s.setAttemptCookie(c, name, "", -1)
	}
	s.setAttemptCookie(c, mine.name, mine.value(), int(lasts.Seconds()))
}

// tooMany returns the names of the cookies to remove when mine is set: others of the same
// attempt, and the older ones that no longer fit.
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

// chooseAttemptName chooses a name: the one that the attempt already has, or one that the
// browser does not use. A reused name keeps its place in the order of the cookies, so the
// name of a cookie that is about to be removed is not taken.
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

// nameRotation gives attempts that start at the same moment from one address different
// cookie names, so that tabs that open together do not overwrite each other's cookies. The
// zero value is ready to use, and safe for concurrent use.
type nameRotation struct{ of [256]atomic.Uint32 }

var rotationSeed = maphash.MakeSeed()

func (f *nameRotation) next(address string) int {
	of := &f.of[maphash.String(rotationSeed, address)%uint64(len(f.of))]
	return int(of.Add(1) % attemptSlots)
}
