package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestResponses introduces one fault at a time into a valid, signed response. An empty reason
// means that the response is still valid.
func TestResponses(t *testing.T) {
	r := openRig(t, samltest.Config{SignResponse: true, SignAssertion: true}, nil)
	at := func(d time.Duration) string { return samltest.Time(r.clock.Now().Add(d)) }
	confirmation := func(d *samltest.Draft) *samltest.Confirmation { return &d.Assertion.Confirmations[0] }
	for _, test := range []struct {
		name   string
		reason sdk.Reason
		change func(*samltest.Draft)
	}{
		{"nothing", "", func(*samltest.Draft) {}},

		{"H02 nothing is signed", reasonUnsigned, func(d *samltest.Draft) { d.SignResponse, d.SignAssertion = false, false }},
		{"H03 the response only", "", func(d *samltest.Draft) { d.SignAssertion = false }},
		{"H03 the assertion only", "", func(d *samltest.Draft) { d.SignResponse = false }},
		{"H04 a key of nobody, in KeyInfo", idp.ReasonSignature, func(d *samltest.Draft) { d.Signing.Key = samltest.OtherKey() }},

		{"H06 issuer of the response missing", validation.ReasonIssuer, func(d *samltest.Draft) { d.Issuer = "" }},
		{"H06 issuer of a response that is not signed missing", "", func(d *samltest.Draft) { d.Issuer, d.SignResponse = "", false }},
		{"H06 issuer of a response that is not signed wrong", validation.ReasonIssuer, func(d *samltest.Draft) { d.Issuer, d.SignResponse = "https://evil.example", false }},
		{"H06 no issuer anywhere", validation.ReasonIssuer, func(d *samltest.Draft) { d.Issuer, d.Assertion.Issuer, d.SignResponse = "", "", false }},
		{"H06 issuer of the response wrong", validation.ReasonIssuer, func(d *samltest.Draft) { d.Issuer = "https://evil.example" }},
		{"H06 issuer of the assertion missing", validation.ReasonIssuer, func(d *samltest.Draft) { d.Assertion.Issuer = "" }},
		{"H06 issuer of the assertion wrong", validation.ReasonIssuer, func(d *samltest.Draft) { d.Assertion.Issuer = "https://evil.example" }},
		{"H06 issuer in other letters", validation.ReasonIssuer, func(d *samltest.Draft) { d.Assertion.Issuer = strings.ToUpper(d.Issuer) }},

		{"H08 no ID of the response", idp.ReasonSignatureShape, func(d *samltest.Draft) { d.ID = "" }},
		{"H08 no ID of the assertion", idp.ReasonSignatureShape, func(d *samltest.Draft) { d.Assertion.ID, d.SignResponse = "", false }},
		{"H08 no ID of an assertion in a signed response", validation.ReasonID, func(d *samltest.Draft) { d.Assertion.ID, d.SignAssertion = "", false }},
		{"H08 an ID that is a UUID", "", func(d *samltest.Draft) { d.ID = "28338c8c-39ab-4b94-bcdc-46f68f99d962" }},
		{"H08 an ID that is a number", "", func(d *samltest.Draft) { d.Assertion.ID = "4312518550351640530" }},
		{"H08 an ID that is base64", "", func(d *samltest.Draft) { d.ID, d.Assertion.ID = "1ORZ+LQ7/YktMlk7RMJR==", "é:1" }},
		{"H08 an ID of 255 bytes", "", func(d *samltest.Draft) { d.Assertion.ID = strings.Repeat("1", 255) }},
		{"H08 an ID of 256 bytes", validation.ReasonStructure, func(d *samltest.Draft) { d.Assertion.ID = strings.Repeat("a", 256) }},
		{"H08 an ID with a space behind", validation.ReasonStructure, func(d *samltest.Draft) { d.Assertion.ID = d.ID + " " }},
		{"H08 an ID with a line break", validation.ReasonStructure, func(d *samltest.Draft) { d.ID = "a\nb" }},
		{"H08 the same ID twice", validation.ReasonStructure, func(d *samltest.Draft) { d.Assertion.ID = d.ID }},
		{"H08 the same number twice", validation.ReasonStructure, func(d *samltest.Draft) { d.ID, d.Assertion.ID = "1", "1" }},
		{"H08 two IDs in other letters", "", func(d *samltest.Draft) { d.ID, d.Assertion.ID = "1a", "1A" }},

		{"H14 no InResponseTo of the response", validation.ReasonInResponseTo, func(d *samltest.Draft) { d.InResponseTo = "" }},
		{"H14 another InResponseTo of the response", validation.ReasonInResponseTo, func(d *samltest.Draft) { d.InResponseTo = "_other" }},
		{"H14 no InResponseTo of the confirmation", validation.ReasonConfirmation, func(d *samltest.Draft) { confirmation(d).InResponseTo = "" }},
		{"H14 another InResponseTo of the confirmation", validation.ReasonConfirmation, func(d *samltest.Draft) { confirmation(d).InResponseTo = "_other" }},

		{"H16 no Recipient", validation.ReasonConfirmation, func(d *samltest.Draft) { confirmation(d).Recipient = "" }},
		{"H16 another Recipient", validation.ReasonConfirmation, func(d *samltest.Draft) { confirmation(d).Recipient = acsURL + "/" }},
		{"H16 no Destination, signed", validation.ReasonDestination, func(d *samltest.Draft) { d.Destination = "" }},
		{"H16 no Destination, not signed", "", func(d *samltest.Draft) { d.Destination, d.SignResponse = "", false }},
		{"H16 another Destination", validation.ReasonDestination, func(d *samltest.Draft) { d.Destination = "https://evil.example/acs" }},
		{"H16 Destination and Recipient by the other name", "", func(d *samltest.Draft) { d.Destination, confirmation(d).Recipient = ourBase+"/acs", ourBase+"/acs" }},
		{"H16 Recipient by the other name", "", func(d *samltest.Draft) { confirmation(d).Recipient = ourBase + "/acs" }},
		{"H16 Destination at another provider", validation.ReasonDestination, func(d *samltest.Draft) { d.Destination = strings.Replace(ourBase, "/test", "/other", 1) + "/acs" }},
		{"H16 Recipient at another provider", validation.ReasonConfirmation, func(d *samltest.Draft) {
			confirmation(d).Recipient = strings.Replace(ourBase, "/test", "/other", 1) + "/acs"
		}},
		{"H16 a Destination that goes on", validation.ReasonDestination, func(d *samltest.Draft) { d.Destination = ourBase + "/acs/" }},
		{"H16 Destination is the logout service", validation.ReasonDestination, func(d *samltest.Draft) { d.Destination = sloURL }},
		{"H16 a relative Destination", validation.ReasonDestination, func(d *samltest.Draft) { d.Destination = "/auth/login/test/callback" }},

		{"H17 no audience restriction", validation.ReasonAudience, func(d *samltest.Draft) { d.Assertion.Audiences = nil }},
		{"H17 a restriction without audience", validation.ReasonAudience, func(d *samltest.Draft) { d.Assertion.Audiences = [][]string{{}} }},
		{"H17 another audience", validation.ReasonAudience, func(d *samltest.Draft) { d.Assertion.Audiences = [][]string{{"https://other.example"}} }},
		{"H17 an empty audience", validation.ReasonAudience, func(d *samltest.Draft) { d.Assertion.Audiences = [][]string{{""}} }},
		{"H17 ours first of two", "", func(d *samltest.Draft) { d.Assertion.Audiences = [][]string{{usURL, "https://other.example"}} }},
		{"H17 ours last of two", "", func(d *samltest.Draft) { d.Assertion.Audiences = [][]string{{"https://other.example", usURL}} }},
		{"H17 two restrictions, one is not ours", validation.ReasonAudience, func(d *samltest.Draft) { d.Assertion.Audiences = [][]string{{usURL}, {"https://other.example"}} }},
		{"H17 two restrictions, both ours", "", func(d *samltest.Draft) { d.Assertion.Audiences = [][]string{{usURL}, {"x", usURL}} }},
		{"H17 white space around", "", func(d *samltest.Draft) { d.Assertion.Audiences = [][]string{{"\n " + usURL + "\n"}} }},

		{"H18 NotBefore in the future", validation.ReasonNotYetValid, func(d *samltest.Draft) { d.Assertion.NotBefore = at(2 * time.Minute) }},
		{"H18 NotBefore within the skew", "", func(d *samltest.Draft) { d.Assertion.NotBefore = at(30 * time.Second) }},
		{"H18 NotOnOrAfter past", validation.ReasonExpired, func(d *samltest.Draft) { d.Assertion.NotOnOrAfter = at(-time.Minute) }},
		{"H18 NotOnOrAfter within the skew", "", func(d *samltest.Draft) { d.Assertion.NotOnOrAfter = at(-59 * time.Second) }},
		{"H18 no times in the conditions", "", func(d *samltest.Draft) { d.Assertion.NotBefore, d.Assertion.NotOnOrAfter = "", "" }},
		{"H18 bearer past", validation.ReasonConfirmation, func(d *samltest.Draft) { confirmation(d).NotOnOrAfter = at(-time.Minute) }},
		{"H18 bearer without end", validation.ReasonConfirmation, func(d *samltest.Draft) { confirmation(d).NotOnOrAfter = "" }},
		{"H18 bearer with NotBefore past", "", func(d *samltest.Draft) { confirmation(d).NotBefore = at(-time.Minute) }},
		{"H18 bearer with NotBefore now", "", func(d *samltest.Draft) { confirmation(d).NotBefore = at(0) }},
		{"H18 bearer with NotBefore in the future", validation.ReasonConfirmation, func(d *samltest.Draft) { confirmation(d).NotBefore = at(2 * time.Minute) }},
		{"H18 bearer with NotBefore that is none", validation.ReasonConfirmation, func(d *samltest.Draft) { confirmation(d).NotBefore = "yesterday" }},
		{"H18 bearer with NotBefore and no end", validation.ReasonConfirmation, func(d *samltest.Draft) {
			confirmation(d).NotBefore, confirmation(d).NotOnOrAfter = at(-time.Minute), ""
		}},
		{"H18 response issued in the future", validation.ReasonIssueInstant, func(d *samltest.Draft) { d.IssueInstant = at(2 * time.Minute) }},
		{"H18 response issued long ago", validation.ReasonIssueInstant, func(d *samltest.Draft) { d.IssueInstant = at(-7 * time.Minute) }},
		{"H18 assertion issued in ten years", validation.ReasonIssueInstant, func(d *samltest.Draft) { d.Assertion.IssueInstant = at(87600 * time.Hour) }},
		{"H18 assertion issued long ago", validation.ReasonIssueInstant, func(d *samltest.Draft) { d.Assertion.IssueInstant = at(-7 * time.Minute) }},
		{"H18 a time without a zone", validation.ReasonTime, func(d *samltest.Draft) { d.Assertion.NotBefore = "2026-11-23T11:59:00" }},
		{"H18 a time in another zone", "", func(d *samltest.Draft) { d.Assertion.NotBefore = "2026-11-23T12:59:00+01:00" }},
		{"H18 hour 25", validation.ReasonTime, func(d *samltest.Draft) { d.Assertion.NotBefore = "2026-11-23T25:00:00Z" }},
		{"H18 year 10000", validation.ReasonTime, func(d *samltest.Draft) { d.Assertion.NotOnOrAfter = "10000-01-01T00:00:00Z" }},
		{"H18 a leap second", validation.ReasonTime, func(d *samltest.Draft) { d.Assertion.NotBefore = "2016-12-31T23:59:60Z" }},
		{"H18 no time at all", validation.ReasonTime, func(d *samltest.Draft) { d.IssueInstant = "" }},

		{"H19 no confirmation", validation.ReasonConfirmation, func(d *samltest.Draft) { d.Assertion.Confirmations = nil }},
		{"H19 holder of key", validation.ReasonConfirmation, func(d *samltest.Draft) { confirmation(d).Method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key" }},
		{"H19 sender vouches", validation.ReasonConfirmation, func(d *samltest.Draft) { confirmation(d).Method = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches" }},
		{"H19 two, the second is good", "", func(d *samltest.Draft) {
			d.Assertion.Confirmations = append([]samltest.Confirmation{{Method: samltest.Bearer, NoData: true}}, d.Assertion.Confirmations...)
		}},

		{"H20 no subject", validation.ReasonSubject, func(d *samltest.Draft) { d.Assertion.NoSubject = true }},
		{"H20 no NameID", validation.ReasonSubject, func(d *samltest.Draft) { d.Assertion.NameID = "" }},
		{"H20 a NameID of space", "", func(d *samltest.Draft) { d.Assertion.NameID = " " }},
		{"H20 a NameID with a line break", reasonIdentifier, func(d *samltest.Draft) { d.Assertion.NameID = "a\nb" }},
		{"H20 a NameID of 300 bytes", reasonIdentifier, func(d *samltest.Draft) { d.Assertion.NameID = strings.Repeat("a", 300) }},
		{"H20 no conditions", validation.ReasonConditions, func(d *samltest.Draft) { d.Assertion.NoConditions = true }},
		{"H20 no statement", validation.ReasonAuthnStatement, func(d *samltest.Draft) { d.Assertion.NoStatement = true }},
		{"H20 a confirmation without data", validation.ReasonConfirmation, func(d *samltest.Draft) { confirmation(d).NoData = true }},
		{"H20 an unknown condition", validation.ReasonConditions, func(d *samltest.Draft) { d.Assertion.Conditions = `<Condition/>` }},
		{"H20 OneTimeUse", "", func(d *samltest.Draft) { d.Assertion.Conditions = `<OneTimeUse/>` }},

		{"H21 no status", validation.ReasonStatusMissing, func(d *samltest.Draft) { d.Status = nil }},
		{"H21 an unknown status", validation.ReasonStatus, func(d *samltest.Draft) { d.Status = []string{"urn:x:" + strings.Repeat("y", 5000)} }},
		{"H21 success inside of an unknown one", validation.ReasonStatus, func(d *samltest.Draft) { d.Status = []string{"urn:x", samltest.Success} }},

		{"H26 the response of SAML 1.1", validation.ReasonVersion, func(d *samltest.Draft) { d.Version = "1.1" }},
		{"H26 the assertion without version", validation.ReasonVersion, func(d *samltest.Draft) { d.Assertion.Version = "" }},

		{"H37 the session is over", validation.ReasonSessionOver, func(d *samltest.Draft) { d.Assertion.SessionNotOnOrAfter = at(0) }},
		{"H37 the session has no end", "", func(d *samltest.Draft) { d.Assertion.SessionNotOnOrAfter = "" }},
		{"AuthnInstant missing", validation.ReasonTime, func(d *samltest.Draft) { d.Assertion.AuthnInstant = "" }},
		{"AuthnInstant in the future", validation.ReasonAuthnStatement, func(d *samltest.Draft) { d.Assertion.AuthnInstant = at(2 * time.Minute) }},

		{"H38 the same attribute in two formats", "", func(d *samltest.Draft) {
			d.Assertion.Attributes = []samltest.Attribute{{Name: "groups", Format: "a", Values: []string{"x"}}, {Name: "groups", Format: "b", Values: []string{"y"}}}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r.t = t
			_, err := r.login(func(d *samltest.Draft) {
				test.change(d)
				if d.Assertion.Conditions != "" { // in the style of no prefix
					d.Style = samltest.Style{Protocol: "samlp", Signature: "ds"}
				}
			})
			if test.reason == "" && err != nil {
				t.Fatal(err)
			}
			if test.reason != "" {
				refused(t, err, test.reason)
			}
		})
	}
}

// TestH38_TwoFormats: a value in two formats counts once, and an identifier with two
// different values is refused.
func TestH38_TwoFormats(t *testing.T) {
	with := func(values map[string]any, attributes ...samltest.Attribute) (sdk.Identity, error) {
		t.Helper()
		return openRig(t, samltest.Config{}, values).loginAs(samltest.User{NameID: "bob", Attributes: attributes}, nil)
	}
	basic, uri := "urn:oasis:names:tc:SAML:2.0:attrname-format:basic", "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
	attribute := func(format string, values ...string) samltest.Attribute {
		return samltest.Attribute{Name: "uid", Format: format, Values: values}
	}
	byUID := map[string]any{"identifier_key": "uid"}
	got, err := with(byUID, attribute(basic, "alice"), attribute(uri, "alice"))
	if err != nil || got.Subject != "alice" || got.Claims["uid"] != "alice" {
		t.Errorf("%q %v %v", got.Subject, got.Claims, err)
	}
	got, err = with(map[string]any{"groups_key": "uid"}, attribute(basic, "a", "b"), attribute(uri, "b", "c"), attribute(basic, "b"))
	if err != nil || !slices.Equal(got.Groups, []string{"a", "b", "c", "b"}) {
		t.Errorf("%q %v", got.Groups, err)
	}
	_, err = with(byUID, attribute(basic, "alice"), attribute(uri, "root"))
	plugintest.Refused(t, err, sdk.ErrInvalidResponse, reasonIdentifier)
	_, err = with(byUID, attribute(basic, "alice"), attribute(basic, "alice"))
	plugintest.Refused(t, err, sdk.ErrInvalidResponse, reasonIdentifier)
}

// TestStatus distinguishes the refusals of the identity provider (H21).
func TestH21_Status(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	for _, test := range []struct {
		status []string
		kind   error
		reason sdk.Reason
	}{
		{[]string{saml2.StatusResponder, saml2.StatusAuthnFailed}, sdk.ErrDenied, sdk.ReasonBadCredentials},
		{[]string{saml2.StatusRequester, saml2.StatusRequestDenied}, sdk.ErrDenied, sdk.ReasonNotAllowed},
		{[]string{saml2.StatusResponder, saml2.StatusNoPassive}, sdk.ErrDenied, validation.ReasonNoPassive},
		{[]string{saml2.StatusResponder, saml2.StatusNoAuthnContext}, sdk.ErrDenied, validation.ReasonAuthnContext},
		{[]string{saml2.StatusRequester, saml2.StatusInvalidPolicy}, sdk.ErrMisconfigured, validation.ReasonStatus},
		{[]string{saml2.StatusRequester}, sdk.ErrMisconfigured, validation.ReasonStatus},
		{[]string{saml2.StatusVersionMismatch}, sdk.ErrMisconfigured, validation.ReasonStatus},
		{[]string{saml2.StatusResponder}, sdk.ErrUnavailable, validation.ReasonStatus},
	} {
		_, err := r.login(func(d *samltest.Draft) {
			d.Assertion, d.Status, d.StatusMessage = nil, test.status, "<script>"+strings.Repeat("x", 100_000)
		})
		plugintest.Refused(t, err, test.kind, test.reason)
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("the error has %d bytes", len(err.Error()))
		}
	}
	_, err := r.login(func(d *samltest.Draft) { d.Assertion = nil })
	refused(t, err, reasonAssertionMissing)
	_, err = r.login(func(d *samltest.Draft) {
		d.Assertion, d.Status, d.InResponseTo = nil, []string{saml2.StatusResponder}, "_x"
	})
	refused(t, err, validation.ReasonInResponseTo)
}

// TestH03_Policy requires more than the default.
func TestH03_Policy(t *testing.T) {
	sign := func(response, assertion bool) func(*samltest.Draft) {
		return func(d *samltest.Draft) { d.SignResponse, d.SignAssertion = response, assertion }
	}
	for option, bad := range map[string]func(*samltest.Draft){
		"sp_want_assertions_signed": sign(true, false), "sp_want_message_signed": sign(false, true),
	} {
		r := openRig(t, samltest.Config{}, map[string]any{option: true})
		if _, err := r.login(sign(true, true)); err != nil {
			t.Errorf("%s: both signed: %v", option, err)
		}
		_, err := r.login(bad)
		refused(t, err, reasonUnsigned)
	}
}

// TestH03_BothMustHold: every signature must be valid, even if one would be sufficient.
func TestH03_BothMustHold(t *testing.T) {
	r := openRig(t, samltest.Config{SignResponse: true, SignAssertion: true}, nil)
	req, memory := r.begin()
	draft := r.idp.Draft(req, alice)
	draft.Assertion.Extra = ""
	good := string(r.idp.Write(draft))
	value := regexp.MustCompile(`SignatureValue>([^<]{20})`)
	places := value.FindAllStringSubmatchIndex(good, -1)
	if len(places) != 2 {
		t.Fatalf("%d signatures", len(places))
	}
	for _, place := range places {
		bad := good[:place[2]] + "AAAAAAAAAAAAAAAAAAAA" + good[place[3]:]
		_, err := r.present([]byte(bad), memory)
		refused(t, err, idp.ReasonSignature)
	}
}

// TestH05_KeyOfAnotherProvider signs with the key of another configured identity provider.
func TestH05_KeyOfAnotherProvider(t *testing.T) {
	mine := openRig(t, samltest.Config{}, nil)
	other := openRig(t, samltest.Config{EntityID: "https://other.example"}, nil)
	other.idp.SetKeys(samltest.OtherKey(), samltest.OtherKey())
	_, err := mine.login(func(d *samltest.Draft) { d.Signing.Key = other.idp.Key() })
	refused(t, err, idp.ReasonSignature)
}

func TestH11_Algorithms(t *testing.T) {
	const more, plain = "http://www.w3.org/2001/04/xmldsig-more#", "http://www.w3.org/2000/09/xmldsig#"
	const pss = "http://www.w3.org/2007/05/xmldsig-more#"
	r := openRig(t, samltest.Config{}, nil)
	lax := openRig(t, samltest.Config{}, map[string]any{"insecure_allow_sha1": true})
	for _, test := range []struct {
		method, digest string
		good, laxGood  bool
	}{
		{more + "rsa-sha256", samltest.SHA256, true, true},
		{more + "rsa-sha384", more + "sha384", true, true},
		{more + "rsa-sha512", "http://www.w3.org/2001/04/xmlenc#sha512", true, true},
		{plain + "rsa-sha1", samltest.SHA256, false, true},
		{more + "rsa-sha256", plain + "sha1", false, true},
		{plain + "rsa-sha1", plain + "sha1", false, true},
		{pss + "sha256-rsa-MGF1", samltest.SHA256, true, true},
		{pss + "sha384-rsa-MGF1", more + "sha384", true, true},
		{pss + "sha512-rsa-MGF1", "http://www.w3.org/2001/04/xmlenc#sha512", true, true},
		{pss + "sha1-rsa-MGF1", samltest.SHA256, false, false},
		{pss + "rsa-pss", samltest.SHA256, false, false},
		{more + "rsa-md5", samltest.SHA256, false, false},
		{more + "rsa-sha256", more + "md5", false, false},
		{plain + "hmac-sha1", samltest.SHA256, false, false},
		{more + "hmac-sha256", samltest.SHA256, false, false},
		{plain + "dsa-sha1", samltest.SHA256, false, false},
		{"", samltest.SHA256, false, false},
		{more + "rsa-sha256", "", false, false},
	} {
		change := func(d *samltest.Draft) { d.Signing.Method, d.Signing.Digest = test.method, test.digest }
		for _, side := range []struct {
			rig  *rig
			good bool
		}{{r, test.good}, {lax, test.laxGood}} {
			_, err := side.rig.login(change)
			if side.good && err != nil {
				t.Errorf("%s with %s: %v", test.method, test.digest, err)
			}
			if !side.good {
				refused(t, err, idp.ReasonAlgorithm)
			}
		}
	}
}

func TestH11_KeyConfusion(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	const pkcs1, pss = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
	for _, test := range [][3]string{
		{pkcs1, pkcs1, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"},
		{pkcs1, pkcs1, pss},
		{pss, pss, pkcs1},
		{pss, pss, "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1"},
	} {
		_, err := r.login(func(d *samltest.Draft) {
			d.Signing.Method = test[0]
			d.Signing.Info = func(info string) string { return strings.Replace(info, test[1], test[2], 1) }
		})
		refused(t, err, idp.ReasonSignature)
	}
}

// TestH11_Advice: the advice fits what was refused.
func TestH11_Advice(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	const more, plain = "http://www.w3.org/2001/04/xmldsig-more#", "http://www.w3.org/2000/09/xmldsig#"
	replace := func(old, replacement string) func(string) string {
		return func(info string) string { return strings.Replace(info, old, replacement, 1) }
	}
	for _, test := range []struct {
		change func(*samltest.Signing)
		wants  string
		not    string
	}{
		{func(s *samltest.Signing) { s.Method = plain + "rsa-sha1" }, "insecure_allow_sha1", "digest"},
		{func(s *samltest.Signing) { s.Digest = plain + "sha1" }, "insecure_allow_sha1", "exclusive"},
		{func(s *samltest.Signing) { s.Method = plain + "dsa-sha1" }, "sign with RSA or ECDSA, and SHA-256", "insecure"},
		{func(s *samltest.Signing) { s.Digest = more + "md5" }, "digests with SHA-256", "insecure"},
		{func(s *samltest.Signing) {
			s.Info = replace(`CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"`, `CanonicalizationMethod Algorithm="http://www.w3.org/2006/12/xml-c14n11"`)
		}, "exclusive canonicalization", "SHA"},
	} {
		_, err := r.login(func(d *samltest.Draft) { test.change(&d.Signing) })
		refused(t, err, idp.ReasonAlgorithm)
		if err != nil && (!strings.Contains(err.Error(), test.wants) || strings.Contains(err.Error(), test.not)) {
			t.Errorf("%v\nwant %s, and not %s", err, test.wants, test.not)
		}
	}
}

func TestECDSA(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		private, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key := samltest.Certify(private, time.Now().AddDate(-5, 0, 0), time.Now().AddDate(5, 0, 0))
		other := openRig(t, samltest.Config{}, nil)
		other.idp.SetKeys(key, key)
		r := openRig(t, samltest.Config{}, map[string]any{"idp_metadata": string(other.idp.Metadata().XML())})
		_, err = r.login(func(d *samltest.Draft) { d.Signing.Key, d.Signing.Method = key, samltest.ECDSASHA256 })
		if err != nil {
			t.Errorf("%s: %v", curve.Params().Name, err)
		}
		_, err = r.login(func(d *samltest.Draft) { d.Signing.Key, d.Signing.Method = key, samltest.RSASHA256 })
		refused(t, err, idp.ReasonSignature)
	}
}

// TestSignatureShapes changes a signature before it is created, so that the key has signed
// the changes (H09, H10, H12).
func TestSignatureShapes(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	replace := func(old, replacement string) func(string) string {
		return func(xml string) string {
			if !strings.Contains(xml, old) {
				t.Fatalf("no %s in %s", old, xml)
			}
			return strings.Replace(xml, old, replacement, 1)
		}
	}
	reference := regexp.MustCompile(`<Reference.*</Reference>`)
	uri := regexp.MustCompile(`URI="#[^"]*"`)
	const first = `<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>`
	const second = `<Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></Transform>`
	transform := func(algorithm string) string { return fmt.Sprintf(`<Transform Algorithm="%s"/>`, algorithm) }
	for _, test := range []struct {
		name            string
		reason          sdk.Reason
		info, signature func(string) string
	}{
		{"H09 no reference", idp.ReasonSignatureShape, func(s string) string { return reference.ReplaceAllString(s, "") }, nil},
		{"H09 two references", idp.ReasonSignatureShape, func(s string) string { return reference.ReplaceAllString(s, "$0$0") }, nil},
		{"H09 an empty URI", idp.ReasonSignatureShape, func(s string) string { return uri.ReplaceAllString(s, `URI=""`) }, nil},
		{"H09 no URI", idp.ReasonSignatureShape, func(s string) string { return uri.ReplaceAllString(s, ``) }, nil},
		{"H09 an external URI", idp.ReasonSignatureShape, func(s string) string { return uri.ReplaceAllString(s, `URI="https://evil.example/x"`) }, nil},
		{"H09 another element", idp.ReasonSignatureShape, func(s string) string { return uri.ReplaceAllString(s, `URI="#_other"`) }, nil},
		{"H09 XPointer", idp.ReasonSignatureShape, func(s string) string { return uri.ReplaceAllString(s, `URI="#xpointer(/)"`) }, nil},
		{"H10 XSLT", idp.ReasonSignatureShape, replace(first, transform("http://www.w3.org/TR/1999/REC-xslt-19991116")), nil},
		{"H10 XPath", idp.ReasonAlgorithm, replace(second, transform("http://www.w3.org/TR/1999/REC-xpath-19991116")), nil},
		{"H10 base64", idp.ReasonAlgorithm, replace(second, transform("http://www.w3.org/2000/09/xmldsig#base64")), nil},
		{"H10 three transforms", idp.ReasonSignatureShape, replace(first, first+first), nil},
		{"H10 no canonicalization", idp.ReasonSignatureShape, replace(second, ""), nil},
		{"H10 no transforms", idp.ReasonSignatureShape, replace(first+second, ""), nil},
		{"H10 with comments, where there are none", "", replace(second, transform("http://www.w3.org/2001/10/xml-exc-c14n#WithComments")), nil},
		{"H10 with comments, written otherwise", idp.ReasonAlgorithm, replace(second, transform("http://www.w3.org/2001/10/xml-exc-c14n#withcomments")), nil},
		{"H10 with comments, no exclusive one", idp.ReasonAlgorithm, replace(second, transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments")), nil},
		{"H10 inclusive", idp.ReasonAlgorithm, replace(second, transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315")), nil},
		{"H10 the other way round", idp.ReasonSignatureShape, replace(first+second, second+first), nil},
		{"H10 SignedInfo of version 1.1", idp.ReasonAlgorithm, replace(`CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"`, `CanonicalizationMethod Algorithm="http://www.w3.org/2006/12/xml-c14n11"`), nil},
		{"H10 SignedInfo inclusive, and prefixes", idp.ReasonAlgorithm, replace(`CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>`,
			`CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"><InclusiveNamespaces xmlns="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="x"/></CanonicalizationMethod>`), nil},
		{"H10 SignedInfo with comments, where there are none", "", replace(`CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"`, `CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#WithComments"`), nil},
		{"H10 SignedInfo with nothing", idp.ReasonAlgorithm, replace(`CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"`, `CanonicalizationMethod Algorithm=""`), nil},
		{"H11 a truncated HMAC", idp.ReasonSignatureShape, replace(`#rsa-sha256"/>`, `#rsa-sha256"><HMACOutputLength>8</HMACOutputLength></SignatureMethod>`), nil},
		{"H12 two SignedInfo", idp.ReasonSignatureShape, nil, func(s string) string {
			return strings.Replace(s, "<SignatureValue>", `<SignedInfo></SignedInfo><SignatureValue>`, 1)
		}},
		{"H12 two SignatureValue", idp.ReasonSignatureShape, nil, replace("<SignatureValue>", "<SignatureValue></SignatureValue><SignatureValue>")},
		{"H12 two DigestValue", idp.ReasonSignatureShape, replace("<DigestValue>", "<DigestValue></DigestValue><DigestValue>"), nil},
		{"H12 a comment in DigestValue", reasonXML, nil, replace("<DigestValue>", "<DigestValue><!--x-->")},
		{"H12 an element in DigestValue", idp.ReasonSignatureShape, replace("<DigestValue>", "<DigestValue><x/>"), nil},
		{"H12 no SignatureValue", idp.ReasonSignatureShape, nil, func(s string) string {
			return regexp.MustCompile(`<SignatureValue>.*</SignatureValue>`).ReplaceAllString(s, "")
		}},
		{"H12 a bare Signature", idp.ReasonSignatureShape, nil, func(string) string { return `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>` }},
		{"H12 an Object", idp.ReasonSignatureShape, nil, replace("</Signature>", "<Object/></Signature>")},
		{"KeyInfo with anything", "", nil, replace("<KeyInfo>", "<KeyInfo><KeyName>x</KeyName>")},
	} {
		for _, where := range []string{"assertion", "response"} {
			t.Run(test.name+", "+where, func(t *testing.T) {
				r.t = t
				_, err := r.login(func(d *samltest.Draft) {
					d.SignResponse, d.SignAssertion = where == "response", where == "assertion"
					d.Signing.Prefix, d.Signing.Info, d.Signing.Signature = "", test.info, test.signature
				})
				if test.reason == "" && err != nil {
					t.Fatal(err)
				}
				if test.reason != "" {
					refused(t, err, test.reason)
				}
			})
		}
	}
}

func TestH36_AuthnContext(t *testing.T) {
	const mfa = "https://refeds.org/profile/mfa"
	r := openRig(t, samltest.Config{}, map[string]any{"authn_context": mfa + ",urn:other"})
	req, _ := r.begin()
	if req.Comparison != "exact" || len(req.Contexts) != 2 || req.Contexts[0] != mfa {
		t.Errorf("%+v", req)
	}
	_, err := r.login(nil)
	plugintest.Refused(t, err, sdk.ErrDenied, validation.ReasonAuthnContext)
	_, err = r.login(func(d *samltest.Draft) { d.Assertion.Context = "" })
	plugintest.Refused(t, err, sdk.ErrDenied, validation.ReasonAuthnContext)
	identity, err := r.login(func(d *samltest.Draft) { d.Assertion.Context = mfa })
	if err != nil || identity.ACR != mfa {
		t.Errorf("%q, %v", identity.ACR, err)
	}
}

func TestForceAuthn(t *testing.T) {
	r := openRig(t, samltest.Config{}, map[string]any{"force_authn": true})
	if req, _ := r.begin(); !req.ForceAuthn {
		t.Errorf("%+v", req)
	}
	if _, err := r.login(nil); err != nil {
		t.Error(err)
	}
	_, err := r.login(func(d *samltest.Draft) { d.Assertion.AuthnInstant = samltest.Time(r.clock.Now().Add(-time.Hour)) })
	plugintest.Refused(t, err, sdk.ErrDenied, validation.ReasonForceAuthn)
}
