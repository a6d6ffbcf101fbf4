package sso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

// logoutLasts is how long the provider may take to send the browser back.
const logoutLasts = 10 * time.Minute

// Ended is an ended session, with what its provider needs to end its own.
type Ended struct {
	Session
	subject string
	grant   []byte
}

// Logout ends the session of a token, and returns it; the zero Ended if there was none,
// which is not an error. It does so even if the client goes away in the meantime.
func (s *Service) Logout(ctx context.Context, token Token) (Ended, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	stored, err := s.ports.Sessions.SessionToken(ctx, token.Hash())
	if errors.Is(err, ErrNotFound) {
		return Ended{}, nil
	}
	if err != nil {
		return Ended{}, fmt.Errorf("looking up the session: %w", err)
	}
	ended := Ended{Session: stored.Session}
	// If this fails, only the provider's session stays; the host's session ends in any
	// case.
	if at, err := s.ports.AtProviders.AtProvider(ctx, ended.ID); err == nil {
		ended.subject = at.Subject
		ended.grant, _ = s.grants.open(ended.ID, at.SealedGrant)
	}
	return ended, s.end(ctx, ended.ID, s.ending(ctx, ActorUser, ReasonLoggedOut))
}

// BeginLogout asks the provider of an ended session to end its own, too: the browser goes
// there with Step, comes back to ReceiveLogout, and from there to redirect. ok is false
// if there is nothing to do at the provider.
//
// PublicURL is the public URL of the host to come back to; empty: the one in Config.
//
// An error means that the provider cannot be asked; the host's session has ended anyway.
func (s *Service) BeginLogout(ctx context.Context, ended Ended, publicURL, redirect string) (pending Pending, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, capabilityTimeout(sdk.CapabilityBeginLogout))
	defer cancel()
	m, done, err := s.acquireMechanism(ctx, ended.Provider, LineSessions)
	if err != nil {
		return Pending{}, false, err
	}
	defer done()
	beginner, err := sdk.As[sdk.LogoutBeginner](m, sdk.CapabilityBeginLogout)
	if err != nil {
		return Pending{}, false, nil // there is nothing to do there
	}
	if s.at(publicURL) != s.config.PublicURL && isDescribed(m) {
		return Pending{}, false, ErrOnePublicURL
	}
	attempt := Attempt{
		State: newState(), Step: newStep(), Provider: ended.Provider, Redirect: redirect,
		ExpiresAt: s.config.Now().Add(logoutLasts),
	}
	step, err := beginner.BeginLogout(ctx, sdk.LogoutRequest{
		State: attempt.State, Subject: ended.subject, Grant: ended.grant,
		ReturnURL: returnURL(s.urlsOf(publicURL, ended.Provider).Logout, attempt.State),
	})
	if errors.Is(err, errors.ErrUnsupported) || err == nil && step == nil {
		return Pending{}, false, nil
	}
	if err != nil {
		return Pending{}, false, fmt.Errorf("beginning a logout at %s: %w", ended.Provider, err)
	}
	pending, err = s.pendingLogout(attempt, step)
	return pending, err == nil, err
}

func (s *Service) pendingLogout(attempt Attempt, step sdk.Step) (Pending, error) {
	if err := contractError(contract.CheckReply(step)); err != nil {
		return Pending{}, err
	}
	attempt.Memory = contract.MemoryOf(step)
	sealed, err := s.logouts.seal(attempt)
	return Pending{Step: step, Attempt: attempt, Sealed: sealed}, err
}

// LogoutMessage is a request to the host's logout URL, sent by a provider or through the
// browser.
type LogoutMessage struct {
	Provider string
	Request  sdk.InboundRequest

	// State and Sealed belong to a logout that the host began in this browser; empty if
	// there is none.
	State  string
	Sealed string
}

// LoggedOut is the result of a logout message.
type LoggedOut struct {
	Ended []Session // which the provider has had ended
	Reply sdk.Step  // checked; nil: none

	// Framed: the request came in a frame on a page of the provider, which expects only
	// an empty response that it may show there.
	Framed bool

	// Outcome and Redirect are the outcome of a logout that the host began, and where it
	// continues.
	Outcome  sdk.LogoutOutcome
	Redirect string
}

// ReceiveLogout acts on a logout message: exactly the sessions that it names end, or a
// logout that the host began is complete. If a session cannot be ended, that is an error,
// and the provider must not be told that it ended.
//
// After ErrBusy nothing has happened, and the same message can be sent again.
//
// Errors: ErrUnknownProvider, ErrBusy, errors.ErrUnsupported, ErrAttemptInvalid,
// ErrSpent, ErrPluginFault, and any error of the mechanism or the store.
func (s *Service) ReceiveLogout(ctx context.Context, message LogoutMessage) (LoggedOut, error) {
	p, err := s.Provider(message.Provider)
	if err != nil {
		return LoggedOut{}, err
	}
	attempt, err := s.openLogout(p, message)
	if err != nil {
		return LoggedOut{}, err
	}
	said, err := s.receive(ctx, p, attempt, message.Request)
	if err != nil {
		return LoggedOut{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := contractError(contract.CheckLogout(said, attempt.State != "", s.config.Now())); err != nil {
		return LoggedOut{}, err
	}
	done := LoggedOut{Reply: said.Reply, Framed: said.Framed, Outcome: said.Outcome, Redirect: attempt.Redirect}
	done.Ended, err = s.ports.AtProviders.EndProviderSessions(ctx, selection(p, said), s.ending(ctx, ActorProvider, ReasonProviderLoggedOut), logoutOnce(p, said)...)
	if err != nil {
		return LoggedOut{}, fmt.Errorf("ending the sessions of a logout: %w", err)
	}
	return done, nil
}

// openLogout returns the zero Attempt if the host has not begun a logout in this browser.
func (s *Service) openLogout(p Provider, message LogoutMessage) (Attempt, error) {
	if message.Sealed == "" {
		return Attempt{}, nil
	}
	return s.logouts.open(message.Sealed, p.Name, message.State, s.config.Now())
}

// receive calls the mechanism with the message. A client that hangs up gives up its turn,
// since anyone can send messages; but once the message is read, hanging up must not keep
// sessions alive.
func (s *Service) receive(ctx context.Context, p Provider, attempt Attempt, request sdk.InboundRequest) (sdk.Logout, error) {
	m, done, err := s.acquireMechanism(ctx, p.Name, LineOthers)
	if err != nil {
		return sdk.Logout{}, err
	}
	defer done()
	if attempt.Step != "" && !s.spent.spend(attempt.Step, s.config.Now()) {
		return sdk.Logout{}, ErrAttemptOver
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), capabilityTimeout(sdk.CapabilityReceiveLogout))
	defer cancel()
	receiver, err := sdk.As[sdk.LogoutReceiver](m, sdk.CapabilityReceiveLogout)
	if err != nil {
		return sdk.Logout{}, err
	}
	said, err := receiver.ReceiveLogout(ctx, sdk.LogoutMessage{Request: request, State: attempt.State, Memory: attempt.Memory})
	if err != nil {
		return sdk.Logout{}, fmt.Errorf("receiving a logout message of %s: %w", p.Name, err)
	}
	return said, nil
}

func selection(p Provider, l sdk.Logout) Selection {
	return Selection{Provider: p.Name, Subject: l.Subject, SessionIDs: l.SessionIDs}
}

func logoutOnce(p Provider, l sdk.Logout) []OnceID {
	if l.OnceID == "" {
		return nil
	}
	return []OnceID{{Scope: "logout:" + p.Name, ID: l.OnceID, Until: l.OnceUntil}}
}
