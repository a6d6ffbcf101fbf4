package token

import (
	"context"
	"fmt"
)

// Reseal reseals keys under SECRET that are sealed under SECRET_PREVIOUS, and returns
// how many.
func (t *Tokens) Reseal(ctx context.Context) (int, error) {
	stored, err := t.config.Keys.SigningKeys(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading signing keys: %w", err)
	}
	total := 0
	for _, k := range stored {
		renewed, ok := t.seal.Renew(k.Sealed, []byte(k.ID))
		if !ok {
			continue
		}
		if err := t.config.Keys.SwapSigningKey(ctx, k.ID, k.Sealed, renewed); err != nil {
			return total, fmt.Errorf("resealing signing key %q: %w", k.ID, err)
		}
		total++
	}
	return total, nil
}
