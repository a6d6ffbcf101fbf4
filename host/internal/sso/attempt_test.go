package sso

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var testStart = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func testAttempt() Attempt {
	return Attempt{
		State: newState(), Step: newStep(), Provider: "p", Mode: ModeJSON, Redirect: "/after?a=b&c=é", RedirectAsked: true,
		ExpiresAt: testStart.Add(time.Minute), Fields: []string{"identifier", "password"}, LoginField: "identifier", Memory: []byte{0, 1, 0xff, '"'},
	}
}

func testSealer(t testing.TB, secret string) *sealer {
	t.Helper()
	s, err := newSealer([]byte(secret), nil, "attempt")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSeal(t testing.TB, s *sealer, a Attempt) string {
	t.Helper()
	sealed, err := s.seal(a)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealAndOpen(t *testing.T) {
	s := testSealer(t, "one secret")
	for name, alter := range map[string]func(*Attempt){
		"as it is":       func(*Attempt) {},
		"without memory": func(a *Attempt) { a.Memory = []byte{} },
		"without fields": func(a *Attempt) { a.Fields, a.LoginField = nil, "" },
		"with a name":    func(a *Attempt) { a.LoginField, a.LoginName = "", "ada" },
		"that links":     func(a *Attempt) { a.LinkTo = NewUUID() },
		"with an invitation": func(a *Attempt) {
			a.Invitation = Invitation{Hash: NewInvitationToken().Claim().Key, UserID: NewUUID()}
		},
		"with both":         func(a *Attempt) { a.LinkTo, a.Invitation = NewUUID(), Invitation{Hash: "h", UserID: "u"} },
		"with a long state": func(a *Attempt) { a.State = strings.Repeat("s", 255) },
	} {
		want := testAttempt()
		alter(&want)
		sealed := mustSeal(t, s, want)
		got, err := s.open(sealed, want.Provider, want.State, testStart)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: opened (-want +got):\n%s", name, diff)
		}
		if strings.Trim(sealed, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%s: not fit for a cookie: %q", name, sealed)
		}
		if again := mustSeal(t, s, want); again == sealed {
			t.Errorf("%s: sealed twice the same way, so without a random nonce", name)
		}
	}
}

func TestSealedAttemptShowsNothing(t *testing.T) {
	a := testAttempt()
	a.Memory, a.Redirect = []byte("the code verifier"), "https://app.example.org/private"
	raw, err := base64.RawURLEncoding.DecodeString(mustSeal(t, testSealer(t, "one secret"), a))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"verifier", "example", a.State, "password"} {
		if strings.Contains(string(raw), text) {
			t.Errorf("%q can be read", text)
		}
	}
}

func TestG13AlteredAttempts(t *testing.T) {
	s, a := testSealer(t, "one secret"), testAttempt()
	sealed := mustSeal(t, s, a)
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what, sealed, provider, state string, now time.Time) {
		t.Helper()
		if got, err := s.open(sealed, provider, state, now); err == nil {
			t.Errorf("%s is opened: %+v", what, got)
		} else if !strings.HasPrefix(err.Error(), ErrAttemptInvalid.Error()) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			refused("a flipped bit", base64.RawURLEncoding.EncodeToString(raw), a.Provider, a.State, testStart)
			raw[i] ^= 1 << bit
		}
		refused("cut short", base64.RawURLEncoding.EncodeToString(raw[:i]), a.Provider, a.State, testStart)
		refused("cut at the front", base64.RawURLEncoding.EncodeToString(raw[i+1:]), a.Provider, a.State, testStart)
	}
	for n := range 3 { // base64 of some lengths has bits to spare
		b := a
		b.Memory = make([]byte, n)
		lax := mustSeal(t, s, b)
		refused("a changed bit to spare", lax[:len(lax)-1]+string(base64Neighbour(lax[len(lax)-1])), b.Provider, b.State, testStart)
	}
	for what, other := range map[string]string{
		"nothing": "", "padding": sealed + "=", "a line break": sealed + "\n", "a space": " " + sealed,
		"standard base64": base64.RawStdEncoding.EncodeToString(raw) + "+/", "twice": sealed + sealed, "too long": strings.Repeat("A", MaxSealed+1),
	} {
		refused(what, other, a.Provider, a.State, testStart)
	}
	refused("another provider", sealed, "q", a.State, testStart)
	refused("another state", sealed, a.Provider, newState(), testStart)
	refused("no state", sealed, a.Provider, "", testStart)
	refused("a border moved", sealed, a.Provider+"\x00"+a.State[:1], a.State[1:], testStart)
	refused("expired", sealed, a.Provider, a.State, a.ExpiresAt)
	s = testSealer(t, "two secret")
	refused("another secret", sealed, a.Provider, a.State, testStart)
}

