package samltest

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/beevik/etree"
)

// maxMessage limits inflated messages.
const maxMessage = 1 << 20

// ReadRequest reads an AuthnRequest from the query of a redirect.
func ReadRequest(query url.Values) (Request, error) {
	root, err := readRedirect(query.Get("SAMLRequest"))
	if err != nil {
		return Request{}, err
	}
	return request(root, query.Get("RelayState"), query.Get("Signature") != "")
}

// ReadPostedRequest reads an AuthnRequest from the fields of a form.
func ReadPostedRequest(form url.Values) (Request, error) {
	data, err := base64.StdEncoding.DecodeString(form.Get("SAMLRequest"))
	if err != nil {
		return Request{}, fmt.Errorf("decoding a request: %w", err)
	}
	root, err := read(data)
	if err != nil {
		return Request{}, err
	}
	return request(root, form.Get("RelayState"), root.FindElement("./Signature") != nil)
}

func readRedirect(text string) (*etree.Element, error) {
	deflated, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("decoding a message: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), maxMessage))
	if err != nil {
		return nil, fmt.Errorf("inflating a message: %w", err)
	}
	return read(data)
}

func read(data []byte) (*etree.Element, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(data); err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	if doc.Root() == nil {
		return nil, errors.New("reading a message: it is empty")
	}
	return doc.Root(), nil
}

func request(root *etree.Element, relayState string, signed bool) (Request, error) {
	if root.Tag != "AuthnRequest" {
		return Request{}, fmt.Errorf("reading a request: it is a %s", root.Tag)
	}
	value := func(name string) string { return root.SelectAttrValue(name, "") }
	r := Request{
		ID: value("ID"), ACS: value("AssertionConsumerServiceURL"), Destination: value("Destination"),
		ForceAuthn: value("ForceAuthn") == "true", IsPassive: value("IsPassive") == "true",
		RelayState: relayState, Signed: signed, Issuer: textOf(root, "./Issuer"),
	}
	if policy := root.FindElement("./NameIDPolicy"); policy != nil {
		r.NameIDFormat, r.SPNameQualifier = policy.SelectAttrValue("Format", ""), policy.SelectAttrValue("SPNameQualifier", "")
	}
	if contexts := root.FindElement("./RequestedAuthnContext"); contexts != nil {
		r.Comparison = contexts.SelectAttrValue("Comparison", "")
		for _, class := range contexts.ChildElements() {
			r.Contexts = append(r.Contexts, class.Text())
		}
	}
	return r, nil
}

func textOf(e *etree.Element, path string) string {
	if found := e.FindElement(path); found != nil {
		return found.Text()
	}
	return ""
}
