package people

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk/contract"
)

// MaxImport is how many users one request can import.
const MaxImport = 100

// ImportUsers imports accounts from Directus, as rows of its directus_users.
type ImportUsers struct {
	Users  []ImportedUser `json:"users" doc:"1 to 100 users"`
	DryRun bool           `json:"dry_run,omitempty" doc:"report what would happen, and change nothing"`
}

// ImportedUser is a row of directus_users.
type ImportedUser struct {
	ID                 string `json:"id" doc:"UUID; kept"`
	Status             string `json:"status" doc:"draft, invited, unverified, active, suspended, archived or inactive-license; kept; only active users can sign in"`
	Role               string `json:"role,omitempty" doc:"UUID; kept"`
	Email              string `json:"email,omitempty"`
	FirstName          string `json:"first_name,omitempty"`
	LastName           string `json:"last_name,omitempty"`
	Language           string `json:"language,omitempty"`
	Provider           string `json:"provider,omitempty" doc:"name of the provider, which must be the same in Doorward; default means a password in Directus"`
	ExternalIdentifier string `json:"external_identifier,omitempty" doc:"identifier of the user at that provider as stored by Directus; the first login there with this identifier, ignoring case, takes the account"`
	EmailProvider      string `json:"email_provider,omitempty" doc:"in addition: a login at this provider with this verified e-mail address takes the account, if the provider has LINK_BY_VERIFIED_EMAIL"`
}

// UnmarshalJSON refuses unknown members, as everywhere.
func (u *ImportedUser) UnmarshalJSON(data []byte) error {
	type plain ImportedUser
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*plain)(u))
}

// ImportResult reports what happened to each user, in the order of the request.
type ImportResult struct {
	Users []ImportOutcome `json:"users"`
}

// ImportOutcome reports what happened to a row.
type ImportOutcome struct {
	ID        string   `json:"id"`
	Outcome   string   `json:"outcome" enum:"added|present|refused" doc:"present: a user with that ID exists; only the claims change"`
	Claimable bool     `json:"claimable" doc:"a login can take the account, or somebody signs in to it already"`
	Notes     []string `json:"notes" doc:"reasons why not, and possible mistakes"`
}

// The outcomes.
const (
	ImportAdded   = "added"
	ImportPresent = "present"
	ImportRefused = "refused"
)

// passwordProvider is what Directus stores as the provider of users with a password.
const passwordProvider = "default"

// ImportUsers imports accounts from Directus, each in its own transaction. Existing users
// are not changed, so the same import can be repeated.
func (o *Operations) ImportUsers(ctx context.Context, req ImportUsers) (ImportResult, error) {
	actor, err := o.allow(ctx, UsersWrite)
	if err != nil {
		return ImportResult{}, err
	}
	if len(req.Users) == 0 || len(req.Users) > MaxImport {
		return ImportResult{}, invalid("users", "has %d entries and must have 1 to %d", len(req.Users), MaxImport)
	}
	result := ImportResult{Users: []ImportOutcome{}}
	seen := map[string]bool{}
	for _, row := range req.Users {
		outcome := ImportOutcome{ID: row.ID, Outcome: ImportRefused, Notes: []string{}}
		if seen[strings.ToLower(row.ID)] {
			outcome.Notes = append(outcome.Notes, "the id occurs twice")
		} else if outcome, err = o.importUser(ctx, actor, row, req.DryRun); err != nil {
			return ImportResult{}, err
		}
		seen[strings.ToLower(row.ID)] = true
		result.Users = append(result.Users, outcome)
	}
	if !req.DryRun {
		o.changed(actor, "users imported", "users", len(req.Users))
	}
	return result, nil
}

