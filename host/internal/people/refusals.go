package people

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// RefusalSum is the number of sign-ins refused in a minute, at one provider, for one
// reason.
type RefusalSum struct {
	Minute   time.Time `json:"minute" doc:"start of the minute"`
	Provider *string   `json:"provider" doc:"null if no configured provider was named"`
	Reason   string    `json:"reason"`
	Refused  int       `json:"refused" doc:"number on all hosts"`
}

// ListRefusals requests sums.
type ListRefusals struct {
	Since time.Time `json:"-" query:"since" doc:"only minutes at or after this time"`
	Paging
}

const listOfRefusals = "refusals"

// ListRefusals returns sums of refused sign-ins, oldest first.
func (o *Operations) ListRefusals(ctx context.Context, req ListRefusals) (Page[RefusalSum], error) {
	if _, err := o.allow(ctx, AuditRead); err != nil {
		return Page[RefusalSum]{}, err
	}
	part, err := req.part(listOfRefusals)
	if err != nil {
		return Page[RefusalSum]{}, err
	}
	found, next, err := o.ports.Audit.FindRefusals(ctx, req.Since, part)
	if err != nil {
		return Page[RefusalSum]{}, fmt.Errorf("listing refusals: %w", err)
	}
	return pageOf(listOfRefusals, found, next, func(s sso.RefusalSum) RefusalSum {
		return RefusalSum{Minute: s.Minute, Provider: orNull(s.Provider), Reason: s.Reason, Refused: s.N}
	}), nil
}

// RefusalPosition is the position of a sum in the list, as in [Part.After].
func RefusalPosition(s sso.RefusalSum) string {
	return strings.Join([]string{strconv.FormatInt(s.Minute.UnixMilli(), 10), s.Provider, s.Reason}, "\n")
}

// RefusalAt reads a position; empty is the beginning. The error is ErrInvalid.
func RefusalAt(position string) (sso.RefusalSum, error) {
	if position == "" {
		return sso.RefusalSum{}, nil
	}
	parts := strings.Split(position, "\n")
	minute, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || len(parts) != 3 {
		return sso.RefusalSum{}, fmt.Errorf("%w: %q is not a position in this list", ErrInvalid, position)
	}
	return sso.RefusalSum{Minute: time.UnixMilli(minute), Provider: parts[1], Reason: parts[2]}, nil
}
