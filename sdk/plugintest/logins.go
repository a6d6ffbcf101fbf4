package plugintest

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/plugin"
)

// nonsense contains responses that no provider would send.
var nonsense = map[string]sdk.InboundRequest{
	"nothing":         {Method: "GET"},
	"a code alone":    {Method: "GET", Query: url.Values{"code": {"x"}}, RawQuery: "code=x"},
	"a state alone":   {Method: "GET", Query: url.Values{"state": {testState}}, RawQuery: "state=" + testState},
	"twice the same":  {Method: "GET", Query: url.Values{"code": {"x", "y"}, "state": {testState, testState}}},
	"another method":  {Method: "PUT"},
	"a large message": {Method: "POST", Form: url.Values{"SAMLResponse": {strings.Repeat("A", 200<<10)}, "RelayState": {testState}}},
	"odd characters":  {Method: "GET", Query: url.Values{"code": {"\x00\r\n\u202e"}, "state": {testState}}},
}

// oddAnswers are inputs of somebody who does not know the password.
var oddAnswers = []string{"", "\x00", "*)(uid=*", strings.Repeat("A", 200<<10), "\r\n\u202e"}

func (c *conformance) refusesNonsense(t *testing.T) {
	p := c.open(t)
	step := c.begin(t, p)
	for _, memory := range [][]byte{contract.MemoryOf(step), nil, []byte("garbage"), []byte(`{"v":`)} {
		for name, req := range nonsensicalRequests(step) {
			req.State, req.Memory = testState, memory
			req.Unsolicited = memory == nil && req.Answers == nil
			got, err := p.Continue(t.Context(), req)
			if !isRefusal(err) && !asksAgain(req, got, err) {
				t.Errorf("%s with memory %.40q: got %T, %v; want a refusal", name, memory, got, err)
			}
		}
	}
}

// asksAgain reports whether the answers to a prompt led to another prompt.
func asksAgain(req sdk.ContinueRequest, step sdk.Step, err error) bool {
	prompt, ok := step.(sdk.Prompt)
	return ok && err == nil && req.Answers != nil && contract.CheckBegin(prompt) == nil
}

// nonsensicalRequests returns nonsense that can come back for a step of that kind.
func nonsensicalRequests(step sdk.Step) map[string]sdk.ContinueRequest {
	requests := map[string]sdk.ContinueRequest{}
	prompt, ok := step.(sdk.Prompt)
	if !ok {
		for name, response := range nonsense {
			requests[name] = sdk.ContinueRequest{Response: response}
		}
		return requests
	}
	requests["no answers"] = sdk.ContinueRequest{Answers: map[string]string{}}
	for _, odd := range oddAnswers {
		answers := map[string]string{}
		for _, f := range prompt.Fields {
			answers[f.Name] = odd
		}
		requests[fmt.Sprintf("the answers %.20q", odd)] = sdk.ContinueRequest{Answers: answers}
	}
	return requests
}

func isRefusal(err error) bool {
	return errors.Is(err, sdk.ErrDenied) || errors.Is(err, sdk.ErrInvalidResponse) || errors.Is(err, sdk.ErrUnavailable)
}

// continuesElsewhere checks that a login survives a restart: everything that Continue
// needs must be in the memory.
func (c *conformance) continuesElsewhere(t *testing.T) {
	client, _ := c.start(t)
	here, there := c.open(t), c.openIn(t, client)
	if c.suite.SignIn == nil {
		c.sameRefusal(t, here, there)
		return
	}
	identity := c.signIn(t, here, there)
	tidied, warnings := contract.Tidy(identity)
	for _, warning := range warnings {
		t.Logf("the host would tidy the identity: %s", warning)
	}
	if err := contract.CheckIdentity(tidied, time.Now()); err != nil {
		t.Error(err)
	}
}

// signIn begins in one process and continues in the others, in turns.
func (c *conformance) signIn(t *testing.T, processes ...*plugin.Provider) sdk.Identity {
	t.Helper()
	const maxSteps = 6
	step := c.begin(t, processes[0])
	for i := 1; i <= maxSteps; i++ {
		if err := errors.Join(contract.CheckBegin(step), contract.CarriesState(step, testState)); err != nil {
			t.Fatal(err)
		}
		came := c.suite.SignIn(t, step)
		next, err := processes[i%len(processes)].Continue(t.Context(), sdk.ContinueRequest{
			State: testState, Memory: contract.MemoryOf(step), Response: came.Response, Answers: came.Answers,
		})
		if err != nil {
			t.Fatalf("continuing after a %T in another process: %v", step, err)
		}
		if done, ok := next.(sdk.Authenticated); ok {
			return done.Identity
		}
		step = next
	}
	t.Fatalf("not signed in after %d steps", maxSteps)
	return sdk.Identity{}
}

// sameRefusal compares both processes if the suite cannot sign in.
func (c *conformance) sameRefusal(t *testing.T, here, there *plugin.Provider) {
	t.Helper()
	step := c.begin(t, here)
	denied := url.Values{"error": {"access_denied"}, "state": {testState}}
	req := sdk.ContinueRequest{
		State: testState, Memory: contract.MemoryOf(step),
		Response: sdk.InboundRequest{Method: "GET", Query: denied, RawQuery: denied.Encode()},
	}
	if prompt, ok := step.(sdk.Prompt); ok {
		req.Response, req.Answers = sdk.InboundRequest{}, map[string]string{}
		for _, f := range prompt.Fields {
			req.Answers[f.Name] = "nobody"
		}
	}
	stepHere, errHere := here.Continue(t.Context(), req)
	stepThere, errThere := there.Continue(t.Context(), req)
	if outcome(stepHere, errHere) != outcome(stepThere, errThere) {
		t.Errorf("the process that began the login returned %T, %v; another process returned %T, %v", stepHere, errHere, stepThere, errThere)
	}
	if _, ok := stepHere.(sdk.Authenticated); ok {
		t.Error("signed in without any credentials")
	}
}

// outcome returns what must be the same for the same request. The text of a refusal is
// left out, because it may contain a time or a port.
func outcome(step sdk.Step, err error) string {
	for _, kind := range []error{sdk.ErrDenied, sdk.ErrInvalidResponse, sdk.ErrUnavailable, sdk.ErrMisconfigured} {
		if errors.Is(err, kind) {
			return fmt.Sprintf("%v (%s)", kind, sdk.ReasonOf(err))
		}
	}
	return fmt.Sprintf("%T, %v", step, err)
}
