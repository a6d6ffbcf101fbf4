package jose

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// How long a key set is fresh: as long as the provider says, within these bounds. A key that
// the provider withdrew is trusted no longer than that, or no longer than KeysKeep if the
// provider is down in the meantime.
const (
	minKeysFresh = time.Minute
	MaxKeysFresh = time.Hour
	KeysKeep     = 6 * time.Hour
)

// Store verifies signatures with the keys at a jwks_uri.
type Store struct {
	uri    string
	client *http.Client
	keys   *upstream.Document[KeySet]
}

// NewStore makes a store that loads the keys when it needs them for the first time.
func NewStore(uri string, client *http.Client, now func() time.Time, logger *slog.Logger) *Store {
	s := &Store{uri: uri, client: client}
	s.keys = upstream.NewDocument(upstream.Source[KeySet]{
		What: "the provider's keys", Load: s.load, Now: now, Logger: logger, NotInTime: ReasonNotInTime,
	})
	return s
}

// URI returns the jwks_uri.
func (s *Store) URI() string { return s.uri }

// Token is a token whose signature was verified.
type Token struct {
	Claims claims.Object
	Key    PublicKey // the signing key
	alg    string
}

// Verify reads a token and verifies its signature. It does not check the claims, except that
// the ones with these names, and their members, have only one spelling each.
//
// An unknown key ID can belong to a new key, so the keys are then loaded again (OpenID
// Connect Core section 10.1.1). The same applies to a wrong signature of a token without a
// key ID.
func (s *Store) Verify(ctx context.Context, raw string, accept Accept, names []string) (Token, error) {
	c, err := parseCompact(raw, accept)
	if err != nil {
		return Token{}, err
	}
	set, err := s.keys.Get(ctx)
	if err != nil {
		return Token{}, err
	}
	key, err := set.verify(c)
	if reason := sdk.ReasonOf(err); reason == ReasonUnknown || c.kid == "" && reason == ReasonSignature {
		if set, err = s.keys.Renew(ctx); err != nil {
			return Token{}, err
		}
		key, err = set.verify(c)
	}
	if err != nil {
		return Token{}, err
	}
	object, err := claims.DecodeFor(c.payload, names...)
	if err != nil {
		return Token{}, sdk.InvalidResponse(ReasonClaims, "%w", err)
	}
	return Token{Claims: object, Key: key, alg: c.alg}, nil
}

// Load reads the keys again, for a check of the configuration.
func (s *Store) Load(ctx context.Context) (KeySet, error) {
	loaded, err := s.load(ctx)
	return loaded.Value, err
}

func (s *Store) load(ctx context.Context) (upstream.Loaded[KeySet], error) {
	none := upstream.Loaded[KeySet]{}
	answer, err := upstream.Get(ctx, s.client, s.uri, http.Header{"Accept": {"application/jwk-set+json, application/json"}})
	if err != nil {
		return none, upstream.Unreachable(ReasonKeysAway, "", err)
	}
	if answer.Status != http.StatusOK {
		return none, sdk.Unavailable(ReasonKeysStatus, "%s %s", s.uri, answer.Problem())
	}
	set, err := parseKeys(answer.JSON())
	if err != nil {
		return none, sdk.InvalidResponse(ReasonKeysBroken, "%s is not a key set: %w", s.uri, err)
	}
	return upstream.Loaded[KeySet]{Value: set, Fresh: answer.Fresh(minKeysFresh, MaxKeysFresh), Keep: KeysKeep}, nil
}
