package clientauth

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/sdk/options"
)

// How long a signed secret is valid, and for how long it is used. Apple accepts at most six
// months.
const (
	secretLifetime = 5 * time.Minute
	secretReuse    = 2 * time.Minute
)

// SignedSecret is a client secret that is a JWT signed by the client, as Apple requires it
// (developer.apple.com, "Creating a client secret"). If Audience is empty, the provider
// accepts none.
type SignedSecret struct {
	Audience, TeamID, KeyID string
	Key                     options.Secret // PKCS #8 in PEM, on P-256
}

func (s SignedSecret) isSet() bool {
	return s.TeamID != "" || s.KeyID != "" || s.Key.Reveal() != ""
}

// signer makes signed secrets.
type signer struct {
	clientID string
	settings SignedSecret
	key      *ecdsa.PrivateKey

	mu             sync.Mutex
	latest, former string    // requests can contain either
	at             time.Time // when latest was made
}

// newSigner reads the key.
func newSigner(clientID string, s SignedSecret) (*signer, options.Problems) {
	var problems options.Problems
	for option, text := range map[string]string{"client_secret_team_id": s.TeamID, "client_secret_key_id": s.KeyID, "client_secret_key": s.Key.Reveal()} {
		if text == "" {
			problems.Addf(option, "is missing: set client_secret_team_id, client_secret_key_id and client_secret_key together")
		}
	}
	if s.Audience == "" {
		problems.Addf("client_secret_key", "needs a preset whose provider accepts a signed secret, such as apple")
	}
	if len(problems) > 0 {
		return nil, problems
	}
	key, err := readKey(s.Key.Reveal())
	if err != nil {
		// The error is omitted because it can quote the key.
		return nil, append(problems, options.Problem{Option: "client_secret_key", Text: "must be the whole file AuthKey_….p8: a private key on P-256 in PEM, -----BEGIN PRIVATE KEY-----"})
	}
	return &signer{clientID: clientID, settings: s, key: key}, nil
}

func readKey(text string) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve.Params().BitSize != 256 {
		return nil, fmt.Errorf("a key of type %T", parsed)
	}
	return key, nil
}

// secret returns a secret that is valid now.
func (s *signer) secret(now time.Time) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.at); s.latest != "" && age >= 0 && age < secretReuse {
		return s.latest, nil
	}
	made, err := s.sign(now)
	if err != nil {
		return "", err
	}
	s.latest, s.former, s.at = made, s.latest, now
	return made, nil
}

func (s *signer) sign(now time.Time) (string, error) {
	payload, err := json.Marshal(map[string]any{
		"iss": s.settings.TeamID,
		"sub": s.clientID,
		"aud": s.settings.Audience,
		"iat": now.Unix(),
		"exp": now.Add(secretLifetime).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("encoding the client secret: %w", err)
	}
	es256, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.key, KeyID: s.settings.KeyID}}, nil)
	if err != nil {
		return "", fmt.Errorf("signing the client secret: %w", err)
	}
	signed, err := es256.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing the client secret: %w", err)
	}
	return signed.CompactSerialize()
}

// recent returns the secrets that a response can repeat.
func (s *signer) recent() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return []string{s.latest, s.former}
}
