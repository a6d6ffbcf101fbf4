package openidtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// signing is a JWS before it is serialised (RFC 7515 section 5.1). Misbehaviours can
// change every part of it. It uses no library because none makes the tokens of an
// attacker.
type signing struct {
	provider *Provider
	login    *login

	header     map[string]any
	editHeader func([]byte) []byte // changes the encoded header in ways that a map cannot express

	payload       []byte
	encodePayload func([]byte) string

	sign      func(input []byte) ([]byte, error)
	serialise func(protected, payload string, signature []byte) (string, error)
}

func (p *Provider) newSigning(l *login, alg jose.SignatureAlgorithm, payload []byte) *signing {
	s := &signing{
		provider:      p,
		login:         l,
		header:        map[string]any{"typ": "JWT"},
		editHeader:    func(header []byte) []byte { return header },
		payload:       payload,
		encodePayload: encode,
		serialise:     compact,
	}
	s.use(p.keys.signing(alg))
	return s
}

// use signs with the key and puts its kid into the header.
func (s *signing) use(k key) {
	s.header["alg"], s.header["kid"] = k.alg, k.id
	s.sign = k.sign
}

func (s *signing) token() (string, error) {
	header, err := json.Marshal(s.header)
	if err != nil {
		return "", fmt.Errorf("encoding header: %w", err)
	}
	protected, payload := encode(s.editHeader(header)), s.encodePayload(s.payload)
	signature, err := s.sign([]byte(protected + "." + payload))
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return s.serialise(protected, payload, signature)
}

// compact is the serialisation of RFC 7515 section 7.1.
func compact(protected, payload string, signature []byte) (string, error) {
	return protected + "." + payload + "." + encode(signature), nil
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
