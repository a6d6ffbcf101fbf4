package tlsoptions

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"github.com/doorward/doorward/sdk/options"
)

// Authorities reads the PEM certificates of those to trust. Empty text is nil,
// which means those of the system. The errors of this file follow the name of an
// option and quote nothing of its value.
func Authorities(text string) (*x509.CertPool, error) {
	if text == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(text)) {
		return nil, errors.New("holds no PEM certificate: write it with -----BEGIN CERTIFICATE----- and its line breaks")
	}
	return pool, nil
}

// Pair reads the PEM of a certificate and its key.
func Pair(certificate string, key options.Secret) (tls.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key.Reveal()))
	if err != nil {
		// The error of crypto/tls is left out: it may tell of the key.
		return tls.Certificate{}, errors.New("and its key are not the PEM of a certificate and the key that belongs to it")
	}
	return pair, nil
}

// PairProblems checks the two options that hold a certificate and its key. Both
// may be empty.
func PairProblems(certificateOption, certificate, keyOption string, key options.Secret) options.Problems {
	var problems options.Problems
	switch {
	case certificate == "" && key == "":
	case certificate == "" || key == "":
		problems.Addf(certificateOption, "goes together with %s", keyOption)
	default:
		if _, err := Pair(certificate, key); err != nil {
			problems.Addf(certificateOption, "and %s are not the PEM of a certificate and the key that belongs to it", keyOption)
		}
	}
	return problems
}
