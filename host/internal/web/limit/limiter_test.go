package limit

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// clock is a time that the test changes.
type clock struct{ at time.Time }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) advance(d time.Duration) { c.at = c.at.Add(d) }

var testConfig = Config{
	Secret:  []byte("a secret of tests, of 32 bytes ok"),
	Login:   Rate{10, 10 * time.Minute},
	Address: Rate{100, 10 * time.Minute},
	All:     Rate{1000, 10 * time.Minute},
}

func newLimiter(t testing.TB, config Config) (*Limiter, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)}
	l, err := New(config, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return l, c
}

func from(address, name string) Who {
	return Who{Address: netip.MustParseAddr(address), Provider: "dir", Name: name}
}

// guess is a wrong password.
func guess(t testing.TB, l *Limiter, who Who) error {
	t.Helper()
	try, err := l.Try(t.Context(), who)
	if err == nil {
		try.Failed()
	}
	return err
}

// guesses counts how many wrong passwords of n get through, and returns the last refusal.
func guesses(t testing.TB, l *Limiter, n int, who func(i int) Who) (through int, refusal *Exceeded) {
	t.Helper()
	for i := range n {
		err := guess(t, l, who(i))
		if err == nil {
			through++
			continue
		}
		if !errors.As(err, &refusal) {
			t.Fatal(err)
		}
	}
	return through, refusal
}

// fail tries that many wrong passwords.
func fail(t testing.TB, l *Limiter, n int, who func(i int) Who) {
	t.Helper()
	_, _ = guesses(t, l, n, who)
}

func always(who Who) func(int) Who { return func(int) Who { return who } }

func TestL03WhoIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		who     func(i int) Who
		through int
		limit   string
		wait    time.Duration
	}{
		"one name from one address": {always(from("192.0.2.1", "alice")), 10, "login_name_and_address", time.Minute},
		"one name in other spellings": {func(i int) Who {
			return from("192.0.2.1", []string{"alice", " Alice ", "ＡＬＩＣＥ", "ali\u200bce", "àlicé", "a\u0301lice", "al\x01ice", "al\ufe0fice", "al\ufffcice"}[i%9])
		}, 10, "login_name_and_address", time.Minute},
		"one name from everywhere":        {func(i int) Who { return from(fmt.Sprintf("192.0.2.%d", i%250), "alice") }, 50, "login_name", 12 * time.Second},
		"all names from one address":      {func(i int) Who { return from("192.0.2.1", fmt.Sprint("user", i)) }, 100, "address", 6 * time.Second},
		"no names from one address":       {always(from("192.0.2.1", "")), 100, "address", 6 * time.Second},
		"L04 all addresses of a /64":      {func(i int) Who { return from(fmt.Sprintf("2001:db8::%x", i+1), fmt.Sprint("user", i)) }, 100, "address", 6 * time.Second},
		"all networks of a /48":           {func(i int) Who { return from(fmt.Sprintf("2001:db8:0:%x::1", i), fmt.Sprint("user", i)) }, 1000, "network", 6 * time.Second},
		"an IPv4 address written as IPv6": {func(i int) Who { return from([]string{"::ffff:192.0.2.1", "192.0.2.1"}[i%2], fmt.Sprint("user", i)) }, 100, "address", 6 * time.Second},
		"everybody, from everywhere":      {func(i int) Who { return from(fmt.Sprintf("10.%d.%d.1", i/250, i%250), fmt.Sprint("user", i)) }, 10000, "everybody", 60 * time.Millisecond},
		"without an address, one of them": {func(i int) Who { return Who{Provider: "dir", Name: fmt.Sprint("user", i)} }, 100, "address", 6 * time.Second},
		"the same name at another one":    {func(i int) Who { w := from("192.0.2.1", "alice"); w.Provider = fmt.Sprint("dir", i%2); return w }, 20, "login_name_and_address", time.Minute},
		"a zone makes no other address":   {func(i int) Who { return from(fmt.Sprintf("fe80::1%%eth%d", i), fmt.Sprint("user", i)) }, 100, "address", 6 * time.Second},
		"a name that is only white space": {always(from("192.0.2.1", " \t")), 100, "address", 6 * time.Second},
		"a name with the border moved": {func(i int) Who {
			return Who{Address: netip.MustParseAddr("192.0.2.1"), Provider: "dirx"[:3+i%2], Name: "xalice"[1-i%2:]}
		}, 20, "login_name_and_address", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := newLimiter(t, testConfig)
			through, refusal := guesses(t, l, tc.through+200, tc.who)
			if through != tc.through || refusal == nil || refusal.Limit != tc.limit || refusal.Wait != tc.wait {
				t.Errorf("%d got through, then %+v; want %d, %s, wait %v", through, refusal, tc.through, tc.limit, tc.wait)
			}
			if got := l.Refusals()[tc.limit]; got == 0 {
				t.Errorf("no refusal of %s was counted: %v", tc.limit, l.Refusals())
			}
		})
	}
}