func (o *Operations) importUser(ctx context.Context, actor Actor, row ImportedUser, dry bool) (ImportOutcome, error) {
	outcome := ImportOutcome{ID: row.ID, Outcome: ImportRefused, Notes: []string{}}
	user, claims, err := o.readImported(row)
	if wrong, ok := errors.AsType[*InvalidError](err); ok {
		outcome.Notes = append(outcome.Notes, wrong.Error())
		return outcome, nil
	}
	known, links, err := o.ports.Accounts.UserByID(ctx, user.ID)
	switch {
	case errors.Is(err, sso.ErrNotFound):
		outcome.Outcome = ImportAdded
	case err != nil:
		return outcome, fmt.Errorf("looking up a user: %w", err)
	case len(links) > 0:
		outcome.Outcome, outcome.Claimable = ImportPresent, true
		return outcome, nil
	default:
		outcome.Outcome, user.Status = ImportPresent, known.Status
	}
	if err := o.judge(ctx, &outcome, user, claims, row); err != nil || dry {
		return outcome, err
	}
	if outcome.Outcome == ImportPresent {
		return outcome, o.waitAgain(ctx, actor, user.ID, claims)
	}
	if err := o.roleOfImported(ctx, actor, user.Role); err != nil {
		if errors.Is(err, ErrForbidden) || errors.Is(err, ErrFull) {
			outcome.Outcome, outcome.Claimable, outcome.Notes = ImportRefused, false, append(outcome.Notes, err.Error())
			return outcome, nil
		}
		return outcome, err
	}
	added := o.userAdded(ctx, actor, user)
	added.Reason = sso.ReasonImported
	if err := o.ports.Accounts.AddUser(ctx, user, added, claims...); err != nil {
		return outcome, fmt.Errorf("importing user %s: %w", user.ID, err)
	}
	return outcome, nil
}

// waitAgain renews the claims of an account that nobody signs in to yet.
func (o *Operations) waitAgain(ctx context.Context, actor Actor, id string, claims []sso.Claim) error {
	event := o.aboutUser(ctx, actor, sso.EventUserChanged, id)
	event.Reason, event.Detail = sso.ReasonImported, "claims"
	for _, claim := range claims {
		if err := o.ports.Accounts.AddClaim(ctx, id, claim, event); err != nil && !errors.Is(err, ErrClaimed) {
			return fmt.Errorf("importing user %s: %w", id, err)
		}
	}
	return nil
}

// readImported makes an account and its claims from a row.
func (o *Operations) readImported(row ImportedUser) (user sso.User, claims []sso.Claim, err error) {
	user = sso.User{
		ID: strings.ToLower(row.ID), Status: sso.UserStatus(row.Status), Role: strings.ToLower(row.Role), Email: strings.TrimSpace(row.Email),
		FirstName: strings.TrimSpace(row.FirstName), LastName: strings.TrimSpace(row.LastName), Language: strings.TrimSpace(row.Language), CreatedAt: o.ports.Now(),
	}
	switch {
	case !uuidForm.MatchString(user.ID):
		return user, nil, invalid("id", "must be a UUID")
	case !slices.Contains(sso.UserStatuses(), sso.UserStatus(row.Status)):
		return user, nil, invalid("status", "is %.40q and must be one of %s", row.Status, joinedNames(sso.UserStatuses()))
	case user.Role != "" && !uuidForm.MatchString(user.Role):
		return user, nil, invalid("role", "must be a UUID")
	case len(row.Provider) > maxProvider:
		return user, nil, invalid("provider", "has more than %d bytes", maxProvider)
	}
	if err := checkTexts(user); err != nil {
		return user, nil, err
	}
	if row.byIdentifier() {
		if err := contract.CheckSubject(row.ExternalIdentifier); err != nil {
			return user, nil, invalid("external_identifier", "%v", err)
		}
		claims = append(claims, sso.IdentifierClaim(row.Provider, row.ExternalIdentifier))
	}
	if row.EmailProvider != "" && user.Email != "" {
		claim, err := emailClaim(row.EmailProvider, user.Email)
		if err != nil {
			return user, nil, err
		}
		claims = append(claims, claim)
	}
	return user, claims, nil
}

func (u ImportedUser) byIdentifier() bool {
	return u.ExternalIdentifier != "" && u.Provider != "" && u.Provider != passwordProvider
}

