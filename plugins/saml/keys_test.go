package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/saml/internal/ownkeys"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ecPEM(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

// TestRequestSignatures verifies our signatures with xmlsec1, for each kind of key.
func TestRequestSignatures(t *testing.T) {
	xmlsec := needXMLSec(t)
	for name, key := range map[string]string{
		"RSA": pemKey(t, samltest.OtherKey()), "P-256": ecPEM(t, ecKey(t, elliptic.P256())),
		"P-384": ecPEM(t, ecKey(t, elliptic.P384())), "P-521": ecPEM(t, ecKey(t, elliptic.P521())),
	} {
		t.Run(name, func(t *testing.T) {
			r := openRig(t, samltest.Config{}, map[string]any{"sp_private_key": key, "request_binding": "post"})
			step, err := r.Begin(t.Context(), sdk.BeginRequest{State: state})
			if err != nil {
				t.Fatal(err)
			}
			request, err := base64.StdEncoding.DecodeString(form(step.(sdk.FormPost)).Get("SAMLRequest"))
			if err != nil {
				t.Fatal(err)
			}
			own, err := Options{SPPrivateKey: options.Secret(key)}.keys()
			if err != nil {
				t.Fatal(err)
			}
			xmlsec(t, request, pemCertificate(own.SignerCert), "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest", "verify")
		})
	}
}

// need returns the path of a program. Without the program the test is skipped; in CI this is
// a failure.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: run .ci/setup", program)
	}
	t.Skipf("%s is missing: run .ci/setup", program)
	return ""
}

// needXMLSec returns a function that runs xmlsec1 on a document.
func needXMLSec(t *testing.T) func(t *testing.T, document []byte, certificate, idNode, command string) {
	t.Helper()
	program := need(t, "xmlsec1")
	return func(t *testing.T, document []byte, certificate, idNode, command string) {
		t.Helper()
		dir := t.TempDir()
		cert, doc := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "document.xml")
		for path, content := range map[string][]byte{cert: []byte(certificate), doc: document} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.CommandContext(t.Context(), program, "--"+command, "--pubkey-cert-pem", cert, "--id-attr:ID", idNode, doc).CombinedOutput()
		if err != nil {
			t.Fatalf("xmlsec1: %v\n%s\n%s", err, out, document)
		}
	}
}

// TestForeignSignatures verifies signatures of xmlsec1.
func TestForeignSignatures(t *testing.T) {
	needXMLSec(t)
	private := pemKey(t, samltest.DefaultKey())
	r := openRig(t, samltest.Config{}, nil)
	for _, prefixes := range []string{"", "xs", "#default xs nothing"} {
		req, memory := r.begin()
		draft := r.idp.Draft(req, alice)
		draft.Style = samltest.Styles[5] // namespaces on the response only
		draft.SignAssertion = false
		template := `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>` +
			`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>` +
			`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"/>` +
			`<ds:Reference URI="#` + draft.Assertion.ID + `"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>` +
			`<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="` + prefixes + `"/></ds:Transform></ds:Transforms>` +
			`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>`
		unsigned := bytes.Replace(r.idp.Write(draft), []byte("</saml2:Issuer><saml2:Subject>"), []byte("</saml2:Issuer>"+template+"<saml2:Subject>"), 1)
		dir := t.TempDir()
		key, doc := filepath.Join(dir, "key.pem"), filepath.Join(dir, "document.xml")
		if err := os.WriteFile(key, []byte(private), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(doc, unsigned, 0o600); err != nil {
			t.Fatal(err)
		}
		signed, err := exec.CommandContext(t.Context(), "xmlsec1", "--sign", "--privkey-pem", key, "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", doc).Output()
		if err != nil {
			t.Fatalf("xmlsec1: %v\n%s", err, unsigned)
		}
		if _, err := r.present(signed, memory); err != nil {
			t.Errorf("prefixes %q: %v", prefixes, err)
		}
	}
}

func TestDerivedCertificate(t *testing.T) {
	for _, signer := range []crypto.Signer{samltest.OtherKey().Signer, ecKey(t, elliptic.P256())} {
		first, err := ownkeys.DerivedCertificate(signer)
		if err != nil {
			t.Fatal(err)
		}
		second, err := ownkeys.DerivedCertificate(signer)
		if err != nil || !bytes.Equal(first.Raw, second.Raw) {
			t.Errorf("%T: another certificate each time, %v", signer, err)
		}
	}
}

// TestKeys reads keys as OpenSSL writes them, with and without a pass phrase.
func TestKeys(t *testing.T) {
	openssl := need(t, "openssl")
	dir := t.TempDir()
	plain := filepath.Join(dir, "key.pem")
	if err := os.WriteFile(plain, []byte(pemKey(t, samltest.OtherKey())), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"PKCS #8":                      {"pkcs8", "-topk8", "-in", plain, "-passout", "pass:open sesame"},
		"PKCS #8, AES-128":             {"pkcs8", "-topk8", "-v2", "aes128", "-in", plain, "-passout", "pass:open sesame"},
		"PKCS #8, PBKDF2 with SHA-1":   {"pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1", "-in", plain, "-passout", "pass:open sesame"},
		"PKCS #1 with DEK-Info":        {"rsa", "-traditional", "-aes256", "-in", plain, "-passout", "pass:open sesame"},
		"PKCS #1 without pass phrase":  {"rsa", "-traditional", "-in", plain},
		"PKCS #8 without pass phrase":  {"pkey", "-in", plain},
		"an EC key with its parameter": {"ecparam", "-name", "prime256v1", "-genkey"},
	} {
		text, err := exec.CommandContext(t.Context(), openssl, args...).Output()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		keys, err := ownkeys.ParseKeys(string(text), "open sesame")
		if err != nil || len(keys) != 1 {
			t.Errorf("%s: %d keys, %v", name, len(keys), err)
		}
		if !strings.Contains(string(text), "ENCRYPTED") {
			continue
		}
		for _, pass := range []string{"", "wrong"} {
			if _, err := ownkeys.ParseKeys(string(text), pass); err == nil {
				t.Errorf("%s: opened with the pass phrase %q", name, pass)
			}
		}
	}
}
