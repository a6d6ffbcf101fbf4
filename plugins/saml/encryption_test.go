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

// pemKey writes a private key as an operator has it.
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

// TestH24_InnerUnsigned: encrypted is not signed. Anybody can encrypt to us.
func TestH24_InnerUnsigned(t *testing.T) {
	r := encryptionRig(t, nil)
	_, err := r.login(func(d *samltest.Draft) { d.Encryption, d.SignAssertion = to(samltest.OtherKey()), false })
	refused(t, err, reasonUnsigned)
	_, err = r.login(func(d *samltest.Draft) {
		d.Encryption, d.Signing.Key = to(samltest.OtherKey()), samltest.OtherKey()
	})
	refused(t, err, idp.ReasonSignature)
}

// TestH23_OneError: whatever is wrong inside, the same is said.
func TestH23_OneError(t *testing.T) {
	r := encryptionRig(t, nil)
	keyText := regexp.MustCompile(`(<xenc:EncryptedKey.*?CipherValue>)[^<]*`)
	said := map[string]bool{}
	for name, change := range map[string]samltest.Encryption{
		"P2 less than a nonce":         {Cipher: func(b []byte) []byte { return b[:11] }},
		"nothing":                      {Cipher: func([]byte) []byte { return nil }},
		"less than a tag":              {Cipher: func(b []byte) []byte { return b[:20] }},
		"a bit in the tag":             {Cipher: flip(-1)},
		"a bit in the text":            {Cipher: flip(40)},
		"a bit in the nonce":           {Cipher: flip(3)},
		"P4 spaces inside":             {Plain: func([]byte) []byte { return []byte("   ") }},
		"P4 a comment inside":          {Plain: func([]byte) []byte { return []byte("<!-- x -->") }},
		"nothing inside":               {Plain: func([]byte) []byte { return nil }},
		"no XML inside":                {Plain: func([]byte) []byte { return []byte("alice") }},
		"another element inside":       {Plain: func([]byte) []byte { return []byte("<x/>") }},
		"a DOCTYPE inside":             {Plain: func(b []byte) []byte { return append([]byte("<!DOCTYPE x>"), b...) }},
		"two assertions inside":        {Plain: func(b []byte) []byte { return append(bytes.Clone(b), b...) }},
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
	if len(said) > 2 {
		t.Errorf("%d different texts: %v", len(said), said)
	}
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		b = bytes.Clone(b)
		b[(at+len(b))%len(b)] ^= 1
		return b
	}
}

// TestH23_Refused is refused by what is written openly, before anything is
// decrypted.
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
		{"P1 AES-CBC, not whole blocks", idp.ReasonAlgorithm, samltest.Encryption{Content: samltest.AES128CBC, Cipher: func(b []byte) []byte { return b[:33] }}},
		{"P3 triple DES", idp.ReasonAlgorithm, samltest.Encryption{XML: replace(samltest.AES256GCM, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")}},
		{"no algorithm", idp.ReasonAlgorithm, samltest.Encryption{XML: replace(samltest.AES256GCM, "")}},
		{"an unknown digest", idp.ReasonAlgorithm, samltest.Encryption{Digest: "sha256", XML: replace("xmlenc#sha256", "xmlenc#md5")}},
		{"a label", idp.ReasonAlgorithm, samltest.Encryption{XML: replace(`rsa-oaep-mgf1p">`, `rsa-oaep-mgf1p"><xenc:OAEPparams>AAAA</xenc:OAEPparams>`)}},
		{"two keys", reasonDecrypt, samltest.Encryption{XML: func(s string) string { return encryptedKey.ReplaceAllString(s, "$0$0") }}},
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

// TestH23_CBC: with the option, AES-CBC is decrypted only under a signature, so
// that nobody can try out what we make of a changed text.
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
	// Changed after it was signed: nothing is decrypted at all.
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

// TestForeignEncryption reads what xmlsec1 has encrypted.
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
