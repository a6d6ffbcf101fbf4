package samltest

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// LogoutDraft is a LogoutRequest, or with InResponseTo a LogoutResponse, before it is
// written. Empty fields are omitted.
type LogoutDraft struct {
	ID, Version, Issuer, IssueInstant, Destination string

	// Of a request.
	NotOnOrAfter                           string
	NameID, Format, NameQualifier, SPNameQ string
	SessionIndexes                         []string
	EncryptNameID                          *Encryption

	// Of a response.
	InResponseTo string
	Status       []string

	Signing Signing
}

// LogoutRequest drafts a request to log a user out, to a service provider.
func (p *IdP) LogoutRequest(destination string, user User, indexes ...string) *LogoutDraft {
	format := user.Format
	if format == "" {
		format = Persistent
	}
	now := p.config.Now()
	return &LogoutDraft{
		ID: NewID(), Version: "2.0", Issuer: p.EntityID(), IssueInstant: Time(now), Destination: destination,
		NotOnOrAfter: Time(now.Add(time.Minute)), NameID: user.NameID, Format: format, SessionIndexes: indexes, Signing: p.signing(),
	}
}

// LogoutResponse drafts the answer to a request.
func (p *IdP) LogoutResponse(destination, inResponseTo string, status ...string) *LogoutDraft {
	if len(status) == 0 {
		status = []string{Success}
	}
	return &LogoutDraft{
		ID: NewID(), Version: "2.0", Issuer: p.EntityID(), IssueInstant: Time(p.config.Now()), Destination: destination,
		InResponseTo: inResponseTo, Status: status, Signing: p.signing(),
	}
}

var logoutStyle = Style{Protocol: "samlp", Assertion: "saml", Signature: "ds"}

func (d *LogoutDraft) element() *etree.Element {
	w := writer{style: logoutStyle}
	name, content := "LogoutRequest", ""
	if d.Issuer != "" {
		content = w.element("saml:Issuer", "", escape(d.Issuer))
	}
	if len(d.Status) > 0 {
		name = "LogoutResponse"
		content += w.status(&Draft{Status: d.Status})
	}
	if d.NameID != "" {
		nameID := w.element("saml:NameID", attrs("Format", d.Format, "NameQualifier", d.NameQualifier, "SPNameQualifier", d.SPNameQ), escape(d.NameID))
		if d.EncryptNameID != nil {
			nameID = d.EncryptNameID.text(w, w.standalone(nameID), "EncryptedID")
		}
		content += nameID
	}
	for _, index := range d.SessionIndexes {
		content += w.element("samlp:SessionIndex", "", escape(index))
	}
	return parse(w.element("samlp:"+name, declaration("samlp", nsProtocol)+declaration("saml", nsAssertion)+
		attrs("ID", d.ID, "Version", d.Version, "IssueInstant", d.IssueInstant, "Destination", d.Destination,
			"NotOnOrAfter", d.NotOnOrAfter, "InResponseTo", d.InResponseTo), content))
}

func (d *LogoutDraft) param() string {
	if len(d.Status) > 0 {
		return "SAMLResponse"
	}
	return "SAMLRequest"
}

// Form returns the fields of the HTTP-POST binding. Without a key, the message is unsigned.
func (d *LogoutDraft) Form(relayState string) url.Values {
	root := d.element()
	if d.Signing.Key.Signer != nil {
		d.Signing.Sign(root)
	}
	doc := etree.NewDocument()
	doc.SetRoot(root)
	form := url.Values{d.param(): {base64.StdEncoding.EncodeToString(Serialise(logoutStyle, doc))}}
	if relayState != "" {
		form.Set("RelayState", relayState)
	}
	return form
}

// Query returns the query of the HTTP-Redirect binding. Without a key, it is unsigned.
func (d *LogoutDraft) Query(relayState string) string {
	doc := etree.NewDocument()
	doc.SetRoot(d.element())
	query := d.param() + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(Deflate(Serialise(logoutStyle, doc))))
	if relayState != "" {
		query += "&RelayState=" + url.QueryEscape(relayState)
	}
	if d.Signing.Key.Signer == nil {
		return query
	}
	query += "&SigAlg=" + url.QueryEscape(d.Signing.Method)
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(SignBytes([]byte(query), d.Signing.Method, d.Signing.Key)))
}

// Deflate compresses a message for the HTTP-Redirect binding.
func Deflate(data []byte) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(data); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// Inbound is a logout message of a service provider.
type Inbound struct {
	Name                     string // LogoutRequest or LogoutResponse
	ID, InResponseTo, Issuer string
	NameID, SessionIndex     string
	Status                   string
	Destination, RelayState  string
	Signed                   bool
}

// ReadLogout reads a logout message of a service provider from a query or a form.
func ReadLogout(values url.Values, redirect bool) (Inbound, error) {
	text := values.Get("SAMLRequest") + values.Get("SAMLResponse")
	var root *etree.Element
	var err error
	if redirect {
		root, err = readRedirect(text)
	} else {
		var data []byte
		if data, err = base64.StdEncoding.DecodeString(text); err == nil {
			root, err = read(data)
		}
	}
	if err != nil {
		return Inbound{}, err
	}
	m := Inbound{
		Name: root.Tag, ID: root.SelectAttrValue("ID", ""), InResponseTo: root.SelectAttrValue("InResponseTo", ""),
		Destination: root.SelectAttrValue("Destination", ""), RelayState: values.Get("RelayState"),
		Issuer: textOf(root, "./Issuer"), NameID: textOf(root, "./NameID"), SessionIndex: textOf(root, "./SessionIndex"),
		Signed: values.Get("Signature") != "" || root.FindElement("./Signature") != nil,
	}
	if code := root.FindElement("./Status/StatusCode"); code != nil {
		m.Status = code.SelectAttrValue("Value", "")
	}
	return m, nil
}

// serveLogout answers a LogoutRequest of the service provider, and shows a page for the
// answer to its own request.
func (p *IdP) serveLogout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxMessage)
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	m, err := ReadLogout(r.Form, r.Method == http.MethodGet)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if m.Name == "LogoutResponse" {
		fmt.Fprintln(w, "signed out: ", strings.ReplaceAll(m.Status, "<", ""))
		return
	}
	answer := p.LogoutResponse(p.config.Logout, m.ID)
	if r.Method == http.MethodGet {
		http.Redirect(w, r, p.config.Logout+"?"+answer.Query(m.RelayState), http.StatusSeeOther)
		return
	}
	page(w, "post.html", map[string]any{"Target": p.config.Logout, "Fields": answer.Form(m.RelayState)})
}
