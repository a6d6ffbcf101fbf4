package main

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// readResponse checks the authorization response and returns its code.
func (m *mechanism) readResponse(req sdk.ContinueRequest) (string, error) {
	return codeflow.ReadResponse(req.Response, codeflow.Expectation{
		State: req.State, Mode: codeflow.ModeQuery, Issuer: cmp.Or(m.set.issuer, m.set.authorizeURL), IssuerFits: m.isIssuer, IssRequired: m.set.issuer != "",
	})
}

// isIssuer prevents mix-up attacks (RFC 9207 section 2.4). Without the option issuer, an
// iss must at least have the origin that the browser was sent to, which the iss of another
// configured provider does not have.
func (m *mechanism) isIssuer(iss string) bool {
	if m.set.issuer != "" {
		return iss == m.set.issuer
	}
	theirs, err := url.Parse(iss)
	if err != nil {
		return false
	}
	ours, err := url.Parse(m.set.authorizeURL)
	return err == nil && theirs.Scheme == ours.Scheme && strings.EqualFold(theirs.Host, ours.Host) && theirs.User == nil
}
