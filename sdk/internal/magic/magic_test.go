package main

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

// seed is the one of RFC 6238 appendix B for SHA-256, in base32.
const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA"

var about = plugin.Description{Mechanism: "magic", Version: "1.0.0"}

// at is a time of the test vectors: the codes are their last six digits.
var at = time.Unix(1111111109, 0)

const code = "084774"

func openMagic(t *testing.T, now time.Time) *plugin.Provider {
	return plugintest.Open(t, about, open, map[string]any{"seeds__alice": seed}, func() time.Time { return now })
}

func answers(name, code string) map[string]string {
	return map[string]string{"name": name, "code": code}
}

func TestCodeOf(t *testing.T) {
	for second, want := range map[int64]string{59: "119246", 1111111109: code, 2000000000: "698825"} {
		if got := codeOf([]byte("12345678901234567890123456789012"), second/30); got != want {
			t.Errorf("code at %d: got %s, want %s", second, got, want)
		}
	}
}

func TestSignsIn(t *testing.T) {
	p := openMagic(t, at)
	step, err := p.Begin(t.Context(), sdk.BeginRequest{State: "s"})
	if err != nil {
		t.Fatal(err)
	}
	prompt := step.(sdk.Prompt)
	got, err := p.Continue(t.Context(), sdk.ContinueRequest{State: "s", Memory: prompt.Memory, Answers: answers(" Alice ", code)})
	if err != nil {
		t.Fatal(err)
	}
	want := sdk.Authenticated{Identity: sdk.Identity{
		Subject: "alice", Username: "alice", AuthTime: at, AMR: []string{"otp"},
		OnceID: "alice 37037036", OnceUntil: time.Unix(37037038*30, 0),
	}}
	if diff := cmp.Diff(sdk.Step(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefuses(t *testing.T) {
	for _, test := range []struct {
		name    string
		now     time.Time
		memory  []byte
		answers map[string]string
		kind    error // nil: asks again
	}{
		{"wrong code", at, []byte{0}, answers("alice", "000000"), nil},
		{"unknown user", at, []byte{0}, answers("bob", code), nil},
		{"code of an unknown user with an empty key", at, []byte{0}, answers("bob", codeOf(nil, at.Unix()/30)), nil},
		{"old code", at.Add(time.Minute), []byte{0}, answers("alice", code), nil},
		{"third wrong code", at, []byte{2}, answers("alice", "000000"), sdk.ErrDenied},
		{"no memory", at, nil, answers("alice", code), sdk.ErrInvalidResponse},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := openMagic(t, test.now).Continue(t.Context(), sdk.ContinueRequest{Memory: test.memory, Answers: test.answers})
			if !errors.Is(err, test.kind) {
				t.Fatalf("got %v, want %v", err, test.kind)
			}
			if test.kind == nil && got.(sdk.Prompt).Reason != sdk.ReasonCodeWrong {
				t.Errorf("got %+v, want to be asked again", got)
			}
		})
	}
}

func TestOpenNamesTheUserAndHidesTheSeed(t *testing.T) {
	client := plugintest.Serve(t, about, open, nil)
	_, err := client.Open(t.Context(), plugintest.Request(map[string]any{"seeds": map[string]any{"alice": "hunter2"}}))
	problems, _ := errors.AsType[options.Problems](err)
	want := options.Problems{{Option: "seeds", Text: `the TOTP seed of "alice" must be base32 of at least 20 bytes`}}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
