package web

import (
	"errors"
	"net/http"
	"net/netip"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/limit"
	"github.com/doorward/doorward/sdk"
)

// errLimited means that too many sign-ins failed, or were not completed (L03).
var errLimited = errors.New("too many attempts")

// limitedError is an errLimited, or an errProfileLimited, with the time after which to try
// again.
type limitedError struct {
	*limit.Exceeded
	at time.Time
	of error
}

func (e limitedError) Error() string { return e.of.Error() + ": " + e.Exceeded.Error() }
func (e limitedError) Unwrap() error { return e.of }

// wait is rounded up to whole seconds, as Retry-After needs it.
func (e limitedError) wait() time.Duration {
	return max(time.Second, (e.Wait + time.Second - 1).Truncate(time.Second))
}

// begin begins a login, unless too many were not completed. A login that fails to begin is
// not counted.
func (s *Server) begin(c echo.Context, start sso.Start) (sso.Pending, error) {
	s.warnOfOneAddress(c, false)
	start.PublicURL = s.publicURL(c).text
	who := s.limitKey(c, start.Provider, "")
	if err := s.asLimited(c, s.config.Limits.Start(who)); err != nil {
		return sso.Pending{}, err
	}
	pending, err := s.ports.Logins.Begin(c.Request().Context(), start)
	if err != nil {
		s.config.Limits.Finished(who)
	}
	return pending, err
}

// checkLimits refuses a login name before a login begins to try it.
func (s *Server) checkLimits(c echo.Context, provider, name string) error {
	return s.asLimited(c, s.config.Limits.Look(s.limitKey(c, provider, name)))
}

// tryAnswer continues a login, unless the answer can be guessed and too many were wrong. An
// answer refused for this reason can be sent again.
func (s *Server) tryAnswer(c echo.Context, answer sso.Answer) (sso.Outcome, error) {
	answer.PublicURL = s.publicURL(c).text
	name, guessable := s.ports.Logins.Asked(answer)
	who := s.limitKey(c, answer.Provider, name)
	var try *limit.Try
	if guessable {
		var err error
		if try, err = s.config.Limits.Try(c.Request().Context(), who); err != nil {
			return sso.Outcome{Attempt: sso.Attempt{Provider: answer.Provider}}, s.asLimited(c, err)
		}
	}
	defer try.Unjudged() // unless another result was reported
	out, err := s.ports.Logins.Continue(c.Request().Context(), answer)
	switch {
	case err == nil && out.SignedIn != nil:
		try.Succeeded()
		s.loginSucceeded(c, who, out.SignedIn)
	case err == nil && out.Linked:
		try.Succeeded()
		s.config.Limits.Finished(who)
	case isFailure(out, err):
		try.Failed()
	case err != nil && out.Spent && guessable: // the provider's fault, or the host's
		// After a redirect, the browser says whose fault it was. If that counted, a client
		// would have as many starts as it likes: begin, return with error=server_error,
		// begin.
		s.config.Limits.Finished(who)
	}
	return out, err
}

// tryUnsolicited signs in with a response that no start of ours belongs to, so every one
// that is not valid counts.
func (s *Server) tryUnsolicited(c echo.Context, u sso.Unsolicited) (*sso.SignedIn, error) {
	who := s.limitKey(c, u.Provider, "")
	try, err := s.config.Limits.Try(c.Request().Context(), who)
	if err != nil {
		return nil, s.asLimited(c, err)
	}
	defer try.Unjudged()
	done, err := s.ports.Logins.ContinueUnsolicited(c.Request().Context(), u)
	switch {
	case err == nil:
		try.Succeeded()
		s.keepDevice(c, who, done)
	case isFailure(sso.Outcome{}, err):
		try.Failed()
	}
	return done, err
}

