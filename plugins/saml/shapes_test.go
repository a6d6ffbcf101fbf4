package main

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/beevik/etree"

	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
)

// TestShapes runs metadata and a response in the form of each well-known product through the
// whole plugin over the wire, and then slightly changed ones.
func TestShapes(t *testing.T) {
	need(t, "xmlsec1")
	const subjectID = "urn:oasis:names:tc:SAML:attribute:subject-id"
	with := func(pairs ...string) map[string]any {
		values := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			values[pairs[i]] = pairs[i+1]
		}
		return values
	}
	pin := pemCertificate(samltest.DefaultKey().Certificate)
	for _, shape := range []struct {
		name   string
		values map[string]any
		want   sdk.Identity // of it: Subject, Email and Groups
	}{
		{"adfs", with("idp_metadata_certificate", pin, "name_id_format", "persistent"), sdk.Identity{Email: "alice@example.org", Groups: []string{"Domain Users", "editors"}}},
		{"entra", with("idp_metadata_certificate", pin, "name_id_format", "persistent"), sdk.Identity{Email: "alice@example.org", Groups: []string{"aaaaaaaa-0000-0000-0000-000000000001"}}},
		{"okta", nil, sdk.Identity{Email: "alice@example.org", Groups: []string{"editors"}}},
		{"onelogin", with("name_id_format", "email"), sdk.Identity{Email: "alice@example.org"}},
		{"google", with("name_id_format", "email"), sdk.Identity{Email: "alice@example.org"}},
		{"secureworks", nil, sdk.Identity{}},
		{"cas", nil, sdk.Identity{Email: "alice@example.org"}},
		{"lemonldap", with("name_id_format", "persistent"), sdk.Identity{Email: "alice@example.org"}},
		{"amazon", nil, sdk.Identity{Email: "alice@example.org"}},
		{"ping", nil, sdk.Identity{Email: "alice@example.org"}},
		{"keycloak", with("sp_private_key", pemKey(t, samltest.OtherKey()), "name_id_format", "persistent"), sdk.Identity{Email: "alice@example.org", Groups: []string{"offline_access", "editors"}}},
		{"authentik", nil, sdk.Identity{Email: "alice@example.org", Groups: []string{"editors"}}},
		{"simplesamlphp", nil, sdk.Identity{Email: "alice@example.org", Groups: []string{"users", "editors"}}},
		{
			"shibboleth", with("idp_metadata_certificate", pin, "idp_entity_id", "https://idp.uni.shape.example/idp/shibboleth", "identifier_key", subjectID, "sp_enc_private_key", pemKey(t, samltest.OtherKey())),
			sdk.Identity{Subject: "alice-0001@uni.shape.example", Email: "alice@example.org"},
		},
		{"inclusive", nil, sdk.Identity{Email: "alice@example.org"}},
	} {
		t.Run(shape.name, func(t *testing.T) {
			s := newShape(t, shape.name)
			values := map[string]any{"idp_metadata": "", "idp_metadata_url": publish(t, s.file("metadata")).URL}
			maps.Copy(values, shape.values)
			r := openRig(t, samltest.Config{}, values)
			s.now = r.clock.Now()
			if shape.want.Subject == "" {
				shape.want.Subject = "alice-0001"
			}
			response, memory := s.respond(r)
			got, err := r.present(response, memory)
			if err != nil {
				t.Fatalf("%v\n%s", err, response)
			}
			if got.Subject != shape.want.Subject || got.Email != shape.want.Email || !slices.Equal(got.Groups, shape.want.Groups) {
				t.Errorf("%q %q %q", got.Subject, got.Email, got.Groups)
			}
			s.refuseNearlyGood(r, response, memory)
		})
	}
}

// refuseNearlyGood changes the response after it was signed, and presents it to another
// login.
func (s *shape) refuseNearlyGood(r *rig, response, memory []byte) {
	s.t.Helper()
	signed := regexp.MustCompile(`(Recipient=|CipherValue>[^<]{40})`).FindAllIndex(response, -1)
	if len(signed) == 0 {
		s.t.Fatalf("nothing to change in %s", response)
	}
	at := signed[len(signed)-1][1] - 2
	changed := bytes.Clone(response)
	changed[at]++
	if _, err := r.present(changed, memory); err == nil {
		s.t.Error("a response that was changed is accepted")
	}
	if _, err := r.present(bytes.Replace(response, []byte("?>"), []byte("?><!-- x -->"), 1), memory); bytes.Contains(response, []byte("?>")) && err == nil {
		s.t.Error("a comment is accepted")
	}
	_, other := r.begin()
	if _, err := r.present(response, other); err == nil {
		s.t.Error("the response to another login is accepted")
	}
}

// shape creates the files of an identity provider.
type shape struct {
	t       *testing.T
	name    string
	dir     string // with the key and its certificate
	now     time.Time
	request string // the ID of ours
}

func newShape(t *testing.T, name string) *shape {
	t.Helper()
	s := &shape{t: t, name: name, dir: t.TempDir(), now: time.Now()}
	s.write("key.pem", []byte(pemKey(t, samltest.DefaultKey())))
	s.write("cert.pem", []byte(pemCertificate(samltest.DefaultKey().Certificate)))
	s.write("ours.pem", []byte(pemCertificate(samltest.OtherKey().Certificate)))
	return s
}

func (s *shape) write(name string, content []byte) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// respond answers our request.
func (s *shape) respond(r *rig) (response, memory []byte) {
	s.t.Helper()
	req, memory := r.begin()
	s.request = req.ID
	return s.file("response"), memory
}

