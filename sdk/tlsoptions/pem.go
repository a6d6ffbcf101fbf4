package tlsoptions

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/doorward/doorward/sdk/options"
)

// The errors of this file follow the name of an option. They say what the value is if it
// is something else, and do not quote it.

const (
	blockCertificate = "CERTIFICATE"
	beginCertificate = "-----BEGIN " + blockCertificate + "-----"
	endCertificate   = "-----END " + blockCertificate + "-----"
)

// Certificates reads PEM certificates, in their order, and ignores the text around them.
// It leaves out and counts certificates in valid PEM that cannot be used, which every
// large collection has. It is an error if no certificate remains, or if the text is empty.
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
		return nil, 0, errors.New("ends within a certificate: it is cut off, or not yet written completely")
	case begun > blocks:
		return nil, 0, errors.New("has a certificate that is damaged: copy it again, with its line breaks")
	case blocks == 0:
		return nil, 0, errors.New(whyNotCertificate(text))
	case len(list) == 0:
		return nil, 0, errors.New("holds no certificate that can be read, although it is PEM: have a certificate issued that conforms to RFC 5280")
	}
	return list, leftOut, nil
}

// unfolded undoes what editors, indentation and single-line variables do to PEM. Base64
// has no backslash, so \n can mean only a line break.
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

// Authorities reads the PEM certificates of the authorities to trust. For empty text it
// returns nil, which means those of the system.
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

// Pair reads the PEM of a certificate, optionally followed by its chain, and of its key.
func Pair(certificate string, key options.Secret) (tls.Certificate, error) {
	pair, certificateErr, keyErr := readPair(certificate, key.Reveal())
	if keyErr != nil {
		return tls.Certificate{}, errors.New("has a key that " + keyErr.Error())
	}
	return pair, certificateErr
}

var errKeyOfAnother = errors.New("belongs to another certificate")

// readPair is like Pair, but says which of the two has the error.
func readPair(certificate, key string) (pair tls.Certificate, certificateErr, keyErr error) {
	list, _, err := Certificates(certificate)
	if err != nil {
		return tls.Certificate{}, err, nil
	}
	if err := CheckKey(key); err != nil {
		return tls.Certificate{}, nil, err
	}
	// The errors of crypto/tls are not shown, because they may reveal parts of the key.
	pair, err = tls.X509KeyPair([]byte(unfolded(certificate)), []byte(unfolded(key)))
	switch {
	case err == nil:
		return pair, nil, nil
	case !strings.Contains(err.Error(), "does not match"):
		return tls.Certificate{}, nil, errors.New("is damaged, or not a key for RSA, ECDSA or Ed25519")
	case anyFits(list[1:], key):
		return tls.Certificate{}, errors.New("must begin with the certificate of the key; those of authorities come after it"), nil
	}
	return tls.Certificate{}, nil, errKeyOfAnother
}

// anyFits reports whether the key belongs to one of the certificates.
func anyFits(list []*x509.Certificate, key string) bool {
	for _, c := range list {
		text := pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: c.Raw})
		if _, err := tls.X509KeyPair(text, []byte(unfolded(key))); err == nil {
			return true
		}
	}
	return false
}

// CheckKey checks that text contains the PEM of a key without a passphrase. It cannot
// check whether the key is valid, which needs its certificate.
func CheckKey(text string) error {
	rest := []byte(unfolded(text))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return errors.New(whyNotKey(text))
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return errors.New("is encrypted with a passphrase, which nobody can type here; decrypt it with: openssl pkey -in FILE -out FILE.key")
		case block.Type == "PRIVATE KEY" || strings.HasSuffix(block.Type, " PRIVATE KEY"):
			return nil
		}
	}
}

// PairProblems checks the two options that contain a certificate and its key. Both
// can be empty.
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
		problems.Addf(keyOption, "%v than %s; give a certificate and the key that belongs to it", keyErr, certificateOption)
	} else if keyErr != nil {
		problems.Addf(keyOption, "%v", keyErr)
	}
	return problems
}
