package main

import (
	"errors"
	"slices"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/wall"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// assertion is what is read of an assertion that passed.
type assertion struct {
	id         string
	onceUntil  time.Time // after which it is refused as too old in any case
	nameID     *nameID
	attributes attributes
	session    session
}

// session is what the statements say of the session at the provider (core section
// 2.7.2).
type session struct {
	index        string
	notOnOrAfter time.Time // zero if not told
	instant      time.Time
	context      string
}

// checkAssertion holds a verified assertion against profiles section 4.1.4.3 and
// core section 2.5.
func checkAssertion(e *wall.Element, want expectation) (assertion, error) {
	if err := checkHead(e, want, "assertion"); err != nil {
		return assertion{}, err
	}
	if len(e.All(nsAssertion, "Issuer")) != 1 {
		return assertion{}, sdk.InvalidResponse(reasonIssuer, "the assertion does not say who issued it")
	}
	a := assertion{id: e.Value("ID")}
	issued, _ := parseTime(e.Value("IssueInstant"))
	a.onceUntil = onceUntil(issued, want.skew)
	if err := checkSubject(e, want, &a); err != nil {
		return assertion{}, err
	}
	if err := checkConditions(e, want); err != nil {
		return assertion{}, err
	}
	if err := checkStatements(e, issued, want, &a); err != nil {
		return assertion{}, err
	}
	var err error
	a.attributes, err = readAttributes(e)
	return a, err
}

// onceUntil is when a message that was issued then is refused as too old in any
// case, and its ID need not be remembered.
func onceUntil(issued time.Time, skew time.Duration) time.Time {
	return issued.Add(maxAge + 2*skew + time.Minute)
}

// checkSubject reads who the assertion is about, and finds a confirmation that
// lets a bearer present it here and now.
func checkSubject(e *wall.Element, want expectation, a *assertion) error {
	subject := e.Child(nsAssertion, "Subject")
	if subject == nil {
		return sdk.InvalidResponse(reasonSubject, "the assertion has not one subject")
	}
	var err error
	if a.nameID, err = readSubjectID(subject, want.decrypt); err != nil {
		return err
	}
	why := errors.New("there is none")
	for _, confirmation := range subject.All(nsAssertion, "SubjectConfirmation") {
		if why = checkConfirmation(confirmation, want); why == nil {
			return nil
		}
	}
	return sdk.InvalidResponse(reasonConfirmation, "the assertion has no subject confirmation that holds: %w", why)
}

// checkConfirmation checks a bearer confirmation (profiles section 4.1.4.2). Where
// nobody asked, there must be no InResponseTo.
func checkConfirmation(e *wall.Element, want expectation) error {
	if method := e.Value("Method"); method != confirmationBearer {
		return errors.New("method " + upstream.Shown(method) + " is not bearer")
	}
	data := e.Child(nsAssertion, "SubjectConfirmationData")
	if data == nil {
		return errors.New("it has no data")
	}
	if recipient := data.Value("Recipient"); recipient != want.recipient {
		return errors.New("it is for " + upstream.Shown(recipient) + ", and we are " + want.recipient)
	}
	if _, given := data.Attr("NotBefore"); given {
		return errors.New("it has NotBefore, which a bearer confirmation must not have")
	}
	text, given := data.Attr("NotOnOrAfter")
	if !given {
		return errors.New("it has no NotOnOrAfter")
	}
	until, err := parseTime(text)
	if err != nil {
		return err
	}
	if now := want.now; !now.Before(until.Add(want.skew)) {
		return errors.New("it was good until " + until.Format(time.RFC3339) + ", and it is " + now.UTC().Format(time.RFC3339))
	}
	return checkInResponseTo(data, want, "subject confirmation")
}

// knownConditions are those that can be judged. An unknown one makes an assertion
// neither valid nor invalid (core section 2.5.1.1), which is not good enough.
var knownConditions = []string{"AudienceRestriction", "OneTimeUse", "ProxyRestriction"}

func checkConditions(e *wall.Element, want expectation) error {
	conditions := e.Child(nsAssertion, "Conditions")
	if conditions == nil {
		return sdk.InvalidResponse(reasonConditions, "the assertion has not one element with its conditions")
	}
	if err := checkValidity(conditions, want); err != nil {
		return err
	}
	restricted := false
	for _, condition := range conditions.Children() {
		switch {
		case condition.Space != nsAssertion || !slices.Contains(knownConditions, condition.Local):
			return sdk.InvalidResponse(reasonConditions, "the assertion has the condition %s, which is not known", upstream.Shown(condition.Local))
		case condition.Local != "AudienceRestriction":
			continue
		}
		restricted = true
		if audiences := audiencesOf(condition); !slices.Contains(audiences, want.us) { // each must hold: core section 2.5.1.4
			return sdk.InvalidResponse(reasonAudience, "the assertion is for %q, and we are %q: set entity_id to what the provider calls us", upstream.ShownList(audiences), want.us)
		}
	}
	if !restricted {
		return sdk.InvalidResponse(reasonAudience, "the assertion does not say for whom it is; it must name %q as audience", want.us)
	}
	return nil
}

func audiencesOf(restriction *wall.Element) []string {
	var list []string
	for _, audience := range restriction.All(nsAssertion, "Audience") {
		if text, ok := uriText(audience); ok {
			list = append(list, text)
		}
	}
	return list
}

func checkValidity(conditions *wall.Element, want expectation) error {
	now := want.now
	if text, given := conditions.Attr("NotBefore"); given {
		from, err := parseTime(text)
		if err != nil {
			return sdk.InvalidResponse(reasonTime, "NotBefore of the conditions %w", err)
		}
		if now.Add(want.skew).Before(from) {
			return sdk.InvalidResponse(reasonNotYetValid, "the assertion is good from %s on, and it is %s: is one of the clocks wrong?", from.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
		}
	}
	if text, given := conditions.Attr("NotOnOrAfter"); given {
		until, err := parseTime(text)
		if err != nil {
			return sdk.InvalidResponse(reasonTime, "NotOnOrAfter of the conditions %w", err)
		}
		if !now.Before(until.Add(want.skew)) {
			return sdk.InvalidResponse(reasonExpired, "the assertion was good until %s, and it is %s: is one of the clocks wrong?", until.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// checkStatements reads the statements about the authentication, of which there
// must be one (profiles section 4.1.4.2). Of several, the strictest times count.
func checkStatements(e *wall.Element, issued time.Time, want expectation, a *assertion) error {
	statements := e.All(nsAssertion, "AuthnStatement")
	if len(statements) == 0 {
		return sdk.InvalidResponse(reasonAuthnStatement, "the assertion does not say how and when the end user authenticated")
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
			a.session = s
		} else if !s.notOnOrAfter.IsZero() && (a.session.notOnOrAfter.IsZero() || s.notOnOrAfter.Before(a.session.notOnOrAfter)) {
			a.session.notOnOrAfter = s.notOnOrAfter
		}
	}
	return nil
}

func readStatement(e *wall.Element) (session, error) {
	s := session{index: e.Value("SessionIndex")}
	var err error
	if s.instant, err = parseTime(e.Value("AuthnInstant")); err != nil {
		return s, sdk.InvalidResponse(reasonTime, "AuthnInstant %w", err)
	}
	if text, given := e.Attr("SessionNotOnOrAfter"); given {
		if s.notOnOrAfter, err = parseTime(text); err != nil {
			return s, sdk.InvalidResponse(reasonTime, "SessionNotOnOrAfter %w", err)
		}
	}
	if context := e.Child(nsAssertion, "AuthnContext"); context != nil {
		if class := context.Child(nsAssertion, "AuthnContextClassRef"); class != nil {
			s.context, _ = uriText(class)
		}
	}
	return s, nil
}

func checkAuthentication(s session, issued time.Time, want expectation) error {
	now := want.now
	if !s.notOnOrAfter.IsZero() && !now.Before(s.notOnOrAfter) {
		return sdk.InvalidResponse(reasonSessionOver, "the session at the provider ended at %s, and it is %s", s.notOnOrAfter.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if accepted := want.contexts; len(accepted) > 0 && !slices.Contains(accepted, s.context) {
		return sdk.Denied(reasonAuthnContext, "the end user authenticated by %q, and authn_context demands %q", upstream.Shown(s.context), accepted)
	}
	if s.instant.After(now.Add(want.skew)) {
		return sdk.InvalidResponse(reasonAuthnStatement, "the end user is said to have authenticated at %s, and it is %s: is one of the clocks wrong?", s.instant.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	begun := want.begun
	if want.unsolicited {
		begun = issued.Add(-maxAge)
	}
	if want.forceAuthn && s.instant.Before(begun.Add(-want.skew)) {
		return sdk.Denied(reasonForceAuthn, "the end user authenticated at %s, before this login began, and force_authn is set", s.instant.Format(time.RFC3339))
	}
	return nil
}
