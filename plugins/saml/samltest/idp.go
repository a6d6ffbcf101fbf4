package samltest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// Config describes an identity provider. The zero value of each field except URL is usable.
type Config struct {
	// URL is the base URL of the handler, without a path.
	URL string

	// EntityID defaults to URL/metadata.
	EntityID string

	// Users can sign in by a click on their name.
	Users []User

	// AutoApprove signs in the first of Users without asking.
	AutoApprove bool

	// Style is how messages are written.
	Style Style

	// SignResponse and SignAssertion select what is signed. The default is the assertion.
	SignResponse, SignAssertion bool

	// EncryptTo encrypts assertions to this certificate.
	EncryptTo *x509.Certificate

	// WantAuthnRequestsSigned is set in the metadata.
	WantAuthnRequestsSigned bool

	// Logout is the single logout service of the service provider.
	Logout string

	Now func() time.Time
}

// User is a user who can sign in.
type User struct {
	NameID     string
	Format     string // of the NameID; persistent by default
	Attributes []Attribute
}

// Attribute of a user.
type Attribute struct {
	Name, Format, Friendly string
	Values                 []string
}

// IdP is an identity provider.
type IdP struct {
	config Config
	mux    *http.ServeMux

	mu     sync.Mutex
	key    Key
	listed []Key // whose certificates are in the metadata
}

// New returns an identity provider with its own key.
func New(config Config) *IdP {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.EntityID == "" {
		config.EntityID = config.URL + "/metadata"
	}
	if !config.SignResponse {
		config.SignAssertion = true
	}
	p := &IdP{config: config, mux: http.NewServeMux(), key: DefaultKey()}
	p.listed = []Key{p.key}
	p.routes()
	return p
}

// ServeHTTP serves /metadata, /sso and /slo.
func (p *IdP) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// EntityID returns the entity ID.
func (p *IdP) EntityID() string { return p.config.EntityID }

// MetadataURL returns the URL of the metadata.
func (p *IdP) MetadataURL() string { return p.config.URL + "/metadata" }

// Key returns the key that signs.
func (p *IdP) Key() Key {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.key
}

// SetKeys makes the identity provider sign with the first key, and publish the others.
func (p *IdP) SetKeys(signing Key, listed ...Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.listed = signing, listed
}

// Key is a private key with its certificate.
type Key struct {
	Signer      crypto.Signer
	Certificate *x509.Certificate
}

// DER returns the certificate in base64.
func (k Key) DER() string { return base64.StdEncoding.EncodeToString(k.Certificate.Raw) }

// DefaultKey returns the same RSA key in the whole process, because creating a key is slow.
var DefaultKey = sync.OnceValue(func() Key { return NewRSAKey() })

// OtherKey is a second key like DefaultKey.
var OtherKey = sync.OnceValue(func() Key { return NewRSAKey() })

// NewRSAKey returns a key with a certificate that is valid for ten years around now.
func NewRSAKey() Key {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return Certify(key, time.Now().AddDate(-5, 0, 0), time.Now().AddDate(5, 0, 0))
}

// Certify creates a certificate for a key and a period.
func Certify(key crypto.Signer, from, until time.Time) Key {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: fmt.Sprintf("samltest %x", serial)},
		NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return Key{key, certificate}
}