// A full bucket takes one more point as soon as it says, and a day of guessing gets no more
// than that.
func TestTimePasses(t *testing.T) {
	l, c := newLimiter(t, testConfig)
	alice := from("192.0.2.1", "alice")
	fail(t, l, 10, always(alice))
	err := guess(t, l, alice)
	for range 3 {
		exceeded, ok := errors.AsType[*Exceeded](err)
		if !ok {
			t.Fatalf("not refused: %v", err)
		}
		c.advance(exceeded.Wait - 1)
		if err = guess(t, l, alice); err == nil {
			t.Fatal("a moment too soon")
		}
		c.advance(1)
		if err = guess(t, l, alice); err != nil {
			t.Fatalf("after the wait: %v", err)
		}
		err = guess(t, l, alice)
	}
	day := 13
	for range 24 * 60 {
		c.advance(time.Minute)
		through, _ := guesses(t, l, 3, always(alice))
		day += through
	}
	if day < 200 || day > 300 {
		t.Errorf("%d guesses in a day; after 100, one in ten minutes", day)
	}
	c.advance(24 * time.Hour)
	if through, _ := guesses(t, l, 20, always(alice)); through != 10 {
		t.Errorf("a day later %d get through", through)
	}
}

// Nobody is locked out for longer than a bucket takes to empty.
func TestNoLockOut(t *testing.T) {
	l, c := newLimiter(t, testConfig)
	for range 30 {
		fail(t, l, 300, func(i int) Who { return from(fmt.Sprintf("10.0.%d.1", i%200), "alice") })
		c.advance(time.Minute)
	}
	c.advance(10 * time.Minute)
	if err := guess(t, l, from("192.0.2.1", "alice")); err != nil {
		t.Errorf("ten minutes later: %v", err)
	}
}

func TestOfficeBehindOneAddress(t *testing.T) {
	l, _ := newLimiter(t, testConfig)
	for round := range 3 {
		for i := range 500 {
			who := from("192.0.2.1", fmt.Sprint("user", i))
			if err := l.Start(who); err != nil {
				t.Fatalf("start %d: %v", i, err)
			}
		}
		for i := range 500 {
			who := from("192.0.2.1", fmt.Sprint("user", i))
			for range i % 4 { // every other person needs some tries
				if err := guess(t, l, who); err != nil {
					t.Fatalf("round %d, typo of %d: %v", round, i, err)
				}
			}
			try, err := l.Try(t.Context(), who)
			if err != nil {
				t.Fatalf("round %d, person %d: %v", round, i, err)
			}
			try.Succeeded()
			l.Finished(who)
		}
	}
	now := l.sinceBegan()
	for of := range kinds {
		for _, s := range l.tables[of].slots {
			if s.empty > now && of != ofNameRecent {
				t.Errorf("%s has %v left of people who all signed in", names[of], s.empty-now)
			}
		}
	}
}

// A user who signs in takes back their own mistakes, and not those of others from there.
func TestSuccessTakesBackOnlyItsOwn(t *testing.T) {
	l, _ := newLimiter(t, testConfig)
	fail(t, l, 90, func(i int) Who { return from("192.0.2.1", fmt.Sprint("victim", i)) })
	mallory := from("192.0.2.1", "mallory")
	for range 20 {
		fail(t, l, 3, always(mallory))
		try, err := l.Try(t.Context(), mallory)
		if err != nil {
			t.Fatal(err)
		}
		try.Succeeded()
	}
	if through, _ := guesses(t, l, 50, func(i int) Who { return from("192.0.2.1", fmt.Sprint("other", i)) }); through != 10 {
		t.Errorf("%d more get through, of 100", through)
	}
	if through, _ := guesses(t, l, 50, always(from("192.0.2.2", "mallory"))); through != 10 {
		t.Errorf("%d of mallory from elsewhere", through)
	}
}

func TestUnjudgedIsNotCounted(t *testing.T) {
	l, _ := newLimiter(t, testConfig)
	for range 90 { // 100 in a day would count more
		try, err := l.Try(t.Context(), from("192.0.2.1", "alice"))
		if err != nil {
			t.Fatal(err)
		}
		try.Unjudged()
		try.Failed() // too late
	}
	if err := l.Look(from("192.0.2.1", "alice")); err != nil {
		t.Error(err)
	}
}

func TestLookCountsNothing(t *testing.T) {
	l, _ := newLimiter(t, testConfig)
	alice := from("192.0.2.1", "alice")
	for range 50 {
		if err := l.Look(alice); err != nil {
			t.Fatal(err)
		}
	}
	fail(t, l, 10, always(alice))
	if err := l.Look(alice); err == nil {
		t.Error("not refused")
	}
}

