package tlsoptions

import (
	"encoding/pem"
	"regexp"
	"strings"
)

// whyNotCertificate says what a text is if it is not a PEM certificate, and how to
// convert it.
func whyNotCertificate(text string) string {
	const inDER = "is in DER, which is not PEM; convert it with: "
	switch derOf(text) {
	case derCertificate:
		return inDER + "openssl x509 -inform der -in FILE -out FILE.pem"
	case derPKCS7:
		return inDER + "openssl pkcs7 -inform der -print_certs -in FILE -out FILE.pem"
	case derPKCS12:
		return isPKCS12 + "openssl pkcs12 -nokeys -in FILE -out FILE.pem"
	case derKey, derEncryptedKey:
		return "is a key in DER, where a PEM certificate belongs"
	}
	switch kind := firstBlock(text); {
	case kind == "PKCS7":
		return "is PKCS #7, which holds certificates in another form; convert it with: openssl pkcs7 -print_certs -in FILE -out FILE.pem"
	case kind == "TRUSTED CERTIFICATE":
		return "is a certificate in a format specific to OpenSSL; convert it with: openssl x509 -in FILE -out FILE.pem"
	case strings.HasSuffix(kind, "CERTIFICATE REQUEST"):
		return "is a request for a certificate; give the certificate that the authority issues for it"
	case strings.HasSuffix(kind, "PRIVATE KEY"):
		return "is a key, where a certificate belongs"
	case strings.TrimSpace(text) == "":
		return "is empty"
	case fileName.MatchString(text):
		return isFileName
	}
	return "holds no PEM certificate: write it with " + beginCertificate + " and its line breaks"
}

// whyNotKey is whyNotCertificate for a key.
func whyNotKey(text string) string {
	switch derOf(text) {
	case derKey, derEncryptedKey:
		return "is in DER, which is not PEM; convert it with: openssl pkey -inform der -in FILE -out FILE.key"
	case derPKCS12:
		return isPKCS12 + "openssl pkcs12 -nocerts -nodes -in FILE -out FILE.key"
	case derCertificate, derPKCS7:
		return "is a certificate in DER, where a PEM key belongs"
	}
	switch kind := firstBlock(text); {
	case kind == blockCertificate:
		return "is a certificate, where its key belongs"
	case strings.HasSuffix(kind, "PUBLIC KEY"):
		return "is the public part of a key, where the private one belongs"
	case strings.TrimSpace(text) == "":
		return "is empty"
	case strings.Contains(text, "-----BEGIN "):
		return "is cut off or damaged: copy it again, with its line breaks"
	case fileName.MatchString(text):
		return isFileName
	}
	return "holds no PEM key: write it with -----BEGIN PRIVATE KEY----- and its line breaks"
}

const isPKCS12 = "is PKCS #12 (.p12, .pfx), which is not PEM; convert it with: "

const isFileName = "is the name of a file: give it in the option of the same name with _FILE at the end, or in YAML as {file: PATH}"

// fileName matches a path, or a name with an ending of certificates and keys.
var fileName = regexp.MustCompile(`^(\.{0,2}/[^\n]{1,255}|[^\n]{1,255}(?i)\.(pem|crt|cer|der|key|p12|pfx|p7b))$`)

func firstBlock(text string) string {
	block, _ := pem.Decode([]byte(unfolded(text)))
	if block == nil {
		return ""
	}
	return block.Type
}

// der is the content of a file in DER.
type der int

const (
	derNone der = iota
	derCertificate
	derKey
	derEncryptedKey
	derPKCS7
	derPKCS12
)

// Parts of ASN.1 (X.690 section 8).
const (
	longForm    = 0x80   // with it, the lower bits say how many bytes the length has
	tagVersion  = "\xa0" // of a certificate; it may be left out
	tagInteger  = "\x02"
	tagOID      = "\x06"
	tagSequence = "\x30"
)

// derOf looks at how the first elements are nested, which distinguishes the kinds even in
// a part of a file. The first element is TBSCertificate in a certificate (RFC 5280 section
// 4.1), an algorithm in an encrypted key (RFC 5958 section 3), and in the others a version
// (RFC 5958 section 2, RFC 7292 section 4) or a content type (RFC 2315 section 7).
func derOf(text string) der {
	first, ok := within(text)
	switch {
	case !ok:
		return derNone
	case strings.HasPrefix(first, tagInteger+"\x01\x03"):
		return derPKCS12
	case strings.HasPrefix(first, tagInteger):
		return derKey
	case strings.HasPrefix(first, tagOID):
		return derPKCS7
	}
	second, _ := within(first)
	switch {
	case strings.HasPrefix(second, tagOID):
		return derEncryptedKey
	case strings.HasPrefix(second, tagVersion), strings.HasPrefix(second, tagInteger):
		return derCertificate
	}
	return derNone
}

// within returns the content of a sequence.
func within(text string) (string, bool) {
	if len(text) < 2 || !strings.HasPrefix(text, tagSequence) {
		return "", false
	}
	header := 2
	if text[1] > longForm {
		header += int(text[1] - longForm)
	}
	if header > 6 || len(text) < header {
		return "", false
	}
	return text[header:], true
}
