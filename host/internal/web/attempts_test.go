package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// jar keeps cookies as a browser does with those of one host: a cookie that is set
// again keeps its place, and older ones are sent first (RFC 6265 sections 5.3 and
// 5.4).
type jar []*http.Cookie

func (j *jar) take(set []*http.Cookie) {
	for _, cookie := range set {
		at := slices.IndexFunc(*j, func(c *http.Cookie) bool { return c.Name == cookie.Name })
		switch {
		case cookie.MaxAge < 0 && at >= 0:
			*j = slices.Delete(*j, at, at+1)
		case cookie.MaxAge < 0:
		case at >= 0:
			(*j)[at] = cookie
		default:
			*j = append(*j, cookie)
		}
	}
}

// header is the Cookie header that the browser sends.
func (j *jar) header() string {
	var pairs []string
	for _, cookie := range *j {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(pairs, "; ")
}

// start begins a login with the cookies of the jar, and stores those that it gets.
func (j *jar) start(b *browser, path string) (state string) {
	b.t.Helper()
	a := b.get(path, "Cookie", j.header())
	target, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode != http.StatusFound {
		b.t.Fatalf("GET %s: %s", path, a.Status)
	}
	j.take(a.Cookies())
	return target.Query().Get("state")
}

func (j *jar) comeBack(b *browser, state string) answer {
	b.t.Helper()
	a := b.get("/auth/login/op/callback?code=ada&state="+state, "Cookie", j.header())
	j.take(a.Cookies())
	return a
}

// most is how many bytes all attempts of a browser can have together.
const most = 4096

func redirectOf(size int) string { return "/" + strings.Repeat("r", size-1) }

func TestA09AttemptsOfABrowserHaveABound(t *testing.T) {
	for _, public := range []string{"", "https://sso.example.org"} {
		for _, size := range []int{1, 150, 400, 1000, 2000} {
			t.Run(fmt.Sprint(public, size), func(t *testing.T) {
				s := newSite(t, public)
				b, j := s.browser(t), jar{}
				b.http.Jar = nil
				var states []string
				for i := range 12 {
					states = append(states, j.start(b, "/auth/login/op?redirect="+redirectOf(size+i%3)))
					if n := len(j.header()); n > most {
						t.Fatalf("after %d logins, %d bytes of cookies", i+1, n)
					}
				}
				kept := len(j)
				if a := j.comeBack(b, states[11]); a.Header.Get("Location") != redirectOf(size+11%3) {
					t.Errorf("the last login: %s to %q: %s", a.Status, a.Header.Get("Location"), a.body)
				}
				for i, state := range states[:11] {
					wanted := i >= 12-kept // the oldest went
					if a := j.comeBack(b, state); wanted != (a.StatusCode == http.StatusFound) {
						t.Errorf("login %d of 12, of which %d were kept: %s", i, kept, a.Status)
					}
				}
				if n := len(j.header()); n > most+100 { // and the session
					t.Errorf("%d bytes of cookies in the end", n)
				}
			})
		}
	}
}

// Starts at the same moment do not send each other's cookies.
func TestA09AttemptsOfTheSameMoment(t *testing.T) {
	for _, test := range []struct {
		size, starts, bound, good int
	}{
		{1, 2, most, 2}, {150, 5, most, 5}, {150, 50, most, 6}, {2000, 12, most, 1}, {2000, 3, most, 1},
	} {
		t.Run(fmt.Sprintf("%d with %d bytes", test.starts, test.size), func(t *testing.T) {
			s := newSite(t, "https://sso.example.org")
			b, before := s.browser(t), jar{}
			b.http.Jar = nil
			states, jars := make([]string, test.starts), make([]jar, test.starts)
			var group sync.WaitGroup
			for i := range test.starts {
				group.Go(func() { states[i] = jars[i].start(b, "/auth/login/op?redirect="+redirectOf(test.size)) })
			}
			group.Wait()
			after := before
			for _, j := range jars {
				after.take(j)
			}
			if n := len(after.header()); n > test.bound {
				t.Errorf("%d bytes of cookies", n)
			}
			good := 0
			for _, state := range states {
				again := slices.Clone(after)
				a := again.comeBack(b, state)
				if a.StatusCode == http.StatusFound {
					good++
				} else if a := b.get("/auth/login/op/callback?code=ada&state="+state, "Cookie", after.header(), "Accept", acceptHTML); !strings.Contains(
					a.body, "started several") || !strings.Contains(a.body, `href="/auth/login/op"`) {
					t.Errorf("a login that was dropped: %s %s", a.Status, a.body)
				}
			}
			if good != test.good {
				t.Errorf("%d logins are still there, want %d", good, test.good)
			}
		})
	}
	t.Run("small and large, after others", func(t *testing.T) {
		s := newSite(t, "https://sso.example.org")
		b, before := s.browser(t), jar{}
		b.http.Jar = nil
		for range 3 {
			before.start(b, "/auth/login/op?redirect="+redirectOf(700))
		}
		after := slices.Clone(before)
		for i := range 40 {
			one := slices.Clone(before)
			a := b.get("/auth/login/op?redirect="+redirectOf(1+i%2*1999), "Cookie", one.header())
			after.take(a.Cookies())
		}
		if n := len(after.header()); n > 8000 {
			t.Errorf("%d bytes of cookies: too many for one header line of nginx", n)
		}
		last := after.start(b, "/auth/login/op?redirect=/last")
		if n := len(after.header()); n > most {
			t.Errorf("%d bytes of cookies after the next login", n)
		}
		if a := after.comeBack(b, last); a.Header.Get("Location") != "/last" {
			t.Errorf("the last login: %s to %q", a.Status, a.Header.Get("Location"))
		}
	})
}

// An attempt that is too large on its own is refused, and no other is dropped for it.
func TestAttemptThatIsTooLarge(t *testing.T) {
	s := newSite(t, "")
	b, j := s.browser(t), jar{}
	b.http.Jar = nil
	state := j.start(b, "/auth/login/op?redirect=/small")
	a := b.get("/auth/login/op?redirect="+redirectOf(2900), "Cookie", j.header())
	if a.StatusCode != http.StatusBadRequest || len(a.Cookies()) > 0 {
		t.Errorf("got %s with %v", a.Status, a.Cookies())
	}
	if a := j.comeBack(b, state); a.Header.Get("Location") != "/small" {
		t.Errorf("the other login: %s", a.Status)
	}
}

// Planted cookies must not make this host answer with thousands of lines.
func TestA08PlantedAttempts(t *testing.T) {
	b := newSite(t, "").browser(t)
	b.http.Jar = nil
	var planted jar
	for i := range 500 {
		planted = append(planted, &http.Cookie{Name: fmt.Sprint("doorward_attempt_x", i), Value: "v"})
	}
	if a := b.get("/auth/login/op", "Cookie", planted.header()); a.StatusCode != http.StatusFound || len(a.Cookies()) > 40 {
		t.Errorf("%s with %d cookies", a.Status, len(a.Cookies()))
	}
}
