package sso

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

// completeTimeout is the time limit for writing a session.
const completeTimeout = 10 * time.Second

// Start is the input of Begin.
type Start struct {
	Provider      string
	Mode          Mode   // empty: the provider's
	Redirect      string // where to go afterwards, checked by the caller
	RedirectAsked bool   // whether the client named Redirect
	LoginHint     string
	Consent       bool

	// PublicURL is the public URL of the host where the login starts and comes back to;
	// empty: the one in Config.
	PublicURL string

	// Invitation is the one that the user has accepted on the host's page; empty: none.
	Invitation InvitationToken

	// LinkTo is the ID of the current session, if its user wants to link an identity
	// rather than sign in.
	LinkTo string
}

// Pending is a login that continues in the browser, with Step.
type Pending struct {
	Step    sdk.Step // Redirect, FormPost or Prompt; checked
	Attempt Attempt
	Sealed  string // the attempt for the browser to keep
}

// Begin starts a login. It writes nothing.
//
// Errors: ErrUnknownProvider, ErrInvitation, ErrBusy, ErrOnePublicURL,
// ErrAttemptTooLarge, ErrPluginFault, ErrLinkingOff, and any error of the mechanism.
func (s *Service) Begin(ctx context.Context, start Start) (Pending, error) {
	p, err := s.Provider(start.Provider)
	if err != nil {
		return Pending{}, err
	}
	if start.LinkTo != "" && !s.config.AccountLinking {
		return Pending{}, ErrLinkingOff
	}
	attempt := Attempt{
		State: newState(), Provider: p.Name, Mode: start.Mode, Redirect: start.Redirect,
		RedirectAsked: start.RedirectAsked, ExpiresAt: s.config.Now().Add(p.LoginTimeout),
		CallbackURL: s.urlsOf(start.PublicURL, p.Name).Callback, LinkTo: start.LinkTo,
	}
	if attempt.Mode == "" {
		attempt.Mode = p.Mode
	}
	if attempt.Invitation, err = s.invitation(ctx, start.Invitation); err != nil {
		return Pending{}, err
	}
	step, err := s.beginAt(ctx, p, sdk.BeginRequest{
		State: attempt.State, LoginHint: start.LoginHint, Consent: start.Consent,
		CallbackURL: attempt.CallbackURL, ReturnURL: returnURL(attempt.CallbackURL, attempt.State),
	})
	if err != nil {
		return Pending{}, fmt.Errorf("beginning a login through %s: %w", p.Name, err)
	}
	if err := contractError(contract.CheckBegin(step)); err != nil {
		return Pending{}, err
	}
	return s.pending(attempt, step)
}

func (s *Service) beginAt(ctx context.Context, p Provider, req sdk.BeginRequest) (sdk.Step, error) {
	m, done, err := s.acquireMechanism(ctx, p.Name, LineLogins)
	if err != nil {
		return nil, err
	}
	defer done()
	if req.CallbackURL != s.urlsOf("", p.Name).Callback && isDescribed(m) {
		return nil, ErrOnePublicURL
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout(sdk.CallBegin))
	defer cancel()
	return m.Begin(ctx, req)
}

// pending seals the attempt that waits for the outcome of a checked step.
func (s *Service) pending(attempt Attempt, step sdk.Step) (Pending, error) {
	attempt.Step, attempt.Memory = newStep(), contract.MemoryOf(step)
	attempt.Fields, attempt.Optional, attempt.LoginField = nil, nil, ""
	if prompt, ok := step.(sdk.Prompt); ok {
		attempt.LoginField = LoginField(prompt.Fields)
		if attempt.LoginField != "" {
			attempt.LoginName = ""
		}
		for _, f := range prompt.Fields {
			attempt.Fields = append(attempt.Fields, f.Name)
			if f.Optional {
				attempt.Optional = append(attempt.Optional, f.Name)
			}
		}
	}
	sealed, err := s.sealer.seal(attempt)
	if err != nil {
		return Pending{}, err
	}
	return Pending{Step: step, Attempt: attempt, Sealed: sealed}, nil
}

// Answer is what came back for a pending login.
type Answer struct {
	Provider string
	State    string // as the request names it
	Sealed   string // as the browser kept it

	// PublicURL is the public URL of the host where the answer arrived; empty: the one in
	// Config.
	PublicURL string

	// Response is the request with which the browser came back from the provider. If a
	// prompt is answered, only Form is used.
	Response sdk.InboundRequest

	// Client describes the browser or client, for the session.
	Client Client

	// Replaces are the session tokens that the browser had: a login ends those sessions
	// (A01, A02). To link an identity, the browser must have its session.
	Replaces []Token

	// MayLink: the attempt is allowed to be one that links.
	MayLink bool
}

// Client describes the client that signs in, as far as the host can see.
type Client struct{ IP, UserAgent string }

