// Package logouttoken checks the logout tokens with which a provider signs out an end user
// (OpenID Connect Back-Channel Logout 1.0).
package logouttoken

import (
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// The reasons of refused tokens, in addition to those of signed tokens in general.
const (
	ReasonEvent   sdk.Reason = "logout_event"
	ReasonNonce   sdk.Reason = "logout_nonce"
	ReasonID      sdk.Reason = "logout_jti"
	ReasonTimes   sdk.Reason = "logout_times"
	ReasonSubject sdk.Reason = "logout_subject"
)

// Type is the typ of a logout token (section 2.4). Providers that implement a draft leave it
// out or write JWT; then the event distinguishes the token from an ID token.
const Type = "logout+jwt"

// Names are the claims that are read.
var Names = []string{"iss", "aud", "azp", "exp", "iat", "nbf", "sub", "sid", "events", "nonce", "jti", "tid"}

// event is the member of events that makes a token a logout token.
const event = "http://schemas.openid.net/event/backchannel-logout"

// Times.
const (
	// MaxLifetime is how far in the future exp may be. Section 2.4 recommends two
	// minutes; the ID of the token is remembered until then.
	MaxLifetime = 24 * time.Hour

	// maxAge is how old a token without exp may be; the drafts had no exp.
	maxAge = idtoken.MaxAge

	maxID = 1 << 10 // bytes of jti
)

// Expectation is what a token must match.
type Expectation struct {
	Issuer           string
	ClientID         string
	TrustedAudiences []string
	Now              time.Time
}

// Demand is who is to be signed out.
type Demand struct {
	Subject   string // empty: the owner of the session
	SessionID string // empty: all sessions of the subject

	OnceID    string // a hash of jti
	OnceUntil time.Time
}

// Check applies the rules of section 2.6, in that order, to a token whose signature was
// verified.
func Check(token jose.Token, want Expectation) (Demand, error) {
	object := token.Claims
	if err := discovery.CheckIssuer(want.Issuer, object, token.Key); err != nil {
		return Demand{}, err
	}
	if err := idtoken.CheckAudience(object, want.ClientID, want.TrustedAudiences); err != nil {
		return Demand{}, err
	}
	until, err := checkTimes(object, want.Now)
	if err != nil {
		return Demand{}, err
	}
	demand, err := readWho(object)
	if err != nil {
		return Demand{}, err
	}
	if err := checkEvent(object); err != nil {
		return Demand{}, err
	}
	// The nonce is prohibited so that nobody can pass an ID token off as a logout token.
	if object.Has("nonce") {
		return Demand{}, sdk.InvalidResponse(ReasonNonce, "the logout token has a nonce")
	}
	demand.OnceID, err = readID(object)
	demand.OnceUntil = until
	return demand, err
}

// checkTimes returns the time until which the token could be used again.
func checkTimes(object claims.Object, now time.Time) (time.Time, error) {
	issued, err := object.Time("iat")
	switch {
	case err != nil:
		return time.Time{}, sdk.InvalidResponse(ReasonTimes, "%w", err)
	case issued.IsZero():
		return time.Time{}, sdk.InvalidResponse(ReasonTimes, "no iat")
	case issued.After(now.Add(idtoken.ClockSkew)):
		return time.Time{}, sdk.InvalidResponse(ReasonTimes, "issued %v in the future: are both clocks right?", issued.Sub(now))
	}
	expires, err := object.Time("exp")
	if err != nil {
		return time.Time{}, sdk.InvalidResponse(ReasonTimes, "%w", err)
	}
	if expires.IsZero() {
		expires = issued.Add(maxAge)
	}
	switch {
	case !now.Before(expires.Add(idtoken.ClockSkew)):
		return time.Time{}, sdk.InvalidResponse(ReasonTimes, "expired %v ago: are both clocks right?", now.Sub(expires))
	case expires.Sub(now) > MaxLifetime:
		return time.Time{}, sdk.InvalidResponse(ReasonTimes, "valid for another %v, at most %v are accepted", expires.Sub(now), MaxLifetime)
	}
	return expires.Add(idtoken.ClockSkew), idtoken.CheckNotBefore(object, now)
}

// readWho reads who is to be signed out: sub, sid or both (section 2.4).
func readWho(object claims.Object) (Demand, error) {
	var demand Demand
	var err error
	if demand.Subject, err = object.String("sub"); err != nil {
		return Demand{}, sdk.InvalidResponse(ReasonSubject, "%w", err)
	}
	if demand.SessionID, err = object.String("sid"); err != nil {
		return Demand{}, sdk.InvalidResponse(ReasonSubject, "%w", err)
	}
	if demand.Subject == "" && demand.SessionID == "" {
		return Demand{}, sdk.InvalidResponse(ReasonSubject, "there is neither sub nor sid to say who is to be signed out")
	}
	if demand.Subject != "" {
		if err := claims.CheckSubject(demand.Subject); err != nil {
			return Demand{}, sdk.InvalidResponse(ReasonSubject, "sub %w", err)
		}
	}
	if err := idtoken.CheckSessionID(demand.SessionID); err != nil {
		return Demand{}, sdk.InvalidResponse(ReasonSubject, "sid %w", err)
	}
	return demand, nil
}

// checkEvent requires the logout event, as an object whose members are ignored.
func checkEvent(object claims.Object) error {
	events, err := object.Object("events")
	if err != nil {
		return sdk.InvalidResponse(ReasonEvent, "%w", err)
	}
	if _, err := events.Object(event); err != nil || events[event] == nil {
		return sdk.InvalidResponse(ReasonEvent, "events does not contain the logout event")
	}
	return nil
}

func readID(object claims.Object) (string, error) {
	id, err := object.String("jti")
	if err != nil || id == "" || len(id) > maxID {
		return "", sdk.InvalidResponse(ReasonID, "no jti of 1 to %d bytes, which is needed to detect a second use", maxID)
	}
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}
