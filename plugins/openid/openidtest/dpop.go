package openidtest

import (
	"crypto"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// proofLasts is how old a proof may be.
const proofLasts = time.Minute

// checkProof verifies a DPoP proof (RFC 9449 section 4.3) and returns the thumbprint of its
// key. The thumbprint is empty if there is no proof.
func (p *Provider) checkProof(r *http.Request, target, accessToken string) (string, error) {
	proofs := r.Header.Values("DPoP")
	if p.config.Security.DPoP == "" || len(proofs) == 0 {
		return "", nil
	}
	refuse := func(text string) (string, error) { return "", badRequest("invalid_dpop_proof", text) }
	if len(proofs) > 1 {
		return refuse("two proofs")
	}
	jws, err := jose.ParseSignedCompact(proofs[0], []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return refuse("no JWS with ES256")
	}
	header := jws.Signatures[0].Header
	key := header.JSONWebKey
	if key == nil || !key.IsPublic() || header.ExtraHeaders[jose.HeaderType] != "dpop+jwt" {
		return refuse("no public key, or not typed")
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return refuse("bad signature")
	}
	var claims struct {
		ID     string `json:"jti"`
		Method string `json:"htm"`
		Target string `json:"htu"`
		Issued int64  `json:"iat"`
		Hash   string `json:"ath"`
		Nonce  string `json:"nonce"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return refuse("claims that cannot be read")
	}
	age := p.Now().Sub(time.Unix(claims.Issued, 0))
	hash := sha256.Sum256([]byte(accessToken))
	switch {
	case claims.Method != r.Method, claims.Target != target:
		return refuse("for another request")
	case age > proofLasts, age < -proofLasts:
		return refuse("too old, or from the future")
	case accessToken != "" && claims.Hash != encode(hash[:]):
		return refuse("for another access token")
	case !p.firstUse("dpop " + claims.ID):
		return refuse("used before")
	}
	if p.config.Security.DPoPNonce && !p.isNonce(claims.Nonce) {
		return "", badRequest("use_dpop_nonce", "the proof must carry the nonce")
	}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return refuse("a key of no kind")
	}
	return encode(thumbprint), nil
}

// firstUse remembers IDs that must be used once.
func (p *Provider) firstUse(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id == "" || p.used[id] {
		return false
	}
	p.used[id] = true
	return true
}

// isNonce reports whether a nonce is one of the two latest.
func (p *Provider) isNonce(nonce string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return nonce != "" && (nonce == p.nonces[0] || nonce == p.nonces[1])
}

func (p *Provider) latestNonce() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.nonces[0]
}

// RotateNonce makes a new nonce for proofs. The previous one stays valid; call it twice for
// a sudden change.
func (p *Provider) RotateNonce() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nonces = [2]string{randomText(8), p.nonces[0]}
}

// withNonce sends the nonce for the next proof.
func (p *Provider) withNonce(rep *reply) *reply {
	if p.config.Security.DPoPNonce {
		rep.header.Set("DPoP-Nonce", p.latestNonce())
	}
	return rep
}

// bearer reads the access token of a request for user info, and whether it came with
// DPoP (RFC 9449 section 7.1).
func bearer(r *http.Request) (token string, bound, ok bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, strings.EqualFold(scheme, "DPoP"), strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP")
}