// judge decides whether a login could take the account: at least one claim must work, and
// the status must allow it.
func (o *Operations) judge(ctx context.Context, outcome *ImportOutcome, user sso.User, claims []sso.Claim, row ImportedUser) error {
	for _, claim := range claims {
		obstacles, err := o.obstacles(ctx, claim, user.ID)
		if err != nil {
			return err
		}
		taken, err := o.signsInAlready(ctx, claim)
		if err != nil {
			return err
		}
		if obstacles = append(obstacles, taken...); len(obstacles) == 0 {
			outcome.Claimable = true
		}
		outcome.Notes = append(outcome.Notes, obstacles...)
		early, err := o.signedInEarly(ctx, claim, user, len(taken) > 0)
		if err != nil {
			return err
		}
		outcome.Notes = append(outcome.Notes, early...)
		outcome.Notes = append(outcome.Notes, o.remarks(claim, row)...)
	}
	switch {
	case len(claims) == 0 && row.Provider != "" && row.Provider != passwordProvider:
		outcome.Notes = append(outcome.Notes, "the account has no external_identifier, so no login takes it: use doorward user invite or doorward user link")
	case len(claims) == 0:
		outcome.Notes = append(outcome.Notes, "the account had a password in Directus, so no login takes it: use doorward user invite or doorward user link")
	}
	if user.Status != sso.UserActive {
		outcome.Claimable = false
		outcome.Notes = append(outcome.Notes, fmt.Sprintf("the account is %s, and only active users can sign in: use doorward user activate", user.Status))
	}
	return nil
}

// signsInAlready finds a user who already signs in with the identifier of the claim.
func (o *Operations) signsInAlready(ctx context.Context, claim sso.Claim) ([]string, error) {
	if claim.Kind != sso.ClaimByIdentifier {
		return nil, nil
	}
	found, _, err := o.ports.Accounts.FindUsers(ctx, UserFilter{Provider: claim.Provider, Subject: claim.Key}, Part{Limit: 1})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("user %s already signs in with this identifier, and links are never moved", found[0].ID)}, nil
}

// signedInEarly finds an account that the same person probably created by signing in before
// the import: a directory reports another subject than Directus stored, so the identifier
// does not show it.
func (o *Operations) signedInEarly(ctx context.Context, claim sso.Claim, user sso.User, known bool) ([]string, error) {
	if known || claim.Kind != sso.ClaimByIdentifier || user.Email == "" {
		return nil, nil
	}
	found, _, err := o.ports.Accounts.FindUsers(ctx, UserFilter{Provider: claim.Provider, Email: user.Email}, Part{Limit: 1})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("a user with this e-mail address already signs in at %s, to another account, and keeps that account "+
		"unless you delete it (doorward user delete); --json shows which users this is about", claim.Provider)}, nil
}

// remarks returns reasons why a login may not have the identifier.
func (o *Operations) remarks(claim sso.Claim, row ImportedUser) []string {
	p, ok := o.providerNamed(claim.Provider)
	address := strings.Contains(row.ExternalIdentifier, "@")
	if !ok || claim.Kind != sso.ClaimByIdentifier || !address || p.LinkByVerifiedEmail {
		return nil
	}
	return []string{fmt.Sprintf("the identifier is an e-mail address: if %s now identifies users by something else, set %s to true", p.Name, linkOption(p))}
}

// roleOfImported creates a missing role with its ID as its name, as a login does.
func (o *Operations) roleOfImported(ctx context.Context, actor Actor, id string) error {
	if id == "" {
		return nil
	}
	roles, err := o.ports.Roles.Roles(ctx)
	if err != nil {
		return fmt.Errorf("looking up a role: %w", err)
	}
	if _, ok := sso.FindRole(roles, id); ok {
		return nil
	}
	if err := actor.Check(RolesWrite); err != nil {
		return fmt.Errorf("the role %s does not exist: %w", id, err)
	}
	if len(roles) >= maxRoles {
		return fmt.Errorf("adding the role %s: %w", id, ErrFull)
	}
	event := o.named(ctx, actor, sso.EventRoleAdded, id)
	event.Reason = sso.ReasonImported
	if err := o.ports.Roles.AddRole(ctx, sso.Role{ID: id, Name: id}, event); err != nil && !errors.Is(err, sso.ErrRoleExists) {
		return fmt.Errorf("adding the role %s: %w", id, err)
	}
	return nil
}
