package xmldsig

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
)

// TestRealMessages verifies messages that Okta, OneLogin and others have sent, from the test
// data of crewjam/saml, with the keys in their metadata.
func TestRealMessages(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/crewjam/saml").Output()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(strings.TrimSpace(string(dir)), "testdata")
	for name, metadata := range map[string]string{
		"TestSPCanHandleOktaResponseEncryptedAssertionBothSigned": "_IDPMetadata",
		"TestSPCanHandleOktaSignedResponseEncryptedAssertion":     "_IDPMetadata",
		"TestSPCanHandleOneloginResponse":                         "_IDPMetadata",
		"TestSPCanHandlePlaintextResponse":                        "_IDPMetadata",
		"TestSPRealWorldAssertionSignedNotResponse":               "_idp_metadata",
		"TestSPRealWorldKeyInfoHasRSAPublicKeyNotX509Cert":        "_idp_metadata",
	} {
		keys := keysOf(readDocument(t, filepath.Join(data, name+metadata)))
		signed := 0
		readDocument(t, filepath.Join(data, name+"_response")).Walk(func(e *strictxml.Element) bool {
			if _, err := Find(e); err == nil {
				signed++
				if _, err := Verify(e, keys, Policy{InsecureAllowSHA1: true}, strictxml.Message()); err != nil {
					t.Errorf("%s: %s: %v", name, e.Local, err)
				}
			}
			return true
		})
		if signed == 0 || len(keys) == 0 {
			t.Errorf("%s: %d signatures, %d keys", name, signed, len(keys))
		}
	}
}

func readDocument(t *testing.T, path string) *strictxml.Element {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := DecodeBase64(string(data)); err == nil {
		data = raw
	}
	root, err := strictxml.Parse(bytes.TrimSpace(data), strictxml.Metadata())
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return root
}

func keysOf(root *strictxml.Element) []crypto.PublicKey {
	var keys []crypto.PublicKey
	root.Walk(func(e *strictxml.Element) bool {
		if e.Is(Namespace, "X509Certificate") {
			text, _ := e.Text()
			if der, err := DecodeBase64(text); err == nil {
				if c, err := x509.ParseCertificate(der); err == nil {
					keys = append(keys, c.PublicKey)
				}
			}
		}
		return true
	})
	return keys
}
