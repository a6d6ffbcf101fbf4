package sso_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

var credentials = sdk.Prompt{
	Fields: []sdk.PromptField{{Name: "identifier", Kind: sdk.FieldUsername}, {Name: "password", Kind: sdk.FieldPassword}},
	Memory: []byte("first"),
}

func TestPrompt(t *testing.T) {
	h := newHouse(t)
	h.idp.beginWith(credentials, nil)
	again := credentials
	again.Reason, again.Memory = sdk.ReasonBadCredentials, []byte("second")
	h.idp.answer(func(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
		if req.Answers["password"] == "right" {
			return sdk.Authenticated{Identity: alice()}, nil
		}
		return again, nil
	})
	answers := func(p sso.Pending, form url.Values) sso.Answer {
		return sso.Answer{Provider: "p", State: p.Attempt.State, Sealed: p.Sealed, Response: sdk.InboundRequest{Method: "POST", Form: form, Query: url.Values{"q": {"1"}}}}
	}
	first := h.begin(sso.Start{Redirect: "/after"})
	wrong := url.Values{"identifier": {"alice"}, "password": {"wrong"}, "state": {"s"}, "role": {"admin"}, "groups": {"a", "b"}}
	out, err := h.Continue(t.Context(), answers(first, wrong))
	if err != nil || out.Pending == nil || out.SignedIn != nil {
		t.Fatalf("a wrong password: %+v, %v", out, err)
	}
	second := *out.Pending
	if diff := cmp.Diff(sdk.Step(again), second.Step); diff != "" {
		t.Errorf("second prompt (-want +got):\n%s", diff)
	}
	if second.Attempt.State != first.Attempt.State || second.Attempt.Step == first.Attempt.Step ||
		!second.Attempt.ExpiresAt.Equal(first.Attempt.ExpiresAt) || second.Attempt.Redirect != "/after" {
		t.Errorf("second attempt %+v after %+v", second.Attempt, first.Attempt)
	}
	right := url.Values{"identifier": {"alice"}, "password": {"right"}}
	_, err = h.Continue(t.Context(), answers(first, right))
	wantErr(t, "answering the first prompt again", err, sso.ErrAttemptInvalid)
	if out, err = h.Continue(t.Context(), answers(second, right)); err != nil || out.SignedIn == nil {
		t.Errorf("the right password: %+v, %v", out, err)
	}
	want := []sdk.ContinueRequest{
		{State: first.Attempt.State, Memory: []byte("first"), Answers: map[string]string{"identifier": "alice", "password": "wrong"}, CallbackURL: callbackURL},
		{State: first.Attempt.State, Memory: []byte("second"), Answers: map[string]string{"identifier": "alice", "password": "right"}, CallbackURL: callbackURL},
	}
	if diff := cmp.Diff(want, h.idp.calls()); diff != "" {
		t.Errorf("requests to the mechanism (-want +got):\n%s", diff)
	}
}

// J01: each field is answered once and is not empty, otherwise the mechanism is not
// called. The user may try again: nothing was spent.
func TestJ01_AnswersThatAreMissing(t *testing.T) {
	fields := []sdk.PromptField{
		{Name: "identifier", Kind: sdk.FieldUsername}, {Name: "password", Kind: sdk.FieldPassword},
		{Name: "realm", Kind: sdk.FieldText, Optional: true},
	}
	for name, form := range map[string]url.Values{
		"nothing":              nil,
		"missing":              {"identifier": {"alice"}},
		"empty":                {"identifier": {"alice"}, "password": {""}},
		"given twice":          {"identifier": {"alice", "bob"}, "password": {"x"}},
		"empty and again":      {"identifier": {"alice"}, "password": {"", "x"}},
		"optional given twice": {"identifier": {"alice"}, "password": {"x"}, "realm": {"a", "b"}},
		"under another name":   {"identifier": {"alice"}, "Password": {"x"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.idp.beginWith(sdk.Prompt{Fields: fields}, nil)
			h.idp.vouchFor(alice())
			answer := answerTo(h.begin(sso.Start{}))
			answer.Response = sdk.InboundRequest{Method: "POST", Form: form}
			out, err := h.Continue(t.Context(), answer)
			wantErr(t, "the answer", err, sso.ErrAnswerMissing)
			if out.Spent || len(h.idp.calls()) > 0 {
				t.Errorf("spent: %v, calls: %v", out.Spent, h.idp.calls())
			}
			answer.Response.Form = url.Values{"identifier": {"alice"}, "password": {"x"}}
			if out, err := h.Continue(t.Context(), answer); err != nil || out.SignedIn == nil {
				t.Errorf("answered again, in full: %+v, %v", out, err)
			}
		})
	}
}

func TestOptionalAnswerMayBeAbsent(t *testing.T) {
	for name, form := range map[string]url.Values{"absent": {"code": {"1"}}, "empty": {"code": {"1"}, "realm": {""}}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.idp.beginWith(sdk.Prompt{Fields: []sdk.PromptField{
				{Name: "code", Kind: sdk.FieldText}, {Name: "realm", Kind: sdk.FieldText, Optional: true},
			}}, nil)
			h.idp.vouchFor(alice())
			answer := answerTo(h.begin(sso.Start{}))
			answer.Response = sdk.InboundRequest{Method: "POST", Form: form}
			if _, err := h.Continue(t.Context(), answer); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]string{"code": "1"}, h.idp.calls()[0].Answers); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
		})
	}
}

// Several steps one after the other, as for an expired password: each has its own fields.
func TestConversation(t *testing.T) {
	h := newHouse(t)
	h.idp.beginWith(credentials, nil)
	steps := []sdk.Step{
		sdk.Prompt{Reason: sdk.ReasonPasswordExpired, Fields: []sdk.PromptField{{Name: "new", Kind: sdk.FieldNewPassword}}},
		sdk.Redirect{URL: "https://idp.test/terms"},
		sdk.FormPost{URL: "https://idp.test/post", Fields: []sdk.FormField{{Name: "a", Value: "b"}}},
		sdk.Authenticated{Identity: alice()},
	}
	h.idp.answer(func(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
		step := steps[0]
		steps = steps[1:]
		return step, nil
	})
	pending := h.begin(sso.Start{})
	for _, fields := range [][]string{{"new"}, nil, nil} {
		answer := answerTo(pending)
		answer.Response.Form = url.Values{}
		for _, field := range pending.Attempt.Fields {
			answer.Response.Form.Set(field, "x")
		}
		out, err := h.Continue(t.Context(), answer)
		if err != nil {
			t.Fatal(err)
		}
		pending = *out.Pending
		if diff := cmp.Diff(fields, pending.Attempt.Fields); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
	}
	if out, err := h.Continue(t.Context(), answerTo(pending)); err != nil || out.SignedIn == nil {
		t.Errorf("the end: %+v, %v", out, err)
	}
}
