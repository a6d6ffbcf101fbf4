package tlsoptions

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk/options"
)

// file reads a file of testdata, as the host does.
func file(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(content), "\n")
}

// badSerial is a certificate with a negative serial number, which RFC 5280 section 4.1.2.2
// forbids and some old system authorities have.
func badSerial(t *testing.T) string {
	t.Helper()
	return file(t, "negative-serial.pem")
}

// TestCertificates: every valid form is read.
func TestCertificates(t *testing.T) {
	client, chain := file(t, "client.pem"), file(t, "chain.pem")
	for name, test := range map[string]struct {
		text         string
		read, unread int
	}{
		"one":                          {client, 1, 0},
		"two":                          {chain, 2, 0},
		"with text around":             {"# our authority\n" + chain + "\nthe end", 2, 0},
		"of Windows":                   {strings.ReplaceAll(chain, "\n", "\r\n"), 2, 0},
		"with a byte order mark":       {"\ufeff" + chain, 2, 0},
		"indented":                     {"  " + strings.ReplaceAll(chain, "\n", "\n  "), 2, 0},
		"in one line of a variable":    {strings.ReplaceAll(chain, "\n", `\n`), 2, 0},
		"with a key behind it":         {client + "\n" + file(t, "client.key"), 1, 0},
		"with one that cannot be used": {chain + "\n" + badSerial(t), 2, 1},
	} {
		list, unread, err := Certificates(test.text)
		if err != nil || len(list) != test.read || unread != test.unread {
			t.Errorf("%s: %d certificates and %d that are left out, %v; want %d and %d", name, len(list), unread, err, test.read, test.unread)
		}
		if pool, err := Authorities(test.text); err != nil || pool == nil {
			t.Errorf("%s as authorities: %v", name, err)
		}
	}
}

// TestInsteadOfPEM: for another form, the error names it and the command that converts it. No
// text quotes possible secrets.
func TestInsteadOfPEM(t *testing.T) {
	client, key := file(t, "client.pem"), file(t, "client.key")
	for name, test := range map[string]struct{ certificate, key, problem string }{
		"a sound pair":              {client, key, ""},
		"a chain":                   {file(t, "chain.pem"), key, ""},
		"with EC PARAMETERS":        {client, file(t, "with-parameters.key"), ""},
		"both in one file":          {client + "\n" + key, client + "\n" + key, ""},
		"a key in one line":         {client, strings.ReplaceAll(key, "\n", `\n`), ""},
		"certificate in DER":        {file(t, "client.der"), key, "cert: is in DER, which is not PEM; convert it with: openssl x509 -inform der"},
		"PKCS #12":                  {file(t, "client.p12"), key, "cert: is PKCS #12 (.p12, .pfx), which is not PEM; convert it with: openssl pkcs12 -nokeys"},
		"PKCS #7":                   {file(t, "chain.p7b"), key, "cert: is PKCS #7, which holds certificates in another form; convert it with: openssl pkcs7 -print_certs"},
		"PKCS #7 in DER":            {file(t, "chain.p7b.der"), key, "cert: is in DER, which is not PEM; convert it with: openssl pkcs7 -inform der"},
		"trusted certificate":       {file(t, "trusted.pem"), key, "cert: is a certificate in a format specific to OpenSSL; convert it with: openssl x509"},
		"request":                   {file(t, "request.pem"), key, "cert: is a request for a certificate"},
		"key for certificate":       {key, key, "cert: is a key, where a certificate belongs"},
		"key in DER for it":         {file(t, "client.key.der"), key, "cert: is a key in DER, where a PEM certificate belongs"},
		"other text":                {"hunter2", key, "cert: holds no PEM certificate"},
		"name of a file":            {"/etc/hunter2.pem", key, "cert: is the name of a file: give it in the option of the same name with _FILE at the end, or in YAML as {file: PATH}"},
		"name of a file, relative":  {"./hunter2", key, "cert: is the name of a file"},
		"key as name of a file":     {client, "hunter2.KEY", "key: is the name of a file"},
		"base64 alone":              {"MIIhunter2/+", key, "cert: holds no PEM certificate"},
		"text like DER":             {"000hunter2", key, "cert: holds no PEM certificate"},
		"white space":               {" \n", key, "cert: is empty"},
		"a bad serial only":         {badSerial(t), key, "cert: holds no certificate that can be read, although it is PEM"},
		"cut within a line":         {client[:len(client)/2], key, "cert: ends within a certificate"},
		"cut within the second":     {file(t, "chain.pem")[:len(client)+100], key, "cert: ends within a certificate"},
		"damaged":                   {strings.Replace(client, "\nM", "\n!", 1), key, "cert: has a certificate that is damaged"},
		"authority first":           {file(t, "chain-reversed.pem"), key, "cert: must begin with the certificate of the key"},
		"encrypted key":             {client, file(t, "encrypted.key"), "key: is encrypted with a passphrase, which nobody can type here; decrypt it with: openssl pkey -in FILE"},
		"encrypted, traditional":    {client, file(t, "encrypted-traditional.key"), "key: is encrypted with a passphrase"},
		"encrypted, in DER":         {client, file(t, "encrypted.der"), "key: is in DER, which is not PEM; convert it with: openssl pkey -inform der"},
		"key in DER":                {client, file(t, "client.key.der"), "key: is in DER, which is not PEM; convert it with: openssl pkey -inform der"},
		"PKCS #12 as key":           {client, file(t, "client.p12"), "key: is PKCS #12 (.p12, .pfx), which is not PEM; convert it with: openssl pkcs12 -nocerts -nodes"},
		"certificate for key":       {client, client, "key: is a certificate, where its key belongs"},
		"certificate in DER for it": {client, file(t, "client.der"), "key: is a certificate in DER, where a PEM key belongs"},
		"public key":                {client, file(t, "client.pub"), "key: is the public part of a key"},
		"cut key":                   {client, key[:len(key)-10], "key: is cut off or damaged"},
		"key of other text":         {client, "hunter2", "key: holds no PEM key"},
		"empty key":                 {client, "\n", "key: is empty"},
		"key of another":            {file(t, "authority.pem"), key, "key: belongs to another certificate than cert"},
		"key that is none":          {client, "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----", "key: is damaged, or not a key for RSA, ECDSA or Ed25519"},
		"certificate alone":         {client, "", "cert: goes together with key"},
	} {
		problems := PairProblems("cert", test.certificate, "key", options.Secret(test.key))
		text := ""
		if err := problems.Err(); err != nil {
			text = err.Error()
		}
		if !strings.HasPrefix(text, test.problem) || (test.problem == "") != (text == "") || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %q, want %q", name, text, test.problem)
		}
		if pair, err := Pair(test.certificate, options.Secret(test.key)); (err != nil) != (test.problem != "") || err == nil && pair.Leaf == nil {
			t.Errorf("%s as a pair: %v", name, err)
		}
	}
}

// FuzzPair: the error for any bad text says what is wrong.
func FuzzPair(f *testing.F) {
	for _, name := range []string{"client.pem", "chain.p7b.der", "client.p12", "encrypted.der", "trusted.pem"} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(content), string(content))
	}
	f.Fuzz(func(t *testing.T, certificate, key string) {
		if problems := PairProblems("cert", certificate, "key", options.Secret(key)); len(problems) == 0 && (certificate == "") != (key == "") {
			t.Error("half a pair")
		}
		if list, _, err := Certificates(certificate); (err == nil) != (len(list) > 0) {
			t.Errorf("%d certificates, %v", len(list), err)
		}
	})
}
