package ldaptest

import (
	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// Operation is the kind of a request.
type Operation string

// The operations.
const (
	Bind           Operation = "bind"
	Search         Operation = "search"
	StartTLS       Operation = "start_tls"
	PasswordModify Operation = "password_modify"
	Modify         Operation = "modify"
	Connect        Operation = "connect" // no request yet
)

const (
	oidStartTLS       = "1.3.6.1.4.1.1466.20037"
	oidPasswordModify = "1.3.6.1.4.1.4203.1.11.1" // RFC 3062
	oidPasswordPolicy = "1.3.6.1.4.1.42.2.27.8.5.1"
)

func message(id int64, op *ber.Packet, controls ...Control) []byte {
	p := ber.NewSequence("LDAPMessage")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, "messageID"))
	p.AppendChild(op)
	if len(controls) > 0 {
		list := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "controls")
		for _, c := range controls {
			control := ber.NewSequence("control")
			control.AppendChild(octets(c.OID))
			control.AppendChild(octets(string(c.Value)))
			list.AppendChild(control)
		}
		p.AppendChild(list)
	}
	return p.Bytes()
}

func octets(text string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, text, "")
}

func result(tag ber.Tag, a Answer) *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "result")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(a.Code), "resultCode"))
	p.AppendChild(octets(""))
	p.AppendChild(octets(a.Text))
	return p
}

// tagOf returns the tag of the response to an operation.
func tagOf(op Operation) ber.Tag {
	switch op {
	case Bind:
		return ldap.ApplicationBindResponse
	case Search:
		return ldap.ApplicationSearchResultDone
	case Modify:
		return ldap.ApplicationModifyResponse
	}
	return ldap.ApplicationExtendedResponse
}

// Result encodes the final response to an operation.
func Result(id int64, op Operation, a Answer) []byte {
	return message(id, result(tagOf(op), a), a.Controls...)
}

// SearchEntry encodes one entry of a search result.
func SearchEntry(id int64, dn string, attributes map[string][]string) []byte {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultEntry, nil, "entry")
	p.AppendChild(octets(dn))
	list := ber.NewSequence("attributes")
	for name, values := range attributes {
		attribute := ber.NewSequence("attribute")
		attribute.AppendChild(octets(name))
		set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "vals")
		for _, value := range values {
			set.AppendChild(octets(value))
		}
		attribute.AppendChild(set)
		list.AppendChild(attribute)
	}
	p.AppendChild(list)
	return message(id, p)
}

// SearchReference encodes a continuation reference, as Active Directory sends it with every
// search of its root.
func SearchReference(id int64, url string) []byte {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultReference, nil, "reference")
	p.AppendChild(octets(url))
	return message(id, p)
}

// Policy returns the control of draft-behera-ldap-password-policy-10 section 6.2. Negative
// numbers are omitted.
func Policy(expire, grace, failure int64) Control {
	value := ber.NewSequence("PasswordPolicyResponseValue")
	if expire >= 0 || grace >= 0 {
		warning := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "warning")
		tag, n := ber.Tag(0), expire
		if grace >= 0 {
			tag, n = 1, grace
		}
		warning.AppendChild(ber.NewInteger(ber.ClassContext, ber.TypePrimitive, tag, n, ""))
		value.AppendChild(warning)
	}
	if failure >= 0 {
		value.AppendChild(ber.NewInteger(ber.ClassContext, ber.TypePrimitive, 1, failure, "error"))
	}
	return Control{OID: oidPasswordPolicy, Value: value.Bytes()}
}

// Paging returns the control of RFC 2696 for a result; a cookie announces more pages.
func Paging(cookie string) Control {
	value := ber.NewSequence("realSearchControlValue")
	value.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(0), "size"))
	value.AppendChild(octets(cookie))
	return Control{OID: ldap.ControlTypePaging, Value: value.Bytes()}
}