// A15: starts cost little: twenty of them count as one failure, in separate buckets.
func TestA15StartsWithoutAnEnd(t *testing.T) {
	l, c := newLimiter(t, testConfig)
	who := from("192.0.2.1", "")
	n := 0
	var err error
	for ; err == nil && n < 5000; n++ {
		err = l.Start(who)
	}
	exceeded, ok := errors.AsType[*Exceeded](err)
	if n != 2001 || !ok || exceeded.Limit != "starts_of_address" {
		t.Fatalf("start %d: %v", n, err)
	}
	if err := guess(t, l, from("192.0.2.1", "alice")); err != nil {
		t.Errorf("a password in a login that has begun: %v", err)
	}
	if err := l.Start(from("192.0.2.2", "")); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	l.Finished(who)
	if err := l.Start(who); err != nil {
		t.Errorf("after one has come to its end: %v", err)
	}
	c.advance(exceeded.Wait)
	if err := l.Start(who); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

// When all clients together fail too often, a failure counts as ten: an address that fails
// gets a tenth of the tries, and one that does not fail is not refused.
func TestCrowdMakesStrict(t *testing.T) {
	l, _ := newLimiter(t, testConfig)
	through, _ := guesses(t, l, 1000, func(i int) Who { return from(fmt.Sprintf("10.0.%d.1", i%250), fmt.Sprint("user", i)) })
	if through != 1000 {
		t.Fatalf("%d got through", through)
	}
	if through, _ := guesses(t, l, 100, func(i int) Who { return from("192.0.2.1", fmt.Sprint("name", i)) }); through != 10 {
		t.Errorf("%d from one address", through)
	}
	if through, _ := guesses(t, l, 100, always(from("192.0.2.2", "bob"))); through != 1 {
		t.Errorf("%d of one name", through)
	}
	for i := range 500 {
		who := from("192.0.2.3", fmt.Sprint("good", i))
		try, err := l.Try(t.Context(), who)
		if err != nil || l.Start(who) != nil {
			t.Fatalf("person %d, who makes no mistake: %v", i, err)
		}
		try.Succeeded()
		l.Finished(who)
	}
}

// Failures of others, under the same name, from the same address, or from everywhere, do
// not block a user who has signed in before in that browser.
func TestKnownBrowserGetsThrough(t *testing.T) {
	l, c := newLimiter(t, testConfig)
	alice := from("192.0.2.1", "alice")
	alice.Device = l.Device(alice)
	fail(t, l, 10_200, func(i int) Who { return from(fmt.Sprintf("10.%d.%d.1", i/250, i%250), fmt.Sprint("user", i)) })
	fail(t, l, 2000, func(i int) Who { return from("192.0.2.1", fmt.Sprint("user", i)) })
	fail(t, l, 2000, func(i int) Who { return from(fmt.Sprintf("10.9.%d.1", i%250), "alice") })
	if err := guess(t, l, from("192.0.2.9", "nobody")); err == nil {
		t.Fatal("the flood does not fill the limit")
	}
	if err := l.Start(alice); err != nil {
		t.Errorf("start: %v", err)
	}
	if through, refusal := guesses(t, l, 50, always(alice)); through != 10 || refusal == nil {
		t.Errorf("%d tries in the known browser", through)
	}
	c.advance(time.Minute)
	try, err := l.Try(t.Context(), alice)
	if err != nil {
		t.Fatalf("a minute later: %v", err)
	}
	try.Succeeded()
	if through, _ := guesses(t, l, 50, always(alice)); through != 10 {
		t.Errorf("%d tries after a success", through)
	}
	elsewhere := alice
	elsewhere.Address = netip.MustParseAddr("198.51.100.1")
	c.advance(time.Minute)
	if err := l.Look(elsewhere); err != nil {
		t.Errorf("the browser is known wherever it is: %v", err)
	}
}

// The value that a browser keeps is valid for the name that signed in there, and for
// nothing else.
func TestDevices(t *testing.T) {
	l, c := newLimiter(t, testConfig)
	other, err := New(Config{Secret: []byte("another secret of 32 bytes and so")}, c.now)
	if err != nil {
		t.Fatal(err)
	}
	alice := from("192.0.2.1", "alice")
	device := l.Device(alice)
	if strings.Trim(device, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" || device == l.Device(alice) {
		t.Errorf("device %q", device)
	}
	with := func(change func(*Who)) Who {
		who := alice
		who.Device = device
		change(&who)
		return who
	}
	for name, tc := range map[string]struct {
		who   Who
		known bool
		after time.Duration
	}{
		"as it is":                 {with(func(*Who) {}), true, 0},
		"the name spelt otherwise": {with(func(w *Who) { w.Name = " ALICE" }), true, 0},
		"no name asked for yet":    {with(func(w *Who) { w.Name = "" }), true, 0},
		"another address":          {with(func(w *Who) { w.Address = netip.MustParseAddr("2001:db8::1") }), true, 0},
		"another name":             {with(func(w *Who) { w.Name = "bob" }), false, 0},
		"another provider":         {with(func(w *Who) { w.Provider = "dir2" }), false, 0},
		"nothing":                  {with(func(w *Who) { w.Device = "" }), false, 0},
		"cut":                      {with(func(w *Who) { w.Device = device[1:] }), false, 0},
		"longer":                   {with(func(w *Who) { w.Device = device + "AAAA" }), false, 0},
		"very long":                {with(func(w *Who) { w.Device = strings.Repeat("A", 100_000) }), false, 0},
		"altered":                  {with(func(w *Who) { w.Device = "A" + device[1:] }), device[0] == 'A', 0},
		"under another SECRET":     {with(func(w *Who) { w.Device = other.Device(alice) }), false, 0},
		"of 90 days ago":           {with(func(*Who) {}), true, 90 * day},
		"of 91 days ago":           {with(func(*Who) {}), false, 91 * day},
		"of tomorrow":              {with(func(*Who) {}), true, -day},
		"of the day after":         {with(func(*Who) {}), false, -2 * day},
	} {
		t.Run(name, func(t *testing.T) {
			c.advance(tc.after)
			defer c.advance(-tc.after)
			if _, known := l.knownDevice(tc.who); known != tc.known {
				t.Errorf("known: %v, want %v", known, tc.known)
			}
		})
	}
}

// Clients that fail once each, from any number of addresses, do not replace a bucket that
// is about to refuse.
func TestFloodOfAddressesForgetsNobody(t *testing.T) {
	config := testConfig
	config.All = Rate{} // which alone would end the flood long before
	l, _ := newLimiter(t, config)
	alice := from("192.0.2.1", "alice")
	fail(t, l, 10, always(alice))
	for i := range 60_000 { // almost twice as many as there is room for
		a := [16]byte{0x20, 1, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
		who := Who{Address: netip.AddrFrom16(a), Provider: "dir", Name: fmt.Sprint("user", i)}
		if err := guess(t, l, who); err != nil {
			t.Fatal(err)
		}
	}
	if err := guess(t, l, alice); err == nil {
		t.Error("forgotten")
	}
}

func TestNoLimits(t *testing.T) {
	var l *Limiter
	who := from("192.0.2.1", "alice")
	if err := errors.Join(l.Start(who), l.Look(who)); err != nil || l.Device(who) != "" {
		t.Error(err)
	}
	l.Finished(who)
	try, err := l.Try(t.Context(), who)
	if err != nil {
		t.Error(err)
	}
	try.Failed()
	try.Succeeded()
	try.Unjudged()
}

// A user who fails under their own name for days, at the rate at which failures run out,
// and then signs in, takes back the failures that still count, and not those that have run
// out: otherwise they could use them to guess at others' passwords.
func TestWhatIsForgottenIsNotTakenBack(t *testing.T) {
	l, c := newLimiter(t, testConfig)
	mallory := from("192.0.2.1", "mallory")
	for range 90 { // 100 in a day would count more
		fail(t, l, 1, always(mallory))
		c.advance(55 * time.Second)
	}
	guessed, refusal := guesses(t, l, 200, func(i int) Who { return from("192.0.2.1", fmt.Sprint("user", i)) })
	if refusal == nil || guessed > 100 {
		t.Fatalf("%d got through, then %+v", guessed, refusal)
	}
	l.tables[ofAddress].add(l.hasher.bucket(ofAddress, network(mallory.Address, 64)).key, l.sinceBegan(), -l.tables[ofAddress].rate.span(1), 0)
	try, err := l.Try(t.Context(), mallory)
	if err != nil {
		t.Fatal(err)
	}
	try.Succeeded()
	if more, _ := guesses(t, l, 200, func(i int) Who { return from("192.0.2.1", fmt.Sprint("more", i)) }); more > 11 {
		t.Errorf("%d more got through after a sign-in", more)
	}
}

// Where no name was entered, the code that is guessed in a known browser could be anyone's,
// and anyone who has an account can have as many known browsers as they like.
func TestKnownBrowserWithoutAName(t *testing.T) {
	l, _ := newLimiter(t, testConfig)
	guesser := from("192.0.2.1", "")
	through, refusal := guesses(t, l, 500, func(i int) Who {
		who := guesser
		who.Device = l.Device(from("192.0.2.1", "mallory"[:i%2*7]))
		return who
	})
	if through != 100 || refusal == nil || refusal.Limit != "address" {
		t.Errorf("%d got through, then %+v", through, refusal)
	}
	guesser.Device = l.Device(guesser)
	if err := l.Start(guesser); err != nil {
		t.Errorf("a start: %v", err)
	}
}
