package validation

import (
	"slices"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// MaxAge is how long after its creation a message is accepted: responses are sent
// immediately.
const MaxAge = 5 * time.Minute

// Expectation is what a message and its assertion must match.
type Expectation struct {
	Unsolicited bool
	RequestID   string    // of our request; empty if unsolicited
	Begun       time.Time // when the login began; zero if unsolicited

	Provider    string // its entity ID
	OwnEntityID string // our entity ID

	// Recipients are the URLs of the endpoint that received the message: the assertion
	// consumer or the logout service. The first is the one that we publish.
	Recipients []string

	Contexts   []string // accepted contexts; empty: any
	ForceAuthn bool

	Now  time.Time
	Skew time.Duration

	// Decrypt decrypts an EncryptedID.
	Decrypt func(*strictxml.Element) (*strictxml.Element, error)
}

// IsFor reports whether a URL is one of Recipients, byte for byte.
func (w Expectation) IsFor(location string) bool { return slices.Contains(w.Recipients, location) }

// CheckResponse checks the response itself against our request (core section 3.2.2, bindings
// section 3.5.5.2, profiles section 4.1.4.3).
func CheckResponse(e *strictxml.Element, signed bool, want Expectation) error {
	if err := CheckHead(e, want, "response"); err != nil {
		return err
	}
	// Profiles section 4.1.4.2. The assertion always names its issuer.
	encrypted := len(e.All(saml2.Assertion, "EncryptedAssertion")) > 0
	if (signed || encrypted) && len(e.All(saml2.Assertion, "Issuer")) != 1 {
		return sdk.InvalidResponse(ReasonIssuer, "the response does not say who issued it")
	}
	destination, given := e.Attr("Destination")
	if given && !want.IsFor(destination) || !given && signed {
		return sdk.InvalidResponse(ReasonDestination, "the response is for %q, but Doorward is %q: set the latter as the assertion consumer service URL (reply URL) at the identity provider", upstream.Shown(destination), want.Recipients[0])
	}
	if err := checkInResponseTo(e, want, "response"); err != nil {
		return err
	}
	return checkStatus(e)
}

// CheckHead checks what all messages and assertions have in common (core sections 2.3.3,
// 3.2.1 and 3.2.2).
func CheckHead(e *strictxml.Element, want Expectation, what string) error {
	if version := e.Value("Version"); version != saml2.Version {
		return sdk.InvalidResponse(ReasonVersion, "the %s has the SAML version %q, not 2.0", what, upstream.Shown(version))
	}
	if !IsID(e.Value("ID")) {
		return sdk.InvalidResponse(ReasonID, "the %s has no valid ID", what)
	}
	issued, err := saml2.ParseTime(e.Value("IssueInstant"))
	if err != nil {
		return sdk.InvalidResponse(ReasonTime, "IssueInstant of the %s %w", what, err)
	}
	now := want.Now
	if issued.After(now.Add(want.Skew)) || issued.Before(now.Add(-MaxAge-want.Skew)) {
		return sdk.InvalidResponse(ReasonIssueInstant, "the %s was issued at %s, and the time is %s: check both clocks", what, issued.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return checkIssuer(e, want.Provider, what)
}

// checkIssuer accepts a missing issuer; callers check whether it is required.
func checkIssuer(e *strictxml.Element, provider, what string) error {
	issuers := e.All(saml2.Assertion, "Issuer")
	if len(issuers) == 0 {
		return nil
	}
	text, ok := saml2.URIText(issuers[0])
	if format, given := issuers[0].Attr("Format"); given && format != saml2.FormatEntity {
		return sdk.InvalidResponse(ReasonIssuer, "the issuer of the %s has the format %q, but only %q or none is allowed", what, upstream.Shown(format), saml2.FormatEntity)
	}
	if !ok || len(issuers) != 1 || text != provider {
		return sdk.InvalidResponse(ReasonIssuer, "the %s was issued by %q, but the identity provider is %q", what, upstream.Shown(text), upstream.Shown(provider))
	}
	return nil
}

func checkInResponseTo(e *strictxml.Element, want Expectation, what string) error {
	answered, given := e.Attr("InResponseTo")
	switch {
	case want.Unsolicited && given:
		return sdk.InvalidResponse(ReasonInResponseTo, "the %s answers a request, but this browser has not begun a login", what)
	case !want.Unsolicited && answered != want.RequestID:
		return sdk.InvalidResponse(ReasonInResponseTo, "the %s does not answer the request of this login", what)
	}
	return nil
}
