package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/crewjam/saml"

	"github.com/doorward/doorward/plugins/saml/internal/bindings"
	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// BeginLogout sends the browser to the identity provider with a LogoutRequest (profiles
// section 4.4.4.1). It does nothing if the identity provider has no logout endpoint, or if
// Doorward has no key: an unsigned request would be refused.
func (m *mechanism) BeginLogout(ctx context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	var who grantContent
	if len(req.Grant) == 0 || m.own.Signer == nil {
		return nil, nil
	}
	if err := json.Unmarshal(req.Grant, &who); err != nil || who.NameID == nil {
		return nil, nil
	}
	p, err := m.source.Get(ctx)
	if err != nil {
		return nil, err
	}
	binding, to, ok := sloEndpoint(p, saml2.BindingRedirect)
	if !ok {
		return nil, nil
	}
	now := m.now()
	mem := memory{RequestID: newID(), Provider: validation.Fingerprint(p.EntityID), Begun: now.UTC().Truncate(time.Second)}
	data, err := json.Marshal(mem)
	if err != nil {
		return nil, fmt.Errorf("encoding the state of the logout: %w", err)
	}
	request := m.logoutRequest(mem.RequestID, to.Location, who, now)
	return m.send(request.Element(), binding, bindings.Sending{To: to.Location, Request: true, RelayState: req.State, Memory: data})
}

// logoutRequest names the user exactly as the identity provider did.
func (m *mechanism) logoutRequest(id, destination string, who grantContent, now time.Time) *saml.LogoutRequest {
	until := now.Add(validation.MaxAge).UTC()
	req := &saml.LogoutRequest{
		ID: id, Version: saml2.Version, IssueInstant: now.UTC(), NotOnOrAfter: &until, Destination: destination,
		Issuer: &saml.Issuer{Value: m.entityID},
		NameID: &saml.NameID{
			Value: who.NameID.Value, Format: who.NameID.Format,
			NameQualifier: who.NameID.NameQualifier, SPNameQualifier: who.NameID.SPNameQualifier,
		},
	}
	if who.SessionIndex != "" {
		req.SessionIndex = &saml.SessionIndex{Value: who.SessionIndex}
	}
	return req
}

// sloEndpoint returns the destination of logout messages, preferably by the given binding.
func sloEndpoint(p *idp.Provider, preferred string) (binding string, to idp.Endpoint, ok bool) {
	for _, binding := range []string{preferred, saml2.BindingRedirect, saml2.BindingPost} {
		if to, ok := p.SLO[binding]; ok {
			return binding, to, true
		}
	}
	return "", idp.Endpoint{}, false
}

// ReceiveLogout reads a LogoutRequest of the identity provider, or its LogoutResponse, by
// either binding.
func (m *mechanism) ReceiveLogout(ctx context.Context, req sdk.LogoutMessage) (sdk.Logout, error) {
	logout, err := m.receiveLogout(ctx, req)
	if err != nil {
		m.refusedLogouts.remember(m.now(), err)
		return sdk.Logout{}, err
	}
	return logout, nil
}

func (m *mechanism) receiveLogout(ctx context.Context, req sdk.LogoutMessage) (sdk.Logout, error) {
	read := bindings.ReadRedirect
	if req.Request.Method == "POST" {
		read = bindings.ReadPost
	}
	msg, err := read(req.Request)
	if err != nil {
		return sdk.Logout{}, err
	}
	p, err := m.source.Get(ctx)
	if err != nil {
		return sdk.Logout{}, err
	}
	v := m.verifier(ctx, p)
	want := m.expectation([]string{m.logoutURL})
	want.Provider = p.EntityID
	e, err := verifiedLogout(msg, v, want)
	if err != nil {
		return sdk.Logout{}, err
	}
	if msg.Request {
		return m.logoutRequested(e, msg, v.Provider, want)
	}
	return m.logoutAnswered(e, msg, req)
}

// verifiedLogout returns the message, every byte of which was signed. Unsigned logout
// messages would let anyone log out others.
func verifiedLogout(msg bindings.Message, v *idp.Verifier, want validation.Expectation) (*strictxml.Element, error) {
	name := "LogoutResponse"
	if msg.Request {
		name = "LogoutRequest"
	}
	root, err := strictxml.Parse(msg.XML, strictxml.Message())
	if err != nil {
		return nil, sdk.InvalidResponse(reasonXML, "the logout message: %w", err)
	}
	if !root.Is(saml2.Protocol, name) {
		return nil, sdk.InvalidResponse(validation.ReasonStructure, "a %s instead of a %s", upstream.Shown(root.Local), name)
	}
	if err := validation.CheckStructure(root); err != nil {
		return nil, err
	}
	e := root
	if msg.Redirect != nil {
		err = v.VerifyBytes(msg.Redirect.Verify, name)
	} else {
		e, err = v.Verify(root, name)
	}
	if errors.Is(err, xmldsig.ErrUnsigned) {
		return nil, sdk.InvalidResponse(reasonUnsigned, "the %s is not signed: configure the identity provider to sign logout messages", name)
	}
	if err != nil {
		return nil, err
	}
	return e, checkLogoutHead(e, want, name)
}

