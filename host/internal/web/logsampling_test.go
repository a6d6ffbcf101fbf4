package web

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	hclog "github.com/hashicorp/go-hclog"
)

// lines is a log that tests read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

// The first lines of a kind pass in each interval, few of them from one client, and the
// number of omitted lines is logged.
func TestSampledLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		s := newSampler(hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: &out}))
		flood := func() {
			for range 1000 {
				s.log(hclog.Warn, "192.0.2.1", "op", "sign-in refused")
			}
		}
		flood()
		if n := strings.Count(out.String(), "[WARN]"); n != sampledFromOne {
			t.Fatalf("%d lines of one client, want %d", n, sampledFromOne)
		}
		s.log(hclog.Warn, "192.0.2.2", "op", "sign-in refused", "who", "another client")
		s.log(hclog.Warn, "192.0.2.1", "dir", "sign-in refused", "who", "another provider")
		s.log(hclog.Error, "192.0.2.1", "op", "sign-in refused", "who", "another level")
		for _, who := range []string{"another client", "another provider", "another level"} {
			if !strings.Contains(out.String(), who) {
				t.Errorf("the line of %s is missing", who)
			}
		}
		out.Reset()
		time.Sleep(sampledInterval)
		synctest.Wait()
		if n, want := strings.Count(out.String(), "\n"), fmt.Sprintf("lines=%d", 1000-sampledFromOne); n != 1 || !strings.Contains(out.String(), want) {
			t.Errorf("after the interval: %s", out.String())
		}
		out.Reset()
		flood()
		if n := strings.Count(out.String(), "\n"); n != sampledFromOne {
			t.Errorf("%d lines in the next interval", n)
		}
	})
}

// A condition that lasts until someone changes a setting, such as refreshes at a provider
// that gives no refresh tokens, is logged again and again, and hides nothing.
func TestSeldomLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		s := newSampler(hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: &out}))
		// No line falls on the instant at which an interval ends: 10 minutes are not a
		// multiple of the step.
		const step = 7 * time.Second
		for hour := time.Duration(0); hour < time.Hour; hour += step {
			for _, reason := range []string{"grant_expired", "unreachable"} {
				for _, client := range []string{"192.0.2.1", "192.0.2.2"} {
					if s.admitUpTo(seldom, kindOfLine{hclog.Warn, "cannot say: " + reason, "op"}, client) {
						s.logger.Warn(reason)
					}
				}
			}
			time.Sleep(step)
		}
		synctest.Wait()
		for _, want := range []string{"[WARN]  grant_expired", "[WARN]  unreachable", "lines=171"} {
			if n := strings.Count(out.String(), want); n < 5 || n > 12 {
				t.Errorf("%d lines %q in an hour:\n%s", n, want, out.String())
			}
		}
		time.Sleep(seldom.within)
		synctest.Wait()
	})
}

// However many clients and providers there are, the growth of the log is limited.
func TestSampledLinesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		s := newSampler(hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: &out}))
		var group sync.WaitGroup
		for i := range 3 * sampledLines {
			group.Go(func() {
				for range sampledFromOne {
					s.log(hclog.Warn, fmt.Sprint(i), "op", "sign-in refused")
				}
			})
		}
		group.Wait()
		if n := strings.Count(out.String(), "\n"); n != sampledLines {
			t.Errorf("%d lines, want %d", n, sampledLines)
		}
		for i := range 2 * sampledKinds {
			s.log(hclog.Warn, "192.0.2.1", fmt.Sprint(i), "sign-in refused")
		}
		if len(s.kinds) > sampledKinds {
			t.Errorf("%d kinds are kept", len(s.kinds))
		}
	})
}

// At debug, every line is there.
func TestSampledLinesAtDebug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		s := newSampler(hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: &out}))
		for range 100 {
			s.log(hclog.Warn, "192.0.2.1", "op", "sign-in refused")
		}
		if n := strings.Count(out.String(), "sign-in refused"); n != 100 {
			t.Errorf("%d lines, want 100", n)
		}
	})
}
