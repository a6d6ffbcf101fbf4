package plugin

import (
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

func identityToWire(i sdk.Identity) (*doorwardv1.Identity, error) {
	var claims []byte
	if i.Claims != nil {
		var err error
		if claims, err = json.Marshal(i.Claims); err != nil {
			return nil, fmt.Errorf("encoding the claims: %w", err)
		}
		if err := contract.CheckClaims(i.Claims, claims); err != nil {
			return nil, err
		}
	}
	return &doorwardv1.Identity{
		Subject: i.Subject, Username: i.Username, Email: i.Email, EmailVerified: i.EmailVerified,
		GivenName: i.GivenName, FamilyName: i.FamilyName, Name: i.Name, Groups: i.Groups,
		AuthTime: timeToWire(i.AuthTime), Amr: i.AMR, Acr: i.ACR, ClaimsJson: claims, Grant: i.Grant,
		ExpiresAt: timeToWire(i.ExpiresAt), OnceId: i.OnceID, OnceUntil: timeToWire(i.OnceUntil),
		SessionId: i.SessionID, LogoutSubject: i.LogoutSubject, PasswordExpiresAt: timeToWire(i.PasswordExpiresAt),
		GroupsUnknown: i.GroupsUnknown, Aliases: i.Aliases,
	}, nil
}

func identityFromWire(w *doorwardv1.Identity) (sdk.Identity, error) {
	i := sdk.Identity{
		Subject: w.GetSubject(), Username: w.GetUsername(), Email: w.GetEmail(), EmailVerified: w.GetEmailVerified(),
		GivenName: w.GetGivenName(), FamilyName: w.GetFamilyName(), Name: w.GetName(), Groups: w.GetGroups(),
		AuthTime: timeFromWire(w.GetAuthTime()), AMR: w.GetAmr(), ACR: w.GetAcr(), Grant: w.GetGrant(),
		ExpiresAt: timeFromWire(w.GetExpiresAt()), OnceID: w.GetOnceId(), OnceUntil: timeFromWire(w.GetOnceUntil()),
		SessionID: w.GetSessionId(), LogoutSubject: w.GetLogoutSubject(), PasswordExpiresAt: timeFromWire(w.GetPasswordExpiresAt()),
		GroupsUnknown: w.GetGroupsUnknown(), Aliases: w.GetAliases(),
	}
	// A time that cannot be read must not become an absent time: a session would
	// live longer than the provider allows.
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
	if err := contract.CheckClaims(nil, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFault, err)
	}
	value, err := decodeExact(data)
	if err != nil {
		return nil, fmt.Errorf("%w: reading the claims: %w", ErrFault, err)
	}
	claims, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: the claims are not a JSON object", ErrFault)
	}
	if err := contract.CheckClaims(claims, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFault, err)
	}
	return claims, nil
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
