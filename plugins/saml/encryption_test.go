package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// pemKey encodes a private key as operators store it.
func pemKey(t testing.TB, key samltest.Key) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func pemCertificate(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func encryptionRig(t testing.TB, values map[string]any) *rig {
	t.Helper()
	if values == nil {
		values = map[string]any{}
	}
	values["sp_private_key"] = pemKey(t, samltest.OtherKey())
	return openRig(t, samltest.Config{Style: samltest.Styles[0]}, values)
}

func to(c samltest.Key) *samltest.Encryption { return &samltest.Encryption{To: c.Certificate} }

func TestEncryption(t *testing.T) {
	r := encryptionRig(t, nil)
	for _, content := range []string{samltest.AES128GCM, samltest.AES192GCM, samltest.AES256GCM} {
		for _, key := range []samltest.Encryption{
			{MGF: "sha1"}, {Digest: "sha1", MGF: "sha1"},
			{}, {Digest: "sha1"}, {Digest: "sha256"}, {Beside: true},
			{Key: samltest.OAEP, Digest: "sha256", MGF: "sha256"}, {Key: samltest.OAEP, Digest: "sha512", MGF: "sha1"}, {Key: samltest.OAEP},
		} {
			key.To, key.Content = samltest.OtherKey().Certificate, content
			identity, err := r.login(func(d *samltest.Draft) { d.Encryption = &key })
			if err != nil || identity.Subject != "alice-0001" {
				t.Errorf("%s with %+v: %v", content, key, err)
			}
		}
	}
	for _, style := range samltest.Styles {
		_, err := r.login(func(d *samltest.Draft) { d.Style, d.Encryption = style, to(samltest.OtherKey()) })
		if err != nil {
			t.Errorf("%s: %v", style.Name, err)
		}
		_, err = r.login(func(d *samltest.Draft) {
			d.Style, d.Encryption, d.SignAssertion, d.SignResponse = style, to(samltest.OtherKey()), false, true
		})
		if err != nil {
			t.Errorf("%s, response signed: %v", style.Name, err)
		}
	}
	_, err := r.login(func(d *samltest.Draft) { d.Assertion.EncryptNameID = to(samltest.OtherKey()) })
	if err != nil {
		t.Errorf("encrypted NameID: %v", err)
	}
}

// TestH24_InnerUnsigned: encryption does not replace a signature. Anyone can encrypt to us.
func TestH24_InnerUnsigned(t *testing.T) {
	r := encryptionRig(t, nil)
	_, err := r.login(func(d *samltest.Draft) { d.Encryption, d.SignAssertion = to(samltest.OtherKey()), false })
	refused(t, err, reasonUnsigned)
	_, err = r.login(func(d *samltest.Draft) {
		d.Encryption, d.Signing.Key = to(samltest.OtherKey()), samltest.OtherKey()
	})
	refused(t, err, idp.ReasonSignature)
}

// TestH23_OneError: all decryption failures return the same error.
func TestH23_OneError(t *testing.T) {
	r := encryptionRig(t, nil)
	keyText := regexp.MustCompile(`(<xenc:EncryptedKey.*?CipherValue>)[^<]*`)
	said := map[string]bool{}
	for name, change := range map[string]samltest.Encryption{
		"less than a nonce":            {Cipher: func(b []byte) []byte { return b[:11] }},
		"nothing":                      {Cipher: func([]byte) []byte { return nil }},
		"less than a tag":              {Cipher: func(b []byte) []byte { return b[:20] }},
		"a bit in the tag":             {Cipher: flip(-1)},
		"a bit in the text":            {Cipher: flip(40)},
		"a bit in the nonce":           {Cipher: flip(3)},
		"a key that is no ciphertext":  {XML: func(s string) string { return keyText.ReplaceAllString(s, "${1}AAAA") }},
		"an empty key":                 {XML: func(s string) string { return keyText.ReplaceAllString(s, "${1}") }},
		"a key for somebody else":      {To: samltest.DefaultKey().Certificate},
		"an AES key of another length": {XML: func(s string) string { return strings.Replace(s, "aes256-gcm", "aes128-gcm", 1) }},
	} {
		if change.To == nil {
			change.To = samltest.OtherKey().Certificate
		}
		_, err := r.login(func(d *samltest.Draft) { d.Encryption = &change })
		t.Run(name, func(t *testing.T) { refused(t, err, reasonDecrypt) })
		if err != nil {
			said[err.Error()] = true
		}
	}
	if len(said) != 1 {
		t.Errorf("%d different texts: %v", len(said), said)
	}
}

// TestH23_Decrypted: decrypted content that is refused has the kind and the reason of a wrong
// key, and so the same page. Only its text, which the operator reads, says what is wrong.
func TestH23_Decrypted(t *testing.T) {
	r := encryptionRig(t, nil)
	for name, test := range map[string]struct {
		plain func([]byte) []byte
		says  string
	}{
		"spaces":          {func([]byte) []byte { return []byte("   ") }, "no element"},
		"a comment":       {func([]byte) []byte { return []byte("<!-- x -->") }, "a comment"},
		"nothing":         {func([]byte) []byte { return nil }, "no element"},
		"no XML":          {func([]byte) []byte { return []byte("alice") }, "no element"},
		"another element": {func([]byte) []byte { return []byte("<x/>") }, "a x instead of an assertion"},
		"a DOCTYPE":       {func(b []byte) []byte { return append([]byte("<!DOCTYPE x>"), b...) }, "a document type"},
		"two assertions":  {func(b []byte) []byte { return append(bytes.Clone(b), b...) }, "something after the root"},
		"an unknown name": {func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("saml:"), []byte("nowhere:")) }, "prefix of nowhere:Assertion is not declared"},
		"a second subject": {func(b []byte) []byte {
			return bytes.Replace(b, []byte("</saml:Subject>"), []byte("</saml:Subject><saml:Assertion/>"), 1)
		}, "an assertion in another place"},
	} {
		for _, covered := range []bool{false, true} {
			_, err := r.login(func(d *samltest.Draft) {
				d.Encryption = &samltest.Encryption{To: samltest.OtherKey().Certificate, Plain: test.plain}
				d.SignResponse, d.SignAssertion = covered, !covered
			})
			refused(t, err, reasonDecrypt)
			if err != nil && (!strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "cannot be decrypted")) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestSeveralKeys decrypts content that is encrypted for several recipients (core section
// 2.2.4).
func TestSeveralKeys(t *testing.T) {
	r := encryptionRig(t, nil)
	encryptedKey := regexp.MustCompile(`<xenc:EncryptedKey.*</xenc:EncryptedKey>`)
	bogus := func(attributes, algorithm string) string {
		return `<xenc:EncryptedKey xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"` + attributes + `><xenc:EncryptionMethod Algorithm="` + algorithm + `"/>` +
			`<xenc:CipherData><xenc:CipherValue>` + base64.StdEncoding.EncodeToString(make([]byte, 256)) + `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>`
	}
	oaep, other := bogus("", samltest.OAEPMGF1P), bogus(` Recipient="https://other.example"`, samltest.OAEPMGF1P)
	named := func(key, recipient string) string {
		return strings.Replace(key, "<xenc:EncryptedKey ", `<xenc:EncryptedKey Recipient="`+recipient+`" `, 1)
	}
	for _, test := range []struct {
		name   string
		reason sdk.Reason
		keys   func(good string) string
	}{
		{"the same twice", "", func(good string) string { return good + good }},
		{"ours last of eight", "", func(good string) string { return strings.Repeat(oaep, 7) + good }},
		{"ours first", "", func(good string) string { return good + oaep }},
		{"one for another recipient", "", func(good string) string { return other + named(good, usURL) }},
		{"seven for others, ours without a name", "", func(good string) string { return strings.Repeat(other, 7) + good }},
		{"all for other names", "", func(good string) string { return other + named(good, "our name at the provider") }},
		{"one of RSA 1.5 beside", "", func(good string) string { return bogus("", samltest.RSA15) + good }},
		{"one for us that is not, and a good one for another", reasonDecrypt, func(good string) string {
			return bogus(` Recipient="`+usURL+`"`, samltest.OAEPMGF1P) + named(good, "https://other.example")
		}},
		{"RSA 1.5 only", idp.ReasonAlgorithm, func(string) string { return strings.Repeat(bogus("", samltest.RSA15), 2) }},
		{"none of ours", reasonDecrypt, func(string) string { return strings.Repeat(oaep, 8) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r.t = t
			_, err := r.login(func(d *samltest.Draft) {
				d.Encryption = &samltest.Encryption{To: samltest.OtherKey().Certificate, XML: func(s string) string {
					return encryptedKey.ReplaceAllStringFunc(s, test.keys)
				}}
			})
			if test.reason == "" && err != nil {
				t.Fatal(err)
			}
			if test.reason != "" {
				refused(t, err, test.reason)
			}
		})
	}
	// At most eight RSA operations are made for a message: the ninth would use our key.
	two := openRig(t, samltest.Config{}, map[string]any{"sp_enc_private_key": pemKey(t, samltest.DefaultKey()) + pemKey(t, samltest.OtherKey())})
	for count, reason := range map[int]sdk.Reason{3: "", 8: reasonDecrypt} {
		_, err := two.login(func(d *samltest.Draft) {
			d.Encryption = &samltest.Encryption{To: samltest.OtherKey().Certificate, XML: func(s string) string {
				return encryptedKey.ReplaceAllStringFunc(s, func(good string) string { return good + strings.Repeat(oaep, count-1) })
			}}
		})
		if reason == "" && err != nil {
			t.Errorf("%d keys: %v", count, err)
		}
		if reason != "" {
			refused(t, err, reason)
		}
	}
}

// TestH24_PrefixesAround: content that only the signature of the response covers is read with
// the namespaces that this signature covers. Otherwise an attacker who delivers the response
// could bind a prefix again, and so remove something from the assertion.
func TestH24_PrefixesAround(t *testing.T) {
	r := encryptionRig(t, map[string]any{"groups_key": "groups"})
	present := func(draft *samltest.Draft, memory []byte, around string) (sdk.Identity, error) {
		t.Helper()
		message := string(r.idp.Write(draft))
		return r.present([]byte(strings.Replace(message, "<samlp:Response ", "<samlp:Response "+around+" ", 1)), memory)
	}
	encrypted := func(plain func(string) string, response bool) (*samltest.Draft, []byte) {
		req, memory := r.begin()
		d := r.idp.Draft(req, alice)
		d.Style, d.Signing.Inclusive = samltest.Style{Protocol: "samlp", Assertion: "saml", Signature: "ds", Typed: true}, ""
		d.SignResponse, d.SignAssertion = response, !response
		d.Encryption = &samltest.Encryption{To: samltest.OtherKey().Certificate, Plain: func(b []byte) []byte { return []byte(plain(string(b))) }}
		return d, memory
	}
	const schema = `xmlns:xs="http://www.w3.org/2001/XMLSchema"`
	const instance = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`
	const assertion = `xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`
	without := func(declarations ...string) func(string) string {
		return func(s string) string {
			for _, d := range declarations {
				if !strings.Contains(s, d) {
					t.Fatalf("no %s in %s", d, s)
				}
				s = strings.ReplaceAll(s, " "+d, "")
			}
			return s
		}
	}
	draft, memory := encrypted(without(schema, instance, assertion), true)
	if got, err := present(draft, memory, schema+" "+instance); err != nil || len(got.Groups) != 2 {
		t.Errorf("with the prefixes of the response: %q %v", got.Groups, err)
	}
	other := func(s string) string { return strings.ReplaceAll(s, "saml:AttributeStatement", "q:AttributeStatement") }
	for _, around := range []string{`xmlns:q="urn:oasis:names:tc:SAML:2.0:assertion"`, `xmlns:q="urn:elsewhere"`, ``} {
		draft, memory := encrypted(other, true)
		_, err := present(draft, memory, around)
		refused(t, err, reasonDecrypt)
	}
	// A signature inside also covers the meaning of the prefixes in it, even if they are
	// bound again in between.
	same := func(s string) string { return s }
	draft, memory = encrypted(same, false)
	if _, err := present(draft, memory, `xmlns:q="urn:x"`); err != nil {
		t.Error(err)
	}
	req, memory := r.begin()
	draft = r.idp.Draft(req, alice)
	draft.Style, draft.Encryption = samltest.Style{Protocol: "samlp", Assertion: "saml", Signature: "ds"}, to(samltest.OtherKey())
	message := strings.Replace(string(r.idp.Write(draft)), "<xenc:EncryptedData ", `<xenc:EncryptedData xmlns:saml="urn:x" xmlns="urn:y" `, 1)
	if _, err := r.present([]byte(message), memory); err != nil {
		t.Errorf("a prefix that is bound again around: %v", err)
	}
}

// TestH23_Advice: the advice fits the algorithm.
func TestH23_Advice(t *testing.T) {
	strict, lax := encryptionRig(t, nil), encryptionRig(t, map[string]any{"insecure_allow_cbc": true})
	cbc := samltest.Encryption{Content: samltest.AES256CBC}
	for _, test := range []struct {
		name    string
		rig     *rig
		change  samltest.Encryption
		covered bool
		reason  sdk.Reason
		says    string
		not     string
	}{
		{"CBC in a signed response", strict, cbc, true, idp.ReasonAlgorithm, "or set insecure_allow_cbc", "RSA"},
		{"CBC in one that is not signed", strict, cbc, false, idp.ReasonAlgorithm, "have it sign the whole response and set insecure_allow_cbc", "RSA"},
		{"CBC that is allowed, not signed", lax, cbc, false, reasonCBCUnsigned, "signed as a whole", "insecure_allow_cbc"},
		{"RSA 1.5", strict, samltest.Encryption{Key: samltest.RSA15}, true, idp.ReasonAlgorithm, "use RSA-OAEP", "CBC"},
		{"RSA 1.5, CBC is allowed", lax, samltest.Encryption{Key: samltest.RSA15}, false, idp.ReasonAlgorithm, "use RSA-OAEP", "CBC"},
		{"RSA 1.5 and CBC", strict, samltest.Encryption{Key: samltest.RSA15, Content: samltest.AES128CBC}, true, idp.ReasonAlgorithm, "use RSA-OAEP", "insecure"},
		{"triple DES", lax, samltest.Encryption{XML: func(s string) string {
			return strings.Replace(s, samltest.AES256GCM, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc", 1)
		}}, true, idp.ReasonAlgorithm, "use AES-GCM", "insecure_allow_cbc"},
	} {
		change := test.change
		change.To = samltest.OtherKey().Certificate
		_, err := test.rig.login(func(d *samltest.Draft) { d.Encryption, d.SignResponse = &change, test.covered })
		refused(t, err, test.reason)
		if err != nil && (!strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), test.not)) {
			t.Errorf("%s: %v\nwant %q, and not %q", test.name, err, test.says, test.not)
		}
	}
}

// TestSigningOrder tests what the README says about idp_message_signing_order: a response
// that is signed before its assertion is encrypted cannot be verified.
func TestSigningOrder(t *testing.T) {
	r := encryptionRig(t, map[string]any{"idp_message_signing_order": "sign-then-encrypt"})
	for _, response := range []bool{false, true} {
		for _, assertion := range []bool{!response, true} {
			_, err := r.login(func(d *samltest.Draft) {
				d.Encryption, d.SignResponse, d.SignAssertion = to(samltest.OtherKey()), response, assertion
			})
			if err != nil {
				t.Errorf("response signed %t, assertion signed %t: %v", response, assertion, err)
			}
		}
	}
	req, memory := r.begin()
	draft := r.idp.Draft(req, alice)
	draft.SignResponse = true
	signed := draft.Document()
	assertion := signed.FindElement("/Response/Assertion")
	draft.Encryption, draft.SignResponse = to(samltest.OtherKey()), false
	encrypted := draft.Document().FindElement("/Response/EncryptedAssertion")
	signed.Root().RemoveChild(assertion)
	signed.Root().AddChild(encrypted.Copy())
	_, err := r.present(samltest.Serialise(draft.Style, signed), memory)
	refused(t, err, idp.ReasonSignature)
	if err != nil && !strings.Contains(err.Error(), "encrypt") {
		t.Errorf("the order is not named: %v", err)
	}
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		b = bytes.Clone(b)
		b[(at+len(b))%len(b)] ^= 1
		return b
	}
}

// TestH23_Refused: unencrypted properties are refused before anything is decrypted.
func TestH23_Refused(t *testing.T) {
	r := encryptionRig(t, nil)
	encryptedKey := regexp.MustCompile(`<xenc:EncryptedKey.*</xenc:EncryptedKey>`)
	replace := func(old, replacement string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, replacement, 1) }
	}
	for _, test := range []struct {
		name   string
		reason sdk.Reason
		change samltest.Encryption
	}{
		{"RSA 1.5", idp.ReasonAlgorithm, samltest.Encryption{Key: samltest.RSA15}},
		{"AES-CBC", idp.ReasonAlgorithm, samltest.Encryption{Content: samltest.AES256CBC}},
		{"AES-CBC, not whole blocks", idp.ReasonAlgorithm, samltest.Encryption{Content: samltest.AES128CBC, Cipher: func(b []byte) []byte { return b[:33] }}},
		{"triple DES", idp.ReasonAlgorithm, samltest.Encryption{XML: replace(samltest.AES256GCM, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")}},
		{"no algorithm", idp.ReasonAlgorithm, samltest.Encryption{XML: replace(samltest.AES256GCM, "")}},
		{"an unknown digest", idp.ReasonAlgorithm, samltest.Encryption{Digest: "sha256", XML: replace("xmlenc#sha256", "xmlenc#md5")}},
		{"another mask than rsa-oaep-mgf1p has", idp.ReasonAlgorithm, samltest.Encryption{MGF: "sha256"}},
		{"a mask that does not exist", idp.ReasonAlgorithm, samltest.Encryption{MGF: "sha1", XML: replace("#mgf1sha1", "#mgf2sha1")}},
		{"a label", idp.ReasonAlgorithm, samltest.Encryption{XML: replace(`rsa-oaep-mgf1p">`, `rsa-oaep-mgf1p"><xenc:OAEPparams>AAAA</xenc:OAEPparams>`)}},
		{"nine keys", reasonDecrypt, samltest.Encryption{XML: func(s string) string { return encryptedKey.ReplaceAllString(s, strings.Repeat("$0", 9)) }}},
		{"no key", reasonDecrypt, samltest.Encryption{XML: func(s string) string { return encryptedKey.ReplaceAllString(s, "") }}},
		{"no base64", reasonDecrypt, samltest.Encryption{XML: replace("CipherValue>", "CipherValue>*")}},
		{"no data", reasonDecrypt, samltest.Encryption{XML: replace("EncryptedData", "Encrypteddata")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r.t = t
			change := test.change
			change.To = samltest.OtherKey().Certificate
			if test.name == "no data" {
				change.XML = func(s string) string { return strings.ReplaceAll(s, "EncryptedData", "Encrypteddata") }
			}
			_, err := r.login(func(d *samltest.Draft) { d.Encryption = &change })
			refused(t, err, test.reason)
		})
	}
}

// TestH23_CBC: with the option, AES-CBC is decrypted only under a signature, so that nobody
// can observe how we handle changed text.
func TestH23_CBC(t *testing.T) {
	r := encryptionRig(t, map[string]any{"insecure_allow_cbc": true})
	for _, content := range []string{samltest.AES128CBC, samltest.AES192CBC, samltest.AES256CBC} {
		change := &samltest.Encryption{To: samltest.OtherKey().Certificate, Content: content}
		if _, err := r.login(func(d *samltest.Draft) { d.Encryption, d.SignResponse = change, true }); err != nil {
			t.Errorf("%s: %v", content, err)
		}
		_, err := r.login(func(d *samltest.Draft) { d.Encryption = change })
		refused(t, err, reasonCBCUnsigned)
		for _, spoil := range []func([]byte) []byte{flip(-1), flip(20), func(b []byte) []byte { return b[:33] }, func(b []byte) []byte { return b[:16] }} {
			bad := *change
			bad.Cipher = spoil
			_, err := r.login(func(d *samltest.Draft) { d.Encryption, d.SignResponse, d.SignAssertion = &bad, true, false })
			refused(t, err, reasonDecrypt)
		}
	}
	// Changed after it was signed: nothing is decrypted.
	req, memory := r.begin()
	draft := r.idp.Draft(req, alice)
	draft.Encryption, draft.SignResponse = &samltest.Encryption{To: samltest.OtherKey().Certificate, Content: samltest.AES128CBC}, true
	text := string(r.idp.Write(draft))
	at := strings.LastIndex(text, "CipherValue>A")
	if at < 0 {
		at = strings.LastIndex(text, "</xenc:CipherValue>") - 40
	}
	bad := text[:at+14] + "AAAA" + text[at+18:]
	_, err := r.present([]byte(bad), memory)
	refused(t, err, idp.ReasonSignature)
}

// TestH31_Rollover decrypts with an old key while a new one is introduced.
func TestH31_Rollover(t *testing.T) {
	fresh := samltest.NewRSAKey()
	r := openRig(t, samltest.Config{}, map[string]any{
		"sp_enc_private_key": pemKey(t, fresh) + pemKey(t, samltest.OtherKey()),
		"sp_certificate":     pemCertificate(fresh.Certificate),
	})
	for _, key := range []samltest.Key{fresh, samltest.OtherKey()} {
		if _, err := r.login(func(d *samltest.Draft) { d.Encryption = to(key) }); err != nil {
			t.Error(err)
		}
	}
	doc, err := r.Metadata(t.Context())
	if err != nil || !strings.Contains(string(doc.Content), base64.StdEncoding.EncodeToString(fresh.Certificate.Raw)) {
		t.Errorf("the new key is not published: %v", err)
	}
	without := openRig(t, samltest.Config{}, nil)
	_, err = without.login(func(d *samltest.Draft) { d.Encryption = to(fresh) })
	plugintest.Refused(t, err, sdk.ErrMisconfigured, reasonNoDecryptionKey)
	demanding := encryptionRig(t, map[string]any{"idp_is_assertion_encrypted": true})
	_, err = demanding.login(nil)
	refused(t, err, reasonNotEncrypted)
}

// TestForeignEncryption reads content encrypted by xmlsec1.
func TestForeignEncryption(t *testing.T) {
	needXMLSec(t)
	r := encryptionRig(t, nil)
	for _, bits := range []string{"128", "192", "256"} {
		req, memory := r.begin()
		draft := r.idp.Draft(req, alice)
		encrypted := r.idp.Write(draft)
		start, end := bytes.Index(encrypted, []byte("<saml:Assertion")), bytes.Index(encrypted, []byte("</samlp:Response>"))
		template := `<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element">` +
			`<xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes` + bits + `-gcm"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` +
			`<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey>` +
			`</ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>`
		dir := t.TempDir()
		for name, content := range map[string]string{
			"template.xml": template, "plain.xml": string(encrypted[start:end]), "cert.pem": pemCertificate(samltest.OtherKey().Certificate),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), "xmlsec1", "--encrypt", "--pubkey-cert-pem", "cert.pem", "--session-key", "aes-"+bits, "--xml-data", "plain.xml", "template.xml")
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("xmlsec1: %v", err)
		}
		data := out[bytes.Index(out, []byte("<xenc:EncryptedData")):]
		message := slices.Concat(encrypted[:start], []byte("<saml:EncryptedAssertion>"), data, []byte("</saml:EncryptedAssertion>"), encrypted[end:])
		if _, err := r.present(message, memory); err != nil {
			t.Errorf("AES-%s: %v", bits, err)
		}
	}
}
