package plugin

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/doorward/doorward/sdk"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

func identityToWire(i sdk.Identity) (*doorwardv1.Identity, error) {
	var claims []byte
	if i.Claims != nil {
		var err error
		if claims, err = json.Marshal(i.Claims); err != nil {
			return nil, fmt.Errorf("encoding the claims: %w", err)
		}
	}
	return &doorwardv1.Identity{
		Subject: i.Subject, Username: i.Username, Email: i.Email, EmailVerified: i.EmailVerified,
		GivenName: i.GivenName, FamilyName: i.FamilyName, Name: i.Name, Groups: i.Groups,
		AuthTime: timeToWire(i.AuthTime), Amr: i.AMR, Acr: i.ACR, ClaimsJson: claims, Grant: i.Grant,
		ExpiresAt: timeToWire(i.ExpiresAt), OnceId: i.OnceID, OnceUntil: timeToWire(i.OnceUntil),
		SessionId: i.SessionID, LogoutSubject: i.LogoutSubject, PasswordExpiresAt: timeToWire(i.PasswordExpiresAt),
	}, nil
}

func identityFromWire(w *doorwardv1.Identity) (sdk.Identity, error) {
	i := sdk.Identity{
		Subject: w.GetSubject(), Username: w.GetUsername(), Email: w.GetEmail(), EmailVerified: w.GetEmailVerified(),
		GivenName: w.GetGivenName(), FamilyName: w.GetFamilyName(), Name: w.GetName(), Groups: w.GetGroups(),
		AuthTime: timeFromWire(w.GetAuthTime()), AMR: w.GetAmr(), ACR: w.GetAcr(), Grant: w.GetGrant(),
		ExpiresAt: timeFromWire(w.GetExpiresAt()), OnceID: w.GetOnceId(), OnceUntil: timeFromWire(w.GetOnceUntil()),
		SessionID: w.GetSessionId(), LogoutSubject: w.GetLogoutSubject(), PasswordExpiresAt: timeFromWire(w.GetPasswordExpiresAt()),
	}
	// A time that cannot be read must not turn into one that was not told: a
	// session would live longer than the provider allows.
	if err := checkTimes(w.GetAuthTime(), w.GetExpiresAt(), w.GetOnceUntil(), w.GetPasswordExpiresAt()); err != nil {
		return sdk.Identity{}, err
	}
	var err error
	i.Claims, err = claimsFromWire(w.GetClaimsJson())
	if err != nil {
		return sdk.Identity{}, err
	}
	return i, nil
}

func claimsFromWire(data []byte) (map[string]any, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if len(data) > sdk.MaxClaims {
		return nil, fmt.Errorf("%w: %d bytes of claims, at most %d are allowed", ErrFault, len(data), sdk.MaxClaims)
	}
	value, err := decodeExact(data)
	if err != nil {
		return nil, fmt.Errorf("%w: reading the claims: %w", ErrFault, err)
	}
	claims, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: claims that are no JSON object", ErrFault)
	}
	if deeper(claims, sdk.MaxClaimDepth) {
		return nil, fmt.Errorf("%w: claims nested deeper than %d levels", ErrFault, sdk.MaxClaimDepth)
	}
	return claims, nil
}

// deeper reports whether lists and objects are nested in more levels.
func deeper(value any, levels int) bool {
	var members iter.Seq[any]
	switch v := value.(type) {
	case map[string]any:
		members = maps.Values(v)
	case []any:
		members = slices.Values(v)
	default:
		return false
	}
	if levels == 0 {
		return true
	}
	for member := range members {
		if deeper(member, levels-1) {
			return true
		}
	}
	return false
}

func timeToWire(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeFromWire reads a time that checkTimes accepted.
func timeFromWire(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func checkTimes(times ...*timestamppb.Timestamp) error {
	for _, t := range times {
		if t == nil {
			continue
		}
		if err := t.CheckValid(); err != nil {
			return fmt.Errorf("%w: reading a time: %w", ErrFault, err)
		}
	}
	return nil
}
