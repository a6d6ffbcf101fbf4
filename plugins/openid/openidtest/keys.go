package openidtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// algorithms are the algorithms with which the provider signs.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

// key is a signing key with its place in the key set.
type key struct {
	id      string
	alg     jose.SignatureAlgorithm
	private crypto.Signer
}

// keyRing contains the keys by generation. Providers of one process share RSA moduli,
// because making them takes most of a test's time, but never a kid: a relying party
// that uses the key set of the wrong provider finds no key.
type keyRing struct {
	mu        sync.Mutex
	rotations int
	current   []key // sign and are published
	previous  []key // are published only
	withdrawn []key
}

func (k *keyRing) rotate() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var made []key
	for _, alg := range algorithms {
		private, err := newPrivateKey(alg, k.rotations%generations)
		if err != nil {
			return fmt.Errorf("making %s key: %w", alg, err)
		}
		made = append(made, key{newKeyID(alg), alg, private})
	}
	k.withdrawn, k.previous, k.current = k.previous, k.current, made
	k.rotations++
	return nil
}

func (k *keyRing) signing(alg jose.SignatureAlgorithm) key {
	k.mu.Lock()
	defer k.mu.Unlock()
	return find(k.current, alg)
}

// withdrawnKey is the latest withdrawn key, or a stranger's key if there is none.
func (k *keyRing) withdrawnKey(alg jose.SignatureAlgorithm) (key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.withdrawn) > 0 {
		return find(k.withdrawn, alg), nil
	}
	return strangerKey(alg)
}

func (k *keyRing) published() []key {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append(append([]key{}, k.current...), k.previous...)
}

func find(keys []key, alg jose.SignatureAlgorithm) key {
	for _, candidate := range keys {
		if candidate.alg == alg {
			return candidate
		}
	}
	return key{}
}

func newKeyID(alg jose.SignatureAlgorithm) string {
	return strings.ToLower(string(alg)) + "-" + randomText(8)
}

// strangerKey is a key that the provider never publishes.
func strangerKey(alg jose.SignatureAlgorithm) (key, error) {
	private, err := newPrivateKey(alg, strangers)
	if err != nil {
		return key{}, fmt.Errorf("making %s key: %w", alg, err)
	}
	return key{newKeyID(alg), alg, private}, nil
}

func newPrivateKey(alg jose.SignatureAlgorithm, generation int) (crypto.Signer, error) {
	switch alg {
	case jose.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case jose.PS256:
		return sharedRSA(2*generation + 1)
	default:
		return sharedRSA(2 * generation)
	}
}

// A key is current, previous or withdrawn: after three rotations the moduli of the
// first generation are free again. The fourth generation is for strangers.
const (
	generations = 3
	strangers   = generations
)

// rsaKeys are the RSA keys of the process, two a generation.
var rsaKeys [2 * (generations + 1)]struct {
	once sync.Once
	key  *rsa.PrivateKey
	err  error
}

func sharedRSA(index int) (*rsa.PrivateKey, error) {
	place := &rsaKeys[index]
	place.once.Do(func() { place.key, place.err = rsa.GenerateKey(rand.Reader, 2048) })
	return place.key, place.err
}

// sign signs as in RFC 7518 section 3 and RFC 8037 section 3.1.
func (k key) sign(input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	switch private := k.private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(private, input), nil
	case *ecdsa.PrivateKey:
		return signECDSA(private, digest[:])
	case *rsa.PrivateKey:
		if k.alg == jose.PS256 {
			return rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	}
	return nil, fmt.Errorf("no key for algorithm %q", k.alg)
}

// signECDSA returns R and S, each as long as the curve's order (RFC 7518
// section 3.4).
func signECDSA(private *ecdsa.PrivateKey, digest []byte) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, private, digest)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	size := (private.Params().BitSize + 7) / 8
	signature := make([]byte, 2*size)
	r.FillBytes(signature[:size])
	s.FillBytes(signature[size:])
	return signature, nil
}

// jwk is a JSON Web Key (RFC 7517) that misbehaviours may change.
type jwk map[string]any

func (k key) publicJWK() (jwk, error) {
	return toJWK(jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(k.alg), Use: "sig"})
}

func toJWK(k jose.JSONWebKey) (jwk, error) {
	encoded, err := k.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encoding key %q: %w", k.KeyID, err)
	}
	var members jwk
	if err := json.Unmarshal(encoded, &members); err != nil {
		return nil, fmt.Errorf("encoding key %q: %w", k.KeyID, err)
	}
	return members, nil
}

func randomText(bytes int) string {
	random := make([]byte, bytes)
	rand.Read(random) // never fails: it ends the program instead
	return encode(random)
}
