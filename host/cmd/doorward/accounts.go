package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// accounts reads from the database what no plugin knows.
type accounts struct {
	count func(ctx context.Context, provider string) (int, error) // how many users a provider has
	roles func(ctx context.Context) ([]sso.Role, error)
}

// accountsIn reads a database that no host on this machine has open.
func accountsIn(at config.Database) accounts {
	return accounts{
		count: func(ctx context.Context, provider string) (int, error) { return countUsersIn(ctx, at, provider) },
		roles: func(ctx context.Context) ([]sso.Role, error) { return rolesIn(ctx, at) },
	}
}

// withAccounts adds findings about who can sign in, and with which roles. Plugins cannot
// know: the host decides whether accounts are made, and its database has them.
func withAccounts(ctx context.Context, checked []provider.Checked, in accounts) []provider.Checked {
	for i, c := range checked {
		if c.As.Name == "" {
			continue // whether registration is open may depend on the mechanism
		}
		users, err := in.count(ctx, c.Provider)
		checked[i].Findings = append(checked[i].Findings, accountsFinding(c.As, users, err))
		if c.As.ByGroupName() {
			roles, err := in.roles(ctx)
			checked[i].Findings = append(checked[i].Findings, rolesFinding(c.As, roles, err))
		}
	}
	return checked
}

// accountsFinding says who can sign in through a provider with this number of users.
func accountsFinding(p sso.Provider, users int, err error) sdk.Finding {
	f := sdk.Finding{Subject: "accounts", Severity: sdk.SeverityOK}
	switch {
	case err != nil:
		f.Severity, f.Text = sdk.SeverityError, err.Error()
	case p.AllowPublicRegistration:
		f.Text = fmt.Sprintf("%d; anyone who signs in at the provider gets one", users)
	case users > 0:
		f.Text = fmt.Sprintf("%d; nobody gets a new one (%s)", users, p.Spelled.AllowPublicRegistration)
	default:
		f.Severity = sdk.SeverityWarning
		f.Text = fmt.Sprintf("nobody can sign in through %s: there is no account, and registration is closed; %s", p.Name, howToGetAccounts(p))
	}
	return f
}

// howToGetAccounts is for a provider at which registration is closed.
func howToGetAccounts(p sso.Provider) string {
	return fmt.Sprintf("make accounts with doorward user add, or set %s to true", p.Spelled.AllowPublicRegistration)
}

// rolesFinding says whether a group can give a role at a provider where its name does.
// From Directus, an environment comes along, and the names of its roles do not.
func rolesFinding(p sso.Provider, roles []sso.Role, err error) sdk.Finding {
	f := sdk.Finding{Subject: "roles", Severity: sdk.SeverityOK}
	switch {
	case err != nil:
		f.Severity, f.Text = sdk.SeverityError, err.Error()
	case slices.ContainsFunc(roles, sso.Role.CanBeGroup):
		f.Text = "each user gets the role with the name of one of their groups"
	default:
		f.Severity = sdk.SeverityWarning
		f.Text = fmt.Sprintf("no group gives a role at %s, because no role has the name of a group: add the roles (doorward role add), set role_mapping, or set %s to false",
			p.Name, p.Spelled.RolesByGroupName)
	}
	return f
}

// warnOfRoles logs at the start what a check would find.
func (h host) warnOfRoles(ctx context.Context, providers sso.Providers, roles sso.Roles) {
	for _, p := range providers.List() {
		if !p.ByGroupName() {
			continue
		}
		list, err := roles.Roles(ctx)
		if f := rolesFinding(p, list, err); f.Severity != sdk.SeverityOK {
			h.logger.Warn("roles", "provider", p.Name, "what", f.Text)
		}
	}
}
