package limit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// table that hosts share, and that says what was done with it.
type shared struct {
	rows   map[string]row
	writes int
	most   int
	err    error
}

type row struct {
	counts []byte
	at     time.Time
}

func (s *shared) ExchangeCounts(_ context.Context, host string, counts []byte, now, forget time.Time) (map[string][]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if counts != nil {
		s.rows[host] = row{slices.Clone(counts), now}
		s.writes++
		s.most = max(s.most, len(counts))
	}
	others := map[string][]byte{}
	for name, r := range s.rows {
		if name != host && !r.at.Before(forget) {
			others[name] = r.counts
		}
	}
	return others, nil
}

// twoHosts share a table and a clock.
func twoHosts(t *testing.T) (s *shared, c *clock, limiters []*Limiter, exchange func()) {
	t.Helper()
	s = &shared{rows: map[string]row{}}
	first, c := newLimiter(t, testConfig)
	second, err := New(testConfig, c.now)
	if err != nil {
		t.Fatal(err)
	}
	limiters = []*Limiter{first, second}
	var exchanges []*Exchange
	for _, l := range limiters {
		exchanges = append(exchanges, NewExchange(l, s))
	}
	return s, c, limiters, func() {
		for range 2 { // the one that is first hears of the other a second later
			for _, e := range exchanges {
				if err := e.Round(t.Context()); err != nil && s.err == nil {
					t.Fatal(err)
				}
			}
			c.advance(exchangeEvery)
		}
	}
}

func TestHostsAddUp(t *testing.T) {
	s, c, hosts, exchange := twoHosts(t)
	alice := from("192.0.2.1", "alice")
	for i, n := range []int{6, 4} {
		if through, _ := guesses(t, hosts[i], n, always(alice)); through != n {
			t.Fatalf("%d got through at host %d", through, i)
		}
	}
	exchange()
	for i, l := range hosts {
		if err := l.Look(alice); err == nil {
			t.Errorf("not refused at host %d", i)
		}
	}
	writes := s.writes
	for range 5 {
		exchange()
	}
	if s.writes != writes {
		t.Errorf("%d writes without anything to tell", s.writes-writes)
	}
	c.advance(10 * time.Minute)
	exchange()
	for i, l := range hosts {
		if l.tables[ofLogin].level(l.bucketsOf(alice).login.key, l.sinceBegan()) > 0 {
			t.Errorf("host %d counted it again, or it never runs out", i)
		}
	}
}

func TestSuccessIsHeard(t *testing.T) {
	_, _, hosts, exchange := twoHosts(t)
	alice := from("192.0.2.1", "alice")
	fail(t, hosts[0], 9, always(alice))
	exchange()
	try, err := hosts[1].Try(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	try.Succeeded()
	exchange()
	if through, _ := guesses(t, hosts[0], 20, always(alice)); through != 10 {
		t.Errorf("%d get through after a success at the other host", through)
	}
	now := hosts[0].sinceBegan()
	if level := hosts[0].tables[ofEverybody].level(everybody.key, now); level > 10*hosts[0].tables[ofEverybody].rate.span(1) {
		t.Errorf("everybody has %v at the first host", level)
	}
}

// A store that is unavailable for a while loses only old counts.
func TestStoreThatIsAway(t *testing.T) {
	s, _, hosts, exchange := twoHosts(t)
	alice := from("192.0.2.1", "alice")
	s.err = errors.New("away")
	fail(t, hosts[0], 10, always(alice))
	exchange()
	s.err = nil
	exchange()
	if err := hosts[1].Look(alice); err == nil {
		t.Error("not sent afterwards")
	}
}

// A flood does not make the row grow, and the total of all clients is always sent.
func TestRowsAreBounded(t *testing.T) {
	s, _, hosts, exchange := twoHosts(t)
	for round := range 6 {
		fail(t, hosts[0], 3000, func(i int) Who {
			return from(fmt.Sprintf("10.%d.%d.%d", i/250, i%250, round), fmt.Sprint("user", i, " ", round))
		})
		exchange()
	}
	t.Logf("the largest row is %d KB", s.most>>10)
	if s.most > 300<<10 {
		t.Errorf("a row of %d bytes", s.most)
	}
	through, refusal := guesses(t, hosts[1], 200, func(i int) Who { return from(fmt.Sprintf("192.0.2.%d", i), fmt.Sprint("other", i)) })
	if refusal == nil || refusal.Limit != "everybody" {
		t.Errorf("the other host does not know how many failed: %d get through, %+v", through, refusal)
	}
}

func TestEncodeAndDecode(t *testing.T) {
	want := []batch{
		{number: 1, entries: []entry{{bucket{ofLogin, 1 << 63}, 1000, 1}, {bucket{ofFlood, 1}, -50, -1}}},
		{number: 1 << 60, entries: []entry{{bucket{ofStarts, 0}, 0, 0}}},
	}
	whole := encode(want)
	got, err := decode(whole)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(batch{}, entry{}, bucket{})); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for n := range whole {
		if got, err := decode(whole[:n]); err == nil && len(got) > 1 {
			t.Errorf("cut to %d bytes it is decoded: %+v", n, got)
		}
	}
	if got, err := decode([]byte{wireVersion + 1, 0xff, 0xff}); err != nil || got != nil {
		t.Errorf("of a newer version: %v, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode([]batch{{number: 1, entries: []entry{{bucket{ofLogin, 1 << 63}, 1000, 1}, {bucket{ofFlood, 1}, -50, -1}}}}))
	f.Add([]byte{wireVersion, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		batches, err := decode(data)
		if err != nil {
			return
		}
		l, _ := newLimiter(t, testConfig)
		(&Exchange{limiter: l, lastRead: map[string]uint64{}}).add("other", batches)
		now := l.sinceBegan()
		for of := range l.tables {
			for _, s := range l.tables[of].slots {
				if s.empty > now+l.tables[of].rate.Within {
					t.Errorf("a bucket that is fuller than full: %v", s.empty)
				}
			}
		}
	})
}
