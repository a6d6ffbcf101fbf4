package main

import (
	"context"
	"fmt"

	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// countUsers returns how many users a provider has.
type countUsers func(ctx context.Context, provider string) (int, error)

// withAccounts adds to what a check found whether anybody can come in. No plugin
// knows: whether accounts are made is for the host to say, and who has one stands in
// its database.
func withAccounts(ctx context.Context, checked []provider.Checked, count countUsers) []provider.Checked {
	for i, c := range checked {
		if c.As.Name == "" {
			continue // what the mechanism says about registration is not known, perhaps
		}
		users, err := count(ctx, c.Provider)
		checked[i].Findings = append(checked[i].Findings, accountsFinding(c.As, users, err))
	}
	return checked
}

// accountsFinding says who can sign in through a provider with so many users.
func accountsFinding(p sso.Provider, users int, err error) sdk.Finding {
	f := sdk.Finding{Subject: "accounts", Severity: sdk.SeverityOK}
	switch {
	case err != nil:
		f.Severity, f.Text = sdk.SeverityError, err.Error()
	case p.AllowPublicRegistration:
		f.Text = fmt.Sprintf("%d; whoever signs in at the provider gets one", users)
	case users > 0:
		f.Text = fmt.Sprintf("%d; nobody gets a new one (%s)", users, p.Spelled.AllowPublicRegistration)
	default:
		f.Severity = sdk.SeverityWarning
		f.Text = fmt.Sprintf("nobody can sign in through %s: there is no account, and registration is closed; make accounts with doorward user add, or set %s to true",
			p.Name, p.Spelled.AllowPublicRegistration)
	}
	return f
}
