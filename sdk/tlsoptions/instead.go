package tlsoptions

import (
	"encoding/pem"
	"regexp"
	"strings"
)

// insteadOfCertificate says what a text is that holds no PEM certificate, and how
// one is made of it.
func insteadOfCertificate(text string) string {
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
		return "is a certificate in a form of OpenSSL's own; convert it with: openssl x509 -in FILE -out FILE.pem"
	case strings.HasSuffix(kind, "CERTIFICATE REQUEST"):
		return "is a request for a certificate; what the authority answers to it belongs here"
	case strings.HasSuffix(kind, "PRIVATE KEY"):
		return "is a key, where a certificate belongs"
	case strings.TrimSpace(text) == "":
		return "is empty"
	case fileName.MatchString(text):
		return isFileName
	}
	return "holds no PEM certificate: write it with " + beginCertificate + " and its line breaks"
}

// insteadOfKey is insteadOfCertificate for a key.
func insteadOfKey(text string) string {
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
		return "is cut off or damaged: copy it anew, with its line breaks"
	case fileName.MatchString(text):
		return isFileName
	}
	return "holds no PEM key: write it with -----BEGIN PRIVATE KEY----- and its line breaks"
}

const isPKCS12 = "is PKCS #12 (.p12, .pfx), which is not PEM; convert it with: "

const isFileName = "is the name of a file: give it in the option of the same name with _FILE behind it, or in YAML as {file: PATH}"

// fileName is a path, or ends as those of certificates and keys do.
var fileName = regexp.MustCompile(`^(\.{0,2}/[^\n]{1,255}|[^\n]{1,255}(?i)\.(pem|crt|cer|der|key|p12|pfx|p7b))$`)

func firstBlock(text string) string {
	block, _ := pem.Decode([]byte(unfolded(text)))
	if block == nil {
		return ""
	}
	return block.Type
}

// der is what a file in DER holds.
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

// derOf looks at how the first elements are nested, which tells them apart and needs
// no whole file: that of a certificate is TBSCertificate (RFC 5280 section 4.1), of
// an encrypted key an algorithm (RFC 5958 section 3), of the others a version (RFC
// 5958 section 2, RFC 7292 section 4) or the type of a content (RFC 2315 section 7).
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

// within returns what a sequence holds.
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
