package main

import (
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/wall"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// maxAge is how long after it was issued a message is accepted: a response comes
// at once.
const maxAge = 5 * time.Minute

// expectation is what a message, and the assertion in it, must fit.
type expectation struct {
	unsolicited bool
	requestID   string    // of our request; empty if unsolicited
	begun       time.Time // the login; zero if unsolicited

	provider  string // its entity ID
	us        string // our entity ID
	recipient string // where the message came to: assertion consumer or logout service

	contexts   []string // that are accepted; none: any
	forceAuthn bool

	now  time.Time
	skew time.Duration

	// decrypt opens an EncryptedID.
	decrypt func(*wall.Element) (*wall.Element, error)
}

// checkResponse holds the response itself against what we asked (core section
// 3.2.2, bindings section 3.5.5.2, profiles section 4.1.4.3).
func checkResponse(e *wall.Element, signed bool, want expectation) error {
	if err := checkHead(e, want, "response"); err != nil {
		return err
	}
	if len(e.All(nsAssertion, "Issuer")) != 1 {
		return sdk.InvalidResponse(reasonIssuer, "the response does not say who issued it")
	}
	destination, given := e.Attr("Destination")
	if given && destination != want.recipient || !given && signed {
		return sdk.InvalidResponse(reasonDestination, "the response is for %q, and we are %q: set the latter as assertion consumer service URL (reply URL) at the provider", upstream.Shown(destination), want.recipient)
	}
	if err := checkInResponseTo(e, want, "response"); err != nil {
		return err
	}
	return checkStatus(e)
}

// checkHead checks what all messages and assertions have in common (core sections
// 2.3.3, 3.2.1 and 3.2.2).
func checkHead(e *wall.Element, want expectation, what string) error {
	if version := e.Value("Version"); version != samlVersion {
		return sdk.InvalidResponse(reasonVersion, "the %s is of SAML version %q, not 2.0", what, upstream.Shown(version))
	}
	if !ncName.MatchString(e.Value("ID")) {
		return sdk.InvalidResponse(reasonID, "the %s has no ID", what)
	}
	issued, err := parseTime(e.Value("IssueInstant"))
	if err != nil {
		return sdk.InvalidResponse(reasonTime, "IssueInstant of the %s %w", what, err)
	}
	now := want.now
	if issued.After(now.Add(want.skew)) || issued.Before(now.Add(-maxAge-want.skew)) {
		return sdk.InvalidResponse(reasonIssueInstant, "the %s was issued at %s, and it is %s: is one of the clocks wrong?", what, issued.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return checkIssuer(e, want.provider, what)
}

// checkIssuer accepts a missing issuer; where there must be one, that is checked
// by whoever knows.
func checkIssuer(e *wall.Element, provider, what string) error {
	issuers := e.All(nsAssertion, "Issuer")
	if len(issuers) == 0 {
		return nil
	}
	text, ok := uriText(issuers[0])
	if format, given := issuers[0].Attr("Format"); given && format != formatEntity {
		ok = false
	}
	if !ok || len(issuers) != 1 || text != provider {
		return sdk.InvalidResponse(reasonIssuer, "the %s was issued by %q, and the provider is %q", what, upstream.Shown(text), upstream.Shown(provider))
	}
	return nil
}

func checkInResponseTo(e *wall.Element, want expectation, what string) error {
	answered, given := e.Attr("InResponseTo")
	switch {
	case want.unsolicited && given:
		return sdk.InvalidResponse(reasonInResponseTo, "the %s answers a request, and came without a login of this browser", what)
	case !want.unsolicited && answered != want.requestID:
		return sdk.InvalidResponse(reasonInResponseTo, "the %s does not answer the request of this login", what)
	}
	return nil
}