// checkLogoutHead checks core section 3.2 for a signed message, which must name its issuer
// and its destination.
func checkLogoutHead(e *strictxml.Element, want validation.Expectation, name string) error {
	if err := validation.CheckHead(e, want, name); err != nil {
		return err
	}
	if len(e.All(saml2.Assertion, "Issuer")) != 1 {
		return sdk.InvalidResponse(validation.ReasonIssuer, "the %s does not say who issued it", name)
	}
	if destination := e.Value("Destination"); !want.IsFor(destination) {
		return sdk.InvalidResponse(validation.ReasonDestination, "the %s is for %q, but Doorward is %q: set the latter as the single logout URL at the identity provider", name, upstream.Shown(destination), want.Recipients[0])
	}
	return nil
}

// logoutRequested returns which sessions the identity provider ends (core section 3.7.1), and
// our answer. Without a SessionIndex, these are all sessions of the user.
func (m *mechanism) logoutRequested(e *strictxml.Element, msg bindings.Message, p *idp.Provider, want validation.Expectation) (sdk.Logout, error) {
	if text, given := e.Attr("NotOnOrAfter"); given {
		until, err := saml2.ParseTime(text)
		if err != nil {
			return sdk.Logout{}, sdk.InvalidResponse(validation.ReasonTime, "NotOnOrAfter of the LogoutRequest %w", err)
		}
		if !want.Now.Before(until.Add(want.Skew)) {
			return sdk.Logout{}, sdk.InvalidResponse(validation.ReasonExpired, "the LogoutRequest was valid until %s", until.Format(time.RFC3339))
		}
	}
	who, err := validation.ReadSubjectID(e, want.Decrypt)
	if err != nil {
		return sdk.Logout{}, err
	}
	if who == nil {
		return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutRequest, "the LogoutRequest does not name a user")
	}
	logout := sdk.Logout{Subject: who.LogoutKey(p.EntityID, m.entityID), OnceID: "logout " + e.Value("ID")}
	issued, _ := saml2.ParseTime(e.Value("IssueInstant"))
	logout.OnceUntil = validation.OnceUntil(issued, want.Skew)
	if logout.SessionIDs, err = sessionIndexes(e); err != nil {
		return sdk.Logout{}, err
	}
	logout.Reply, err = m.logoutReply(e.Value("ID"), msg, p)
	return logout, err
}

func sessionIndexes(e *strictxml.Element) ([]string, error) {
	var indexes []string
	for _, index := range e.All(saml2.Protocol, "SessionIndex") {
		text, ok := index.Text()
		if !ok || text == "" || len(indexes) == sdk.MaxLogoutSessions {
			return nil, sdk.InvalidResponse(reasonLogoutRequest, "the LogoutRequest has an empty or malformed SessionIndex, or more than %d", sdk.MaxLogoutSessions)
		}
		indexes = append(indexes, validation.SessionText(text))
	}
	return indexes, nil
}

// logoutReply is the LogoutResponse (core section 3.7.2). It uses the binding of the request
// if the identity provider has an endpoint for it.
func (m *mechanism) logoutReply(requestID string, msg bindings.Message, p *idp.Provider) (sdk.Step, error) {
	binding := saml2.BindingPost
	if msg.Redirect != nil {
		binding = saml2.BindingRedirect
	}
	binding, to, ok := sloEndpoint(p, binding)
	if !ok {
		return nil, nil
	}
	relayState := msg.RelayState
	if len(relayState) > bindings.MaxRelayState {
		relayState = ""
	}
	response := &saml.LogoutResponse{
		ID: newID(), InResponseTo: requestID, Version: saml2.Version, IssueInstant: m.now().UTC(), Destination: to.Response,
		Issuer: &saml.Issuer{Value: m.entityID},
		Status: saml.Status{StatusCode: saml.StatusCode{Value: saml2.StatusSuccess}},
	}
	return m.send(response.Element(), binding, bindings.Sending{To: to.Response, RelayState: relayState})
}

// logoutAnswered returns the result of a logout that Doorward began.
func (m *mechanism) logoutAnswered(e *strictxml.Element, msg bindings.Message, req sdk.LogoutMessage) (sdk.Logout, error) {
	var mem memory
	if err := json.Unmarshal(req.Memory, &mem); err != nil || mem.RequestID == "" {
		return sdk.Logout{}, sdk.InvalidResponse(reasonUnsolicited, "a LogoutResponse, but this browser has no logout in progress")
	}
	if e.Value("InResponseTo") != mem.RequestID {
		return sdk.Logout{}, sdk.InvalidResponse(validation.ReasonInResponseTo, "the LogoutResponse does not answer the request of this logout")
	}
	if req.State != "" && msg.RelayState != req.State {
		return sdk.Logout{}, sdk.InvalidResponse(reasonRelayState, "RelayState does not belong to this logout")
	}
	top, second, err := validation.StatusCodes(e)
	if err != nil {
		return sdk.Logout{}, err
	}
	if top == saml2.StatusSuccess && second != saml2.StatusPartialLogout {
		return sdk.Logout{Outcome: sdk.LogoutDone}, nil
	}
	m.logger.Warn("the identity provider did not log the user out everywhere", "status", upstream.Shown(top), "second_status", upstream.Shown(second))
	return sdk.Logout{Outcome: sdk.LogoutPartial}, nil
}