// isFailure reports whether an answer was wrong. An unavailable provider, or the need to
// choose a new password, is not a wrong guess.
func isFailure(out sso.Outcome, err error) bool {
	if err != nil {
		return errors.Is(err, sdk.ErrDenied) || errors.Is(err, sdk.ErrInvalidResponse) ||
			errors.Is(err, sso.ErrNotRegistered) || errors.Is(err, sso.ErrUserInactive) || errors.Is(err, sso.ErrSpent)
	}
	prompt, ok := out.Pending.Step.(sdk.Prompt)
	if !ok {
		return false
	}
	switch prompt.Reason {
	case "", sdk.ReasonPasswordExpired, sdk.ReasonPasswordMustChange, sdk.ReasonPasswordsDiffer, sdk.ReasonPasswordRejected:
		return false
	}
	return true
}

// loginSucceeded takes back the start of a login, and remembers the browser from now on.
func (s *Server) loginSucceeded(c echo.Context, who limit.Who, done *sso.SignedIn) {
	s.config.Limits.Finished(who)
	s.keepDevice(c, who, done)
}

// limitKey says for whom an attempt is counted.
func (s *Server) limitKey(c echo.Context, provider, name string) limit.Who {
	who := limit.Who{Address: sso.ClientAddress(c.Request().Context()), Provider: provider, Name: name}
	if cookie, err := c.Cookie(s.deviceCookieName(c)); err == nil {
		who.Device = cookie.Value
	}
	return who
}

// asLimited turns an error of the limits into an errLimited, and returns other errors as
// they are.
func (s *Server) asLimited(c echo.Context, err error) error {
	exceeded, ok := errors.AsType[*limit.Exceeded](err)
	if !ok {
		return err
	}
	s.warnOfOneAddress(c, true)
	return limitedError{exceeded, time.Now(), errLimited}
}

// warnOfOneAddress warns the operator that all clients may seem to have one address, that
// of a proxy which is not trusted: when a proxy says for whom it asks, and otherwise when a
// private address is refused.
func (s *Server) warnOfOneAddress(c echo.Context, refused bool) {
	if s.config.Limits == nil || c.RealIP() != echo.ExtractIPDirect()(c.Request()) {
		return // a proxy was trusted
	}
	address := sso.ClientAddress(c.Request().Context()).Unmap()
	what := ""
	switch {
	case !isLocal(address):
	case forwarded(c):
		what = "a proxy is not trusted, so the limits on failed sign-ins count all its clients as one: add it to IP_TRUST_PROXY"
	case refused && len(s.config.TrustedProxies) == 0:
		what = "sign-ins from one private address are refused after too many failures: if it is the address of a proxy, add it to IP_TRUST_PROXY"
	}
	if what != "" && s.sampled.admitUpTo(seldom, kindOfLine{hclog.Warn, what, ""}, address.String()) {
		s.logger.Warn(what, "ip", address.String())
	}
}

// forwarded reports whether a proxy says for whom it asks.
func forwarded(c echo.Context) bool {
	header := c.Request().Header
	return header.Get(echo.HeaderXForwardedFor) != "" || header.Get("Forwarded") != "" || header.Get(echo.HeaderXRealIP) != ""
}

func isLocal(address netip.Addr) bool {
	return address.IsPrivate() || address.IsLoopback() || address.IsLinkLocalUnicast()
}

// deviceCookieName is the name of the cookie that identifies a browser in which someone has
// signed in. It is not a credential; see package limit.
func (s *Server) deviceCookieName(c echo.Context) string {
	if s.publicURL(c).secure {
		return hostPrefix + "doorward_device"
	}
	return "doorward_device"
}

// keepDevice sets that cookie. Programs that take tokens in the body keep no cookies.
func (s *Server) keepDevice(c echo.Context, who limit.Who, done *sso.SignedIn) {
	device := s.config.Limits.Device(who)
	if device == "" || done.Mode == sso.ModeJSON {
		return
	}
	c.SetCookie(&http.Cookie{
		Name: s.deviceCookieName(c), Value: device, Path: "/", MaxAge: int(limit.DeviceLasts.Seconds()),
		Secure: s.publicURL(c).secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