// file returns a file of the shape, signed and encrypted.
func (s *shape) file(kind string) []byte {
	s.t.Helper()
	text, front := s.fill(kind)
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		s.t.Fatalf("%v in %s", err, text)
	}
	content := []byte(text)
	for _, path := range []string{"/*/Assertion/Signature", "/*/Signature"} { // from inside to outside
		if doc.FindElement(path) == nil {
			continue
		}
		path = strings.NewReplacer("Assertion", "*[local-name()='Assertion']", "Signature", "*[local-name()='Signature']").Replace(path)
		s.write("unsigned.xml", content)
		content = s.xmlsec("--sign", "--enable-visa3d-hack", "--privkey-pem", "key.pem,cert.pem",
			"--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion",
			"--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:metadata:EntitiesDescriptor",
			"--node-xpath", path, "unsigned.xml")
	}
	return slices.Concat([]byte(front), content)
}

// fill fills in a file. It separates what precedes the document, because xmlsec1 does not
// read it.
func (s *shape) fill(kind string) (text, front string) {
	s.t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", "shapes", s.name+"."+kind+".xml"))
	if err != nil {
		s.t.Fatal(err)
	}
	at := func(d time.Duration) string { return samltest.Time(s.now.Add(d)) }
	public := samltest.DefaultKey().Certificate.PublicKey.(*rsa.PublicKey)
	encode := func(n *big.Int) string { return base64.StdEncoding.EncodeToString(n.Bytes()) }
	filled := template.Must(template.New(kind).Funcs(template.FuncMap{"sign": signature, "encrypt": s.encrypt}).Parse(string(file)))
	var out strings.Builder
	if err := filled.Execute(&out, map[string]string{
		"Certificate": samltest.DefaultKey().DER(), "Modulus": encode(public.N), "Exponent": encode(big.NewInt(int64(public.E))),
		"Now": at(0), "Before": at(-4 * time.Minute), "Soon": at(5 * time.Minute), "Later": at(time.Hour), "NextWeek": at(7 * 24 * time.Hour),
		"ACS": acsURL, "Us": usURL, "Request": s.request,
	}); err != nil {
		s.t.Fatal(err)
	}
	text = strings.TrimLeft(out.String(), "\ufeff \r\n")
	return text, out.String()[:out.Len()-len(text)]
}

// signature is a template for xmlsec1. Deviations from the default are written as name=value:
// info and content are canonicalizations, prefixes is a list, key is the key information.
func signature(prefix, id string, differs ...string) string {
	is := map[string]string{"info": exclusiveC14N, "content": exclusiveC14N, "key": "certificate"}
	for _, d := range differs {
		name, value, _ := strings.Cut(d, "=")
		is[name] = value
	}
	inclusive := ""
	if is["prefixes"] != "" {
		inclusive = fmt.Sprintf(`<ec:InclusiveNamespaces PrefixList="%s" xmlns:ec="%s"/>`, is["prefixes"], exclusiveC14N)
	}
	keyInfo := map[string]string{
		"none": "", "value": "<{KeyInfo><{KeyValue/></{KeyInfo>", "certificate": "<{KeyInfo><{X509Data/></{KeyInfo>",
		"name": "<{KeyInfo><{KeyName>8nK2o</{KeyName><{X509Data/></{KeyInfo>",
	}[is["key"]]
	p, declared := prefix+":", "xmlns:"+prefix
	if prefix == "" {
		p, declared = "", "xmlns"
	}
	return strings.ReplaceAll(fmt.Sprintf(`<{Signature %s="http://www.w3.org/2000/09/xmldsig#"><{SignedInfo><{CanonicalizationMethod Algorithm="%s"/>`+
		`<{SignatureMethod Algorithm="%s"/><{Reference URI="#%s"><{Transforms><{Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>`+
		`<{Transform Algorithm="%s">%s</{Transform></{Transforms><{DigestMethod Algorithm="%s"/><{DigestValue/></{Reference></{SignedInfo><{SignatureValue/>%s</{Signature>`,
		declared, is["info"], samltest.RSASHA256, id, is["content"], inclusive, samltest.SHA256, keyInfo), "{", p)
}

const exclusiveC14N = "http://www.w3.org/2001/10/xml-exc-c14n#"

// encrypt encrypts the assertion of the shape to us in the form of OpenSAML.
func (s *shape) encrypt() string {
	s.t.Helper()
	plain, _ := s.fill("assertion")
	s.write("plain.xml", []byte(plain))
	s.write("template.xml", []byte(`<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Id="_6b1f" Type="http://www.w3.org/2001/04/xmlenc#Element">`+
		`<xenc:EncryptionMethod Algorithm="`+samltest.AES128GCM+`"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">`+
		`<xenc:EncryptedKey Id="_7c2e" Recipient="`+usURL+`"><xenc:EncryptionMethod Algorithm="`+samltest.OAEPMGF1P+`"><ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/></xenc:EncryptionMethod>`+
		`<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>`))
	out := string(s.xmlsec("--encrypt", "--pubkey-cert-pem", "ours.pem", "--session-key", "aes-128", "--xml-data", "plain.xml", "template.xml"))
	return out[strings.Index(out, "<xenc:EncryptedData"):]
}

func (s *shape) xmlsec(args ...string) []byte {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "xmlsec1", args...)
	cmd.Dir = s.dir
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("xmlsec1: %v\n%s", err, problem.Bytes())
	}
	return out
}