func base64Neighbour(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

// A later check would refuse each of these, too. The first possible one must: before
// anything is decrypted or trusted.
func TestG13ReasonsForRefusal(t *testing.T) {
	s, a := testSealer(t, "one secret"), testAttempt()
	sealed := mustSeal(t, s, a)
	for name, tc := range map[string]struct{ sealed, provider, state, reason string }{
		"another provider": {sealed, "q", a.State, "altered"},
		"another state":    {sealed, "p", newState(), "altered"},
		"too long":         {strings.Repeat("A", MaxSealed+1), "p", a.State, "too large"},
		"state too long":   {sealed, "p", strings.Repeat("s", 256), "too large"},
	} {
		if _, err := s.open(tc.sealed, tc.provider, tc.state, testStart); err == nil || !strings.Contains(err.Error(), tc.reason) {
			t.Errorf("%s: %v, want %q", name, err, tc.reason)
		}
	}
}

func TestAttemptWithoutExpiryIsExpired(t *testing.T) {
	s, a := testSealer(t, "one secret"), testAttempt()
	a.ExpiresAt = time.Time{}
	if _, err := s.open(mustSeal(t, s, a), a.Provider, a.State, testStart); err == nil {
		t.Error("opened")
	}
}

func TestSealRefusesWhatDoesNotFit(t *testing.T) {
	a := testAttempt()
	a.Redirect = strings.Repeat("x", MaxSealed)
	if sealed, err := testSealer(t, "one secret").seal(a); err != ErrAttemptTooLarge || sealed != "" {
		t.Errorf("sealed %d bytes, %v", len(sealed), err)
	}
}

func TestAttemptsThatMayNotGoOnSayWhereTheyBegan(t *testing.T) {
	s, a := testSealer(t, "one secret"), testAttempt()
	got, err := s.open(mustSeal(t, s, a), a.Provider, a.State, a.ExpiresAt.Add(time.Hour))
	if err != ErrAttemptExpired {
		t.Errorf("an expired attempt: %v", err)
	}
	if diff := cmp.Diff(a, got); diff != "" {
		t.Errorf("an expired attempt (-want +got):\n%s", diff)
	}
	over := a.ended("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	for _, now := range []time.Time{testStart, a.ExpiresAt.Add(time.Hour)} {
		got, err = s.open(mustSeal(t, s, over), a.Provider, a.State, now)
		if err != ErrAttemptOver || got.Session != over.Session || got.Redirect != a.Redirect || got.Mode != a.Mode || !got.RedirectAsked {
			t.Errorf("an attempt that is over: %+v, %v", got, err)
		}
		if len(got.Memory) > 0 || len(got.Fields) > 0 || got.Step != "" {
			t.Errorf("an attempt that is over could go on: %+v", got)
		}
	}
}

// A redirect of a few hundred bytes must not displace the logins of other tabs.
func TestSealedAttemptIsSmall(t *testing.T) {
	a := testAttempt()
	a.Redirect, a.Memory, a.Fields, a.LoginField = strings.Repeat("r", 100), make([]byte, 200), nil, ""
	if sealed := mustSeal(t, testSealer(t, "one secret"), a); len(sealed) > (100+200+28+26)*4/3+1 {
		t.Errorf("%d bytes", len(sealed))
	}
}

func TestDecodeAttempt(t *testing.T) {
	whole := encodeAttempt(testAttempt())
	for n := range whole {
		if a, err := decodeAttempt(whole[:n]); err == nil {
			t.Errorf("cut to %d bytes it is decoded: %+v", n, a)
		}
	}
	for name, plain := range map[string][]byte{
		"one byte more": append(slices.Clone(whole), 0), "an unknown flag": append([]byte{0x40}, whole[1:]...),
		"an invitation of nothing": append([]byte{0x20}, append(slices.Clone(whole[1:]), 0, 1, 'u')...), "one that ends before its invitation": append([]byte{0x20}, whole[1:]...),
		"a link to nothing": append([]byte{0x10}, append(slices.Clone(whole[1:]), 0)...), "one that ends before its link": append([]byte{0x10}, whole[1:]...),
		"a length beyond the end":                  {0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"a field that is neither optional nor not": {0, 0, 0, 0, 0, 0, 1, 1, 'a', 2}, "the JSON of an older version": []byte("\x00\x00{}"),
	} {
		if a, err := decodeAttempt(plain); err == nil {
			t.Errorf("%s is decoded: %+v", name, a)
		}
	}
}

// Hosts of several versions read what one of them sealed, so a flag never changes its
// meaning.
func TestFlagsOfAttemptsStay(t *testing.T) {
	short := []byte{0, 0, 0, 0, 0, 0, 0} // the moment, five texts and no field
	for _, c := range []struct {
		flags byte
		more  string
		want  Attempt
	}{
		{0b00_0010, "", Attempt{RedirectAsked: true}},
		{0b00_0101, "", Attempt{Over: true, Mode: ModeJSON}},
		{0b00_1100, "", Attempt{Mode: ModeSession}},
		{0b01_0000, "\x01s", Attempt{LinkTo: "s"}},
		{0b10_0000, "\x01h\x01u", Attempt{Invitation: Invitation{Hash: "h", UserID: "u"}}},
		{0b11_0000, "\x01s\x01h\x01u", Attempt{LinkTo: "s", Invitation: Invitation{Hash: "h", UserID: "u"}}},
	} {
		got, err := decodeAttempt(slices.Concat([]byte{c.flags}, short, []byte(c.more)))
		c.want.ExpiresAt, c.want.Memory = time.UnixMilli(0).UTC(), []byte{}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%06b: %v (-want +got):\n%s", c.flags, err, diff)
		}
	}
}

// The secret is different in each process of the fuzzer, so nothing but the attempt that
// was sealed here may open.
func FuzzOpenAttempt(f *testing.F) {
	s, a := testSealer(f, string(NewToken())), testAttempt()
	sealed := mustSeal(f, s, a)
	f.Add(sealed, 0, byte(1), "p", a.State)
	f.Add(sealed[:40], 16, byte(0x80), "q", "")
	f.Add("====", len(sealed)-1, byte(1), "p\x00", "\x00")
	f.Add("", 1, byte(0), "p", "s")
	f.Fuzz(func(t *testing.T, text string, at int, change byte, provider, state string) {
		altered := []byte(sealed)
		altered[uint(at)%uint(len(altered))] ^= change
		for _, try := range []struct{ sealed, provider, state string }{
			{text, provider, state}, {text, "p", a.State}, {string(altered), "p", a.State}, {sealed, provider, state},
		} {
			got, err := s.open(try.sealed, try.provider, try.state, testStart)
			if good := try.sealed == sealed && try.provider == "p" && try.state == a.State; good != (err == nil) {
				t.Errorf("opening %+v: %+v, %v", try, got, err)
			}
		}
	})
}

// Decrypted data comes from this program, but possibly from an older or newer version.
func FuzzDecodeAttempt(f *testing.F) {
	f.Add(encodeAttempt(testAttempt()))
	f.Add([]byte("\xff\xff"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		a, err := decodeAttempt(plain)
		if err != nil {
			return
		}
		again, err := decodeAttempt(encodeAttempt(a))
		if diff := cmp.Diff(a, again); err != nil || diff != "" {
			t.Errorf("encoded again: %v\n%s", err, diff)
		}
	})
}
