package tlsoptions

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/doorward/doorward/sdk/options"
)

// The errors of this file follow the name of an option, say what the value is if it
// is something else, and quote nothing of it.

const (
	blockCertificate = "CERTIFICATE"
	beginCertificate = "-----BEGIN " + blockCertificate + "-----"
	endCertificate   = "-----END " + blockCertificate + "-----"
)

// Certificates reads PEM certificates, in their order; text around them is left
// alone. Those that stand in sound PEM and are none that can be used, as every
// large collection has, are left out and counted; it is an error if there is no
// other. Empty text is an error, too.
func Certificates(text string) (list []*x509.Certificate, leftOut int, err error) {
	rest, blocks := []byte(unfolded(text)), 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != blockCertificate {
			continue
		}
		blocks++
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			list = append(list, c)
		} else {
			leftOut++
		}
	}
	switch begun := strings.Count(text, beginCertificate); {
	case begun > strings.Count(text, endCertificate):
		return nil, 0, errors.New("ends within a certificate: it is cut off, or not written to its end yet")
	case begun > blocks:
		return nil, 0, errors.New("has a certificate that is damaged: copy it anew, with its line breaks")
	case blocks == 0:
		return nil, 0, errors.New(insteadOfCertificate(text))
	case len(list) == 0:
		return nil, 0, errors.New("holds no certificate that can be read, although it is PEM: ask whoever made it for a certificate as RFC 5280 has it")
	}
	return list, leftOut, nil
}

// unfolded undoes what editors, indentation and variables of one line do to PEM. No
// base64 has a backslash, so \n can mean one thing only.
func unfolded(text string) string {
	text = strings.TrimPrefix(text, "\ufeff")
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, `\n`, "\n")
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line))
		b.WriteByte('\n')
	}
	return b.String()
}

// Authorities reads the PEM certificates of those to trust. Empty text is nil,
// which means those of the system.
func Authorities(text string) (*x509.CertPool, error) {
	if text == "" {
		return nil, nil
	}
	list, _, err := Certificates(text)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range list {
		pool.AddCert(c)
	}
	return pool, nil
}

// Pair reads the PEM of a certificate, perhaps with its chain behind it, and of its
// key.
func Pair(certificate string, key options.Secret) (tls.Certificate, error) {
	pair, certificateErr, keyErr := readPair(certificate, key.Reveal())
	if keyErr != nil {
		return tls.Certificate{}, errors.New("has a key that " + keyErr.Error())
	}
	return pair, certificateErr
}

var errKeyOfAnother = errors.New("belongs to another certificate")

// readPair tells of which of the two an error is.
func readPair(certificate, key string) (pair tls.Certificate, certificateErr, keyErr error) {
	list, _, err := Certificates(certificate)
	if err != nil {
		return tls.Certificate{}, err, nil
	}
	if err := CheckKey(key); err != nil {
		return tls.Certificate{}, nil, err
	}
	// The errors of crypto/tls are left out: they may tell of the key.
	pair, err = tls.X509KeyPair([]byte(unfolded(certificate)), []byte(unfolded(key)))
	switch {
	case err == nil:
		return pair, nil, nil
	case !strings.Contains(err.Error(), "does not match"):
		return tls.Certificate{}, nil, errors.New("is damaged, or none of RSA, ECDSA or Ed25519")
	case anyFits(list[1:], key):
		return tls.Certificate{}, errors.New("must begin with the certificate of the key; those of authorities come after it"), nil
	}
	return tls.Certificate{}, nil, errKeyOfAnother
}

// anyFits reports whether the key is that of one of the certificates.
func anyFits(list []*x509.Certificate, key string) bool {
	for _, c := range list {
		text := pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: c.Raw})
		if _, err := tls.X509KeyPair(text, []byte(unfolded(key))); err == nil {
			return true
		}
	}
	return false
}

// CheckKey tells whether text holds the PEM of a key that needs no passphrase. Whether
// it is sound shows only with its certificate.
func CheckKey(text string) error {
	rest := []byte(unfolded(text))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return errors.New(insteadOfKey(text))
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return errors.New("is encrypted with a passphrase, which nobody is there to type; decrypt it with: openssl pkey -in FILE -out FILE.key")
		case block.Type == "PRIVATE KEY" || strings.HasSuffix(block.Type, " PRIVATE KEY"):
			return nil
		}
	}
}

// PairProblems checks the two options that hold a certificate and its key. Both
// may be empty.
func PairProblems(certificateOption, certificate, keyOption string, key options.Secret) options.Problems {
	var problems options.Problems
	switch {
	case certificate == "" && key == "":
		return nil
	case certificate == "" || key == "":
		problems.Addf(certificateOption, "goes together with %s", keyOption)
		return problems
	}
	_, certificateErr, keyErr := readPair(certificate, key.Reveal())
	if certificateErr != nil {
		problems.Addf(certificateOption, "%v", certificateErr)
	}
	if errors.Is(keyErr, errKeyOfAnother) {
		problems.Addf(keyOption, "%v than %s; give those that were made together", keyErr, certificateOption)
	} else if keyErr != nil {
		problems.Addf(keyOption, "%v", keyErr)
	}
	return problems
}
