package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/crewjam/saml"

	"github.com/doorward/doorward/plugins/saml/internal/wall"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// BeginLogout sends the browser to the provider with a LogoutRequest (profiles
// section 4.4.4.1). There is nothing to do for a provider without an endpoint for
// it, and without a key of ours: an unsigned request would be refused.
func (m *mechanism) BeginLogout(ctx context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	var who grantContent
	if len(req.Grant) == 0 || m.own.signer == nil {
		return nil, nil
	}
	if err := json.Unmarshal(req.Grant, &who); err != nil || who.NameID == nil {
		return nil, nil
	}
	p, err := m.source.get(ctx)
	if err != nil {
		return nil, err
	}
	binding, to, ok := sloEndpoint(p, bindingRedirect)
	if !ok {
		return nil, nil
	}
	now := m.now()
	mem := memory{RequestID: newID(), Provider: fingerprint(p.entityID), Begun: now.UTC().Truncate(time.Second)}
	data, err := json.Marshal(mem)
	if err != nil {
		return nil, fmt.Errorf("encoding the memory of the logout: %w", err)
	}
	request := m.logoutRequest(mem.RequestID, to.location, who, now)
	return m.send(request.Element(), binding, sending{to: to.location, request: true, relayState: req.State, memory: data})
}

// logoutRequest names the end user exactly as the provider did.
func (m *mechanism) logoutRequest(id, destination string, who grantContent, now time.Time) *saml.LogoutRequest {
	until := now.Add(maxAge).UTC()
	req := &saml.LogoutRequest{
		ID: id, Version: samlVersion, IssueInstant: now.UTC(), NotOnOrAfter: &until, Destination: destination,
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

// sloEndpoint returns where logout messages go, by the binding that is preferred
// or the other one.
func sloEndpoint(p *provider, preferred string) (binding string, to endpoint, ok bool) {
	for _, binding := range []string{preferred, bindingRedirect, bindingPost} {
		if to, ok := p.slo[binding]; ok {
			return binding, to, true
		}
	}
	return "", endpoint{}, false
}

// ReceiveLogout reads a LogoutRequest of the provider's, or its LogoutResponse to
// ours, by either binding.
func (m *mechanism) ReceiveLogout(ctx context.Context, req sdk.LogoutMessage) (sdk.Logout, error) {
	logout, err := m.receiveLogout(ctx, req)
	if err != nil {
		m.refusedOut.remember(m.now(), err)
		return sdk.Logout{}, err
	}
	return logout, nil
}

func (m *mechanism) receiveLogout(ctx context.Context, req sdk.LogoutMessage) (sdk.Logout, error) {
	read := readRedirect
	if req.Request.Method == "POST" {
		read = readPost
	}
	msg, err := read(req.Request)
	if err != nil {
		return sdk.Logout{}, err
	}
	p, err := m.source.get(ctx)
	if err != nil {
		return sdk.Logout{}, err
	}
	v := m.verifier(ctx, p)
	want := m.expectation(m.logoutURL)
	want.provider = p.entityID
	e, err := verifiedLogout(msg, v, want)
	if err != nil {
		return sdk.Logout{}, err
	}
	if msg.request {
		return m.logoutRequested(e, msg, v.provider, want)
	}
	return m.logoutAnswered(e, msg, req)
}

// verifiedLogout returns the message, of which every byte was signed. A logout
// message without a signature would let anybody log anybody out.
func verifiedLogout(msg message, v *verifier, want expectation) (*wall.Element, error) {
	name := "LogoutResponse"
	if msg.request {
		name = "LogoutRequest"
	}
	root, err := wall.Parse(msg.xml, wall.Message())
	if err != nil {
		return nil, sdk.InvalidResponse(reasonXML, "the logout message: %w", err)
	}
	if !root.Is(nsProtocol, name) {
		return nil, sdk.InvalidResponse(reasonStructure, "a %s in place of a %s", upstream.Shown(root.Local), name)
	}
	if err := checkStructure(root); err != nil {
		return nil, err
	}
	e := root
	if msg.redirect != nil {
		err = v.verifyBytes(msg.redirect.verify, name)
	} else {
		e, err = v.verify(root, name)
	}
	if errors.Is(err, xmldsig.ErrUnsigned) {
		return nil, sdk.InvalidResponse(reasonUnsigned, "the %s is not signed: have the provider sign logout messages", name)
	}
	if err != nil {
		return nil, err
	}
	return e, checkLogoutHead(e, want, name)
}

// checkLogoutHead is core section 3.2 for a message that is signed: it must say who
// issued it and where it goes.
func checkLogoutHead(e *wall.Element, want expectation, name string) error {
	if err := checkHead(e, want, name); err != nil {
		return err
	}
	if len(e.All(nsAssertion, "Issuer")) != 1 {
		return sdk.InvalidResponse(reasonIssuer, "the %s does not say who issued it", name)
	}
	if destination := e.Value("Destination"); destination != want.recipient {
		return sdk.InvalidResponse(reasonDestination, "the %s is for %q, and we are %q: set the latter as single logout URL at the provider", name, upstream.Shown(destination), want.recipient)
	}
	return nil
}

// logoutRequested says which sessions the provider ends (core section 3.7.1), and
// what we answer. Without a SessionIndex it is all of the end user's.
func (m *mechanism) logoutRequested(e *wall.Element, msg message, p *provider, want expectation) (sdk.Logout, error) {
	if text, given := e.Attr("NotOnOrAfter"); given {
		until, err := parseTime(text)
		if err != nil {
			return sdk.Logout{}, sdk.InvalidResponse(reasonTime, "NotOnOrAfter of the LogoutRequest %w", err)
		}
		if !want.now.Before(until.Add(want.skew)) {
			return sdk.Logout{}, sdk.InvalidResponse(reasonExpired, "the LogoutRequest was good until %s", until.Format(time.RFC3339))
		}
	}
	who, err := readSubjectID(e, want.decrypt)
	if err != nil {
		return sdk.Logout{}, err
	}
	if who == nil {
		return sdk.Logout{}, sdk.InvalidResponse(reasonLogoutRequest, "the LogoutRequest names nobody")
	}
	logout := sdk.Logout{Subject: who.logoutKey(p.entityID, m.entityID), OnceID: "logout " + e.Value("ID")}
	issued, _ := parseTime(e.Value("IssueInstant"))
	logout.OnceUntil = onceUntil(issued, want.skew)
	if logout.SessionIDs, err = sessionIndexes(e); err != nil {
		return sdk.Logout{}, err
	}
	logout.Reply, err = m.logoutReply(e.Value("ID"), msg, p)
	return logout, err
}

func sessionIndexes(e *wall.Element) ([]string, error) {
	var indexes []string
	for _, index := range e.All(nsProtocol, "SessionIndex") {
		text, ok := index.Text()
		if !ok || text == "" || len(indexes) == sdk.MaxLogoutSessions {
			return nil, sdk.InvalidResponse(reasonLogoutRequest, "the LogoutRequest has a SessionIndex that is none, or more than %d", sdk.MaxLogoutSessions)
		}
		indexes = append(indexes, sessionText(text))
	}
	return indexes, nil
}

// logoutReply is the LogoutResponse (core section 3.7.2), by the binding of the
// request if the provider has an endpoint for that.
func (m *mechanism) logoutReply(requestID string, msg message, p *provider) (sdk.Step, error) {
	binding := bindingPost
	if msg.redirect != nil {
		binding = bindingRedirect
	}
	binding, to, ok := sloEndpoint(p, binding)
	if !ok {
		return nil, nil
	}
	relayState := msg.relayState
	if len(relayState) > maxRelayState {
		relayState = ""
	}
	response := &saml.LogoutResponse{
		ID: newID(), InResponseTo: requestID, Version: samlVersion, IssueInstant: m.now().UTC(), Destination: to.response,
		Issuer: &saml.Issuer{Value: m.entityID},
		Status: saml.Status{StatusCode: saml.StatusCode{Value: statusSuccess}},
	}
	return m.send(response.Element(), binding, sending{to: to.response, relayState: relayState})
}

// logoutAnswered says how a logout ended that we had begun.
func (m *mechanism) logoutAnswered(e *wall.Element, msg message, req sdk.LogoutMessage) (sdk.Logout, error) {
	var mem memory
	if err := json.Unmarshal(req.Memory, &mem); err != nil || mem.RequestID == "" {
		return sdk.Logout{}, sdk.InvalidResponse(reasonUnsolicited, "a LogoutResponse, and this browser has no logout under way")
	}
	if e.Value("InResponseTo") != mem.RequestID {
		return sdk.Logout{}, sdk.InvalidResponse(reasonInResponseTo, "the LogoutResponse does not answer the request of this logout")
	}
	if req.State != "" && msg.relayState != req.State {
		return sdk.Logout{}, sdk.InvalidResponse(reasonRelayState, "RelayState is not that of this logout")
	}
	top, second, err := statusCodes(e)
	if err != nil {
		return sdk.Logout{}, err
	}
	if top == statusSuccess && second != statusPartialLogout {
		return sdk.Logout{Outcome: sdk.LogoutDone}, nil
	}
	m.logger.Warn("the provider did not log the end user out everywhere", "status", upstream.Shown(top), "second_status", upstream.Shown(second))
	return sdk.Logout{Outcome: sdk.LogoutPartial}, nil
}
