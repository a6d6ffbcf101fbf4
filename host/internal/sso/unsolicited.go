package sso

import (
	"context"
	"fmt"

	"github.com/doorward/doorward/sdk"
)

// Unsolicited is a response to no request of the host: a login that started at the
// provider.
type Unsolicited struct {
	Provider string
	Redirect string // where to go afterwards, checked by the caller

	// PublicURL is the public URL of the host where the response arrived; empty: the one
	// in Config.
	PublicURL string

	Response sdk.InboundRequest
	Client   Client
	Replaces []Token // as in Answer
}

// ContinueUnsolicited signs in with an unsolicited response, if the operator allows that.
// Nothing ties the response to the browser that sends it, so anyone can sign somebody
// else in as themselves (login CSRF). A response works only once, so one without a
// once-ID is refused.
//
// Errors: ErrUnknownProvider, ErrAttemptInvalid if it is not allowed, and those of
// Continue.
func (s *Service) ContinueUnsolicited(ctx context.Context, u Unsolicited) (*SignedIn, error) {
	p, err := s.Provider(u.Provider)
	if err != nil {
		return nil, err
	}
	if !p.AllowUnsolicited {
		return nil, fmt.Errorf("%w: an unsolicited response", ErrAttemptInvalid)
	}
	step, err := s.callContinue(ctx, p, sdk.ContinueRequest{
		Response: u.Response, Unsolicited: true, CallbackURL: s.urlsOf(u.PublicURL, p.Name).Callback,
	}, func() error { return nil })
	if err != nil {
		return nil, fmt.Errorf("continuing an unsolicited login through %s: %w", p.Name, err)
	}
	done, ok := step.(sdk.Authenticated)
	if !ok {
		return nil, fault("an unsolicited login returned a step of type %T", step)
	}
	if done.Identity.OnceID == "" {
		return nil, fault("an unsolicited login has no once-ID and could be repeated")
	}
	attempt := Attempt{Provider: p.Name, Mode: p.Mode, Redirect: u.Redirect}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), completeTimeout)
	defer cancel()
	return s.complete(ctx, p, attempt, done.Identity, Answer{Client: u.Client, Replaces: u.Replaces})
}
