package samltest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"time"
)

// Request is the request of a service provider.
type Request struct {
	ID              string
	Issuer          string
	ACS             string
	RelayState      string
	Destination     string
	ForceAuthn      bool
	IsPassive       bool
	NameIDFormat    string
	SPNameQualifier string
	Contexts        []string
	Comparison      string
	Signed          bool // the message or the query carries a signature
}

// Draft is a response before it is written. Empty fields are omitted.
type Draft struct {
	ID, Version, InResponseTo, Destination, Issuer, IssueInstant string

	// Status has the status codes from outside to inside; StatusMessage is the text.
	Status        []string
	StatusMessage string

	Assertion *AssertionDraft // nil for none

	// SignResponse and SignAssertion select what is signed with Signing.
	SignResponse, SignAssertion bool
	Signing                     Signing

	// Encryption encrypts the assertion after it was signed; nil means no encryption.
	Encryption *Encryption

	Style Style
}

// AssertionDraft is an assertion before it is written. Empty fields are omitted.
type AssertionDraft struct {
	ID, Version, Issuer, IssueInstant string

	NameID, NameIDFormat, NameQualifier, SPNameQualifier string
	NoSubject                                            bool
	EncryptNameID                                        *Encryption
	Confirmations                                        []Confirmation

	NoConditions            bool
	NotBefore, NotOnOrAfter string
	Audiences               [][]string // restrictions, each with its audiences
	Conditions              string     // additional conditions, as XML

	NoStatement                                     bool
	AuthnInstant, SessionIndex, SessionNotOnOrAfter string
	Context                                         string

	Attributes []Attribute

	// Extra is XML that is added at the end of the assertion.
	Extra string
}

// Confirmation is a SubjectConfirmation.
type Confirmation struct {
	Method, Recipient, NotBefore, NotOnOrAfter, InResponseTo string
	NoData                                                   bool
}

// The methods and names that a draft begins with.
const (
	Bearer        = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	Persistent    = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	Transient     = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	Email         = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	Success       = "urn:oasis:names:tc:SAML:2.0:status:Success"
	PasswordClass = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	RSASHA256     = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	ECDSASHA256   = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
	SHA256        = "http://www.w3.org/2001/04/xmlenc#sha256"
)

// NewID returns a new ID.
func NewID() string { return "_" + rand.Text() }

// Time formats a time for SAML.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (p *IdP) signing() Signing {
	s := Signing{Key: p.Key(), Method: RSASHA256, Digest: SHA256, Prefix: p.config.Style.Signature, NoKeyInfo: p.config.Style.NoKeyInfo}
	if _, ok := s.Key.Signer.Public().(*ecdsa.PublicKey); ok {
		s.Method = ECDSASHA256
	}
	if p.config.Style.Typed {
		s.Inclusive = "xs"
	}
	return s
}

// Draft returns a valid response to a request. Without an ID in the request, the response is
// unsolicited.
func (p *IdP) Draft(req Request, user User) *Draft {
	now := p.config.Now()
	format := user.Format
	if format == "" {
		format = Persistent
	}
	d := &Draft{
		ID: NewID(), Version: "2.0", InResponseTo: req.ID, Destination: req.ACS, Issuer: p.EntityID(), IssueInstant: Time(now),
		Status:       []string{Success},
		SignResponse: p.config.SignResponse, SignAssertion: p.config.SignAssertion,
		Signing: p.signing(), Style: p.config.Style,
	}
	d.Assertion = &AssertionDraft{
		ID: NewID(), Version: "2.0", Issuer: p.EntityID(), IssueInstant: Time(now),
		NameID: user.NameID, NameIDFormat: format,
		Confirmations: []Confirmation{{
			Method: Bearer, Recipient: req.ACS, NotOnOrAfter: Time(now.Add(5 * time.Minute)), InResponseTo: req.ID,
		}},
		NotBefore: Time(now.Add(-time.Minute)), NotOnOrAfter: Time(now.Add(5 * time.Minute)),
		Audiences:    [][]string{{req.Issuer}},
		AuthnInstant: Time(now), SessionIndex: "session-of-" + user.NameID, SessionNotOnOrAfter: Time(now.Add(8 * time.Hour)),
		Context:    PasswordClass,
		Attributes: user.Attributes,
	}
	if p.config.EncryptTo != nil {
		d.Encryption = &Encryption{To: p.config.EncryptTo}
	}
	return d
}