// Outcome is what an answer led to: a further step, a session, or a link.
type Outcome struct {
	Attempt  Attempt // the attempt that was answered; zero if it could not be opened
	Spent    bool    // this answer was the one; else the same answer may be given again
	Pending  *Pending
	SignedIn *SignedIn
	Linked   bool // the identity was linked to the user of the session of the attempt

	// Over replaces the attempt in the browser, once the login is completed or refused:
	// with it, Continue returns ErrAttemptOver, and Ended returns where the login led. It
	// is empty if the login is not finished, or if there is no room for it.
	Over string
}

// Continue continues a login. Each sealed attempt is continued at most once. The outcome
// contains the attempt even with an error, once it was opened. After ErrBusy the attempt
// is not spent, and the same answer can be repeated.
//
// Errors: ErrUnknownProvider, ErrBusy, ErrAttemptInvalid with its kinds,
// ErrAnswerMissing, ErrAnswerTooLong, ErrNotRegistered, ErrUserInactive, ErrSpent,
// ErrPluginFault, and any error of the mechanism or the store; for an attempt to link
// also ErrLinkingOff, ErrOtherSession, ErrLinkTaken and ErrTooManyLinks.
func (s *Service) Continue(ctx context.Context, answer Answer) (Outcome, error) {
	p, err := s.Provider(answer.Provider)
	if err != nil {
		return Outcome{}, err
	}
	now := s.config.Now()
	attempt, err := s.sealer.open(answer.Sealed, p.Name, answer.State, now)
	if err != nil {
		return Outcome{}, err
	}
	if err := s.atItsURL(attempt, answer.PublicURL); err != nil {
		return Outcome{}, err
	}
	out := Outcome{Attempt: attempt}
	if attempt.LinkTo != "" {
		if _, err := s.checkLinker(ctx, attempt, answer); err != nil {
			return out, err
		}
	}
	req, err := continueRequest(attempt, answer.Response)
	if err != nil {
		return out, err
	}
	attempt.LoginName = attempt.loginName(answer.Response.Form)
	out.Pending, out.SignedIn, err = s.continueWith(ctx, p, attempt, req, answer, func() error {
		// Only now: while the call waits for its turn or for the plugin, the code is
		// still valid, and reloading the page helps.
		if out.Spent = s.spent.spend(attempt.Step, now); !out.Spent {
			return ErrAttemptOver
		}
		return nil
	})
	out.Linked = err == nil && out.Pending == nil && out.SignedIn == nil
	if out.Spent && out.Pending == nil && !errors.Is(err, ErrSpent) { // otherwise the browser has it already
		out.Over = s.sealFinished(attempt, out.SignedIn)
	}
	return out, err
}

// continueWith calls the mechanism, and returns the next step, the session, or neither if
// it has linked an identity. It runs first right before the call.
func (s *Service) continueWith(
	ctx context.Context, p Provider, attempt Attempt, req sdk.ContinueRequest, answer Answer, first func() error,
) (*Pending, *SignedIn, error) {
	step, err := s.callContinue(ctx, p, req, first)
	if err != nil {
		return nil, nil, fmt.Errorf("continuing a login through %s: %w", p.Name, err)
	}
	if done, ok := step.(sdk.Authenticated); ok {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), completeTimeout)
		defer cancel()
		if attempt.LinkTo != "" {
			return nil, nil, s.link(ctx, p, attempt, done.Identity, answer, s.config.Now())
		}
		signedIn, err := s.complete(ctx, p, attempt, done.Identity, answer)
		return nil, signedIn, err
	}
	if err := contractError(contract.CheckContinue(step, s.config.Now())); err != nil {
		return nil, nil, err
	}
	pending, err := s.pending(attempt, step)
	if err != nil {
		return nil, nil, err
	}
	return &pending, nil, nil
}

// callContinue waits for the turn of a call, runs first, and makes the call. A browser
// that goes away gives up its turn. Once made, the call is not cancelled in the middle of
// a code exchange: the code would be lost, and the user would have to start again.
func (s *Service) callContinue(ctx context.Context, p Provider, req sdk.ContinueRequest, first func() error) (sdk.Step, error) {
	m, done, err := s.acquireMechanism(ctx, p.Name, LineLogins)
	if err != nil {
		return nil, err
	}
	defer done()
	if err := first(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout(sdk.CallContinue))
	defer cancel()
	return m.Continue(ctx, req)
}

// continueRequest takes the requested values from an answer.
func continueRequest(attempt Attempt, response sdk.InboundRequest) (sdk.ContinueRequest, error) {
	req := sdk.ContinueRequest{State: attempt.State, Memory: attempt.Memory, CallbackURL: attempt.CallbackURL}
	if len(attempt.Fields) == 0 {
		req.Response = response
		return req, nil
	}
	req.Answers = map[string]string{}
	for _, name := range attempt.Fields {
		values := response.Form[name]
		if len(values) > 1 {
			return req, ErrAnswerMissing
		}
		answer := strings.Join(values, "")
		switch {
		case len(answer) > sdk.MaxAnswer:
			return req, ErrAnswerTooLong
		case answer != "":
			req.Answers[name] = answer
		case !slices.Contains(attempt.Optional, name):
			// With an empty password, some directories sign in anybody (RFC 4513 section
			// 5.1.2).
			return req, ErrAnswerMissing
		}
	}
	return req, nil
}
