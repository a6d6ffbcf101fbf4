package sso

import "fmt"

// grants encrypts grants for the store. A sealed grant is bound to its session: an
// attacker who can write to the database cannot move one to their own session.
type grants struct{ vault *Vault }

func newGrants(secret, previous []byte) (*grants, error) {
	vault, err := NewVault(secret, previous, "doorward grant v1")
	if err != nil {
		return nil, err
	}
	return &grants{vault}, nil
}

func (g *grants) seal(sessionID string, grant []byte) []byte {
	if len(grant) == 0 {
		return nil
	}
	return g.vault.Seal(grant, grantBinding(sessionID))
}

// open returns ErrSealed for a grant that was altered or moved, or sealed under another
// SECRET.
func (g *grants) open(sessionID string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	grant, _, err := g.vault.Open(sealed, grantBinding(sessionID))
	if err != nil {
		return nil, fmt.Errorf("opening the grant of session %s: %w", sessionID, err)
	}
	return grant, nil
}

func grantBinding(sessionID string) []byte { return []byte("grant\x00" + sessionID) }
