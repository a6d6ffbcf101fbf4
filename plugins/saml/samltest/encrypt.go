package samltest

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// The algorithms of encryption.
const (
	nsEncryption = "http://www.w3.org/2001/04/xmlenc#"
	AES128GCM    = "http://www.w3.org/2009/xmlenc11#aes128-gcm"
	AES192GCM    = "http://www.w3.org/2009/xmlenc11#aes192-gcm"
	AES256GCM    = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
	AES128CBC    = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
	AES192CBC    = "http://www.w3.org/2001/04/xmlenc#aes192-cbc"
	AES256CBC    = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
	OAEPMGF1P    = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
	OAEP         = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
	RSA15        = "http://www.w3.org/2001/04/xmlenc#rsa-1_5"
)

// Encryption is how an element is encrypted. The defaults are AES-256-GCM and RSA-OAEP with
// SHA-1, as for most identity providers.
type Encryption struct {
	To      *x509.Certificate
	Content string // algorithm
	Key     string // algorithm of the key transport

	// Digest and MGF are the hashes of RSA-OAEP, given by the end of their URI, such as
	// sha256.
	Digest, MGF string

	// Beside puts EncryptedKey next to EncryptedData instead of into it.
	Beside bool

	// Plain changes the plain text, Cipher the cipher text, XML the whole element.
	Plain, Cipher func([]byte) []byte
	XML           func(string) string
}

func (c *Encryption) element(w writer, e *etree.Element, wrapper string) *etree.Element {
	doc := etree.NewDocument()
	doc.SetRoot(e)
	plain, err := doc.WriteToString()
	if err != nil {
		panic(err)
	}
	return parse(w.standalone(c.text(w, plain, wrapper)))
}

// text returns the element with its encrypted content.
func (c *Encryption) text(w writer, plain, wrapper string) string {
	content := c.Content
	if content == "" {
		content = AES256GCM
	}
	data := []byte(plain)
	if c.Plain != nil {
		data = c.Plain(data)
	}
	secret := make([]byte, keySize(content))
	random(secret)
	encrypted := encryptContent(content, secret, data)
	if c.Cipher != nil {
		encrypted = c.Cipher(encrypted)
	}
	key := fmt.Sprintf(`<xenc:EncryptedKey xmlns:xenc="%s">%s<xenc:CipherData><xenc:CipherValue>%s</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>`,
		nsEncryption, c.method(), base64.StdEncoding.EncodeToString(c.wrap(secret)))
	inside, beside := `<ds:KeyInfo xmlns:ds="`+nsSignature+`">`+key+`</ds:KeyInfo>`, ""
	if c.Beside {
		inside, beside = "", key
	}
	text := fmt.Sprintf(`<%[1]s><xenc:EncryptedData xmlns:xenc="%[2]s" Type="%[2]sElement"><xenc:EncryptionMethod Algorithm="%[3]s"/>%[4]s`+
		`<xenc:CipherData><xenc:CipherValue>%[5]s</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>%[6]s</%[1]s>`,
		w.a(wrapper), nsEncryption, content, inside, base64.StdEncoding.EncodeToString(encrypted), beside)
	if c.XML != nil {
		text = c.XML(text)
	}
	return text
}

func (c *Encryption) method() string {
	algorithm, inside := c.Key, ""
	if algorithm == "" {
		algorithm = OAEPMGF1P
	}
	if c.Digest != "" {
		space := nsEncryption
		if c.Digest == "sha1" {
			space = nsSignature
		}
		inside += fmt.Sprintf(`<ds:DigestMethod xmlns:ds="%s" Algorithm="%s%s"/>`, nsSignature, space, c.Digest)
	}
	if c.MGF != "" {
		inside += fmt.Sprintf(`<xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1%s"/>`, c.MGF)
	}
	return fmt.Sprintf(`<xenc:EncryptionMethod Algorithm="%s">%s</xenc:EncryptionMethod>`, algorithm, inside)
}

func (c *Encryption) wrap(secret []byte) []byte {
	public := c.To.PublicKey.(*rsa.PublicKey)
	if c.Key == RSA15 {
		wrapped, err := rsa.EncryptPKCS1v15(rand.Reader, public, secret) //nolint:staticcheck // to be refused
		if err != nil {
			panic(err)
		}
		return wrapped
	}
	digest, mgf := crypto.SHA1, crypto.SHA1
	if c.Digest != "" {
		digest = methodHashes[c.Digest]
	}
	if c.MGF != "" {
		mgf = methodHashes[c.MGF]
	}
	wrapped, err := rsa.EncryptOAEPWithOptions(rand.Reader, public, secret, &rsa.OAEPOptions{Hash: digest, MGFHash: mgf})
	if err != nil {
		panic(err)
	}
	return wrapped
}

func keySize(content string) int {
	switch {
	case strings.Contains(content, "128"):
		return 16
	case strings.Contains(content, "192"):
		return 24
	}
	return 32
}

func random(data []byte) {
	if _, err := rand.Read(data); err != nil {
		panic(err)
	}
}

func encryptContent(algorithm string, key, plain []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	if strings.HasSuffix(algorithm, "cbc") {
		padding := aes.BlockSize - len(plain)%aes.BlockSize
		plain = append(append(bytes.Clone(plain), make([]byte, padding-1)...), byte(padding))
		out := make([]byte, aes.BlockSize+len(plain))
		random(out[:aes.BlockSize])
		cipher.NewCBCEncrypter(block, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], plain)
		return out
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	nonce := make([]byte, gcm.NonceSize())
	random(nonce)
	return gcm.Seal(nonce, nonce, plain, nil)
}
