package validation

import (
	"errors"
	"slices"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// Assertion holds the content of an assertion that was accepted.
type Assertion struct {
	ID         string
	OnceUntil  time.Time // after this, the assertion is refused as too old in any case
	NameID     *NameID
	Attributes Attributes
	Session    session
}

// session is what the statements say about the session at the identity provider (core section
// 2.7.2).
type session struct {
	Index        string
	NotOnOrAfter time.Time // zero if not given
	Instant      time.Time
	Context      string
}

// CheckAssertion checks a verified assertion against profiles section 4.1.4.3 and core
// section 2.5.
func CheckAssertion(e *strictxml.Element, want Expectation) (Assertion, error) {
	if err := CheckHead(e, want, "assertion"); err != nil {
		return Assertion{}, err
	}
	if len(e.All(saml2.Assertion, "Issuer")) != 1 {
		return Assertion{}, sdk.InvalidResponse(ReasonIssuer, "the assertion does not say who issued it")
	}
	a := Assertion{ID: e.Value("ID")}
	issued, _ := saml2.ParseTime(e.Value("IssueInstant"))
	a.OnceUntil = OnceUntil(issued, want.Skew)
	if err := checkSubject(e, want, &a); err != nil {
		return Assertion{}, err
	}
	if err := checkConditions(e, want); err != nil {
		return Assertion{}, err
	}
	if err := checkStatements(e, issued, want, &a); err != nil {
		return Assertion{}, err
	}
	var err error
	a.Attributes, err = readAttributes(e)
	return a, err
}

// OnceUntil is the time after which a message is refused as too old in any case, so that its
// ID need not be remembered.
func OnceUntil(issued time.Time, skew time.Duration) time.Time {
	return issued.Add(MaxAge + 2*skew + time.Minute)
}

// checkSubject reads the user of the assertion, and finds a confirmation that lets a bearer
// present it here and now.
func checkSubject(e *strictxml.Element, want Expectation, a *Assertion) error {
	subject := e.Child(saml2.Assertion, "Subject")
	if subject == nil {
		return sdk.InvalidResponse(ReasonSubject, "the assertion does not have exactly one subject")
	}
	var err error
	if a.NameID, err = ReadSubjectID(subject, want.Decrypt); err != nil {
		return err
	}
	why := errors.New("there is no confirmation")
	for _, confirmation := range subject.All(saml2.Assertion, "SubjectConfirmation") {
		if why = checkConfirmation(confirmation, want); why == nil {
			return nil
		}
	}
	return sdk.InvalidResponse(ReasonConfirmation, "the assertion has no valid subject confirmation: %w", why)
}

// checkConfirmation checks a bearer confirmation (profiles section 4.1.4.2). An unsolicited
// response must not have InResponseTo.
func checkConfirmation(e *strictxml.Element, want Expectation) error {
	if method := e.Value("Method"); method != saml2.ConfirmationBearer {
		return errors.New("method " + upstream.Shown(method) + " is not bearer")
	}
	data := e.Child(saml2.Assertion, "SubjectConfirmationData")
	if data == nil {
		return errors.New("it has no SubjectConfirmationData")
	}
	if recipient := data.Value("Recipient"); !want.IsFor(recipient) {
		return errors.New("it is for " + upstream.Shown(recipient) + ", but Doorward is " + want.Recipients[0])
	}
	if err := checkBearerTimes(data, want); err != nil {
		return err
	}
	return checkInResponseTo(data, want, "subject confirmation")
}

// checkBearerTimes requires NotOnOrAfter. NotBefore should not be present (profiles section
// 4.1.4.2), but some identity providers write it; it is accepted if it is past.
func checkBearerTimes(data *strictxml.Element, want Expectation) error {
	now := want.Now
	if text, given := data.Attr("NotBefore"); given {
		from, err := saml2.ParseTime(text)
		if err != nil {
			return err
		}
		if now.Add(want.Skew).Before(from) {
			return errors.New("it is valid from " + from.Format(time.RFC3339) + ", and the time is " + now.UTC().Format(time.RFC3339))
		}
	}
	text, given := data.Attr("NotOnOrAfter")
	if !given {
		return errors.New("it has no NotOnOrAfter")
	}
	until, err := saml2.ParseTime(text)
	if err != nil {
		return err
	}
	if !now.Before(until.Add(want.Skew)) {
		return errors.New("it was valid until " + until.Format(time.RFC3339) + ", and the time is " + now.UTC().Format(time.RFC3339))
	}
	return nil
}

// knownConditions are the supported conditions. An unknown one makes an assertion neither
// valid nor invalid (core section 2.5.1.1), so it is refused.
var knownConditions = []string{"AudienceRestriction", "OneTimeUse", "ProxyRestriction"}

func checkConditions(e *strictxml.Element, want Expectation) error {
	conditions := e.Child(saml2.Assertion, "Conditions")
	if conditions == nil {
		return sdk.InvalidResponse(ReasonConditions, "the assertion does not have exactly one Conditions element")
	}
	if err := checkValidity(conditions, want); err != nil {
		return err
	}
	restricted := false
	for _, condition := range conditions.Children() {
		switch {
		case condition.Space != saml2.Assertion || !slices.Contains(knownConditions, condition.Local):
			return sdk.InvalidResponse(ReasonConditions, "the assertion has the unsupported condition %s", upstream.Shown(condition.Local))
		case condition.Local != "AudienceRestriction":
			continue
		}
		restricted = true
		if audiences := audiencesOf(condition); !slices.Contains(audiences, want.OwnEntityID) { // all must match: core section 2.5.1.4
			return sdk.InvalidResponse(ReasonAudience, "the assertion is for %q, but the entity ID of Doorward is %q: set entity_id to the one that the identity provider uses", upstream.ShownList(audiences), want.OwnEntityID)
		}
	}
	if !restricted {
		return sdk.InvalidResponse(ReasonAudience, "the assertion does not have an audience; it must be %q", want.OwnEntityID)
	}
	return nil
}

func audiencesOf(restriction *strictxml.Element) []string {
	var list []string
	for _, audience := range restriction.All(saml2.Assertion, "Audience") {
		if text, ok := saml2.URIText(audience); ok {
			list = append(list, text)
		}
	}
	return list
}

func checkValidity(conditions *strictxml.Element, want Expectation) error {
	now := want.Now
	if text, given := conditions.Attr("NotBefore"); given {
		from, err := saml2.ParseTime(text)
		if err != nil {
			return sdk.InvalidResponse(ReasonTime, "NotBefore of the conditions %w", err)
		}
		if now.Add(want.Skew).Before(from) {
			return sdk.InvalidResponse(ReasonNotYetValid, "the assertion is valid from %s, and the time is %s: check both clocks", from.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
		}
	}
	if text, given := conditions.Attr("NotOnOrAfter"); given {
		until, err := saml2.ParseTime(text)
		if err != nil {
			return sdk.InvalidResponse(ReasonTime, "NotOnOrAfter of the conditions %w", err)
		}
		if !now.Before(until.Add(want.Skew)) {
			return sdk.InvalidResponse(ReasonExpired, "the assertion was valid until %s, and the time is %s: check both clocks", until.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// checkStatements reads the authentication statements, of which there must be at least one
// (profiles section 4.1.4.2). The earliest SessionNotOnOrAfter counts.
func checkStatements(e *strictxml.Element, issued time.Time, want Expectation, a *Assertion) error {
	statements := e.All(saml2.Assertion, "AuthnStatement")
	if len(statements) == 0 {
		return sdk.InvalidResponse(ReasonAuthnStatement, "the assertion does not say how and when the user authenticated")
	}
	for i, statement := range statements {
		s, err := readStatement(statement)
		if err != nil {
			return err
		}
		if err := checkAuthentication(s, issued, want); err != nil {
			return err
		}
		if i == 0 {
			a.Session = s
		} else if !s.NotOnOrAfter.IsZero() && (a.Session.NotOnOrAfter.IsZero() || s.NotOnOrAfter.Before(a.Session.NotOnOrAfter)) {
			a.Session.NotOnOrAfter = s.NotOnOrAfter
		}
	}
	return nil
}

func readStatement(e *strictxml.Element) (session, error) {
	s := session{Index: e.Value("SessionIndex")}
	var err error
	if s.Instant, err = saml2.ParseTime(e.Value("AuthnInstant")); err != nil {
		return s, sdk.InvalidResponse(ReasonTime, "AuthnInstant %w", err)
	}
	if text, given := e.Attr("SessionNotOnOrAfter"); given {
		if s.NotOnOrAfter, err = saml2.ParseTime(text); err != nil {
			return s, sdk.InvalidResponse(ReasonTime, "SessionNotOnOrAfter %w", err)
		}
	}
	if context := e.Child(saml2.Assertion, "AuthnContext"); context != nil {
		if class := context.Child(saml2.Assertion, "AuthnContextClassRef"); class != nil {
			s.Context, _ = saml2.URIText(class)
		}
	}
	return s, nil
}

func checkAuthentication(s session, issued time.Time, want Expectation) error {
	now := want.Now
	if !s.NotOnOrAfter.IsZero() && !now.Before(s.NotOnOrAfter) {
		return sdk.InvalidResponse(ReasonSessionOver, "the session at the identity provider ended at %s, and the time is %s", s.NotOnOrAfter.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if accepted := want.Contexts; len(accepted) > 0 && !slices.Contains(accepted, s.Context) {
		return sdk.Denied(ReasonAuthnContext, "the user authenticated with the context %q, but authn_context requires %q", upstream.Shown(s.Context), accepted)
	}
	if s.Instant.After(now.Add(want.Skew)) {
		return sdk.InvalidResponse(ReasonAuthnStatement, "the assertion says that the user authenticated at %s, and the time is %s: check both clocks", s.Instant.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	begun := want.Begun
	if want.Unsolicited {
		begun = issued.Add(-MaxAge)
	}
	if want.ForceAuthn && s.Instant.Before(begun.Add(-want.Skew)) {
		return sdk.Denied(ReasonForceAuthn, "the user authenticated at %s, before this login began, and force_authn is set", s.Instant.Format(time.RFC3339))
	}
	return nil
}
