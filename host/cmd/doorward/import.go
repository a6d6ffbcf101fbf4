package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/directus"
	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// importing has the flags of an import.
type importing struct {
	file, roles   string
	emailProvider string
	dryRun        bool
	in            io.Reader
}

func userImportCommand(environ []string) *cobra.Command {
	var o *operator
	var req importing
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Import users from Directus", Args: exactly("FILE"),
		Long: "Import users from Directus, with their IDs, roles and statuses. A user's first login at the provider that they had\n" +
			"there finds the account by the identifier that Directus stored (external_identifier), ignoring case, once.\n" +
			"Existing users are not changed, so you can import the same file again.\n\n" +
			"FILE is one of\n" +
			"  JSON     of the API or the Data Studio, with the fields id, status, role, provider, external_identifier, and,\n" +
			"           if you like, email, first_name, last_name and language\n" +
			"  CSV      with the same names in its first line, of the Data Studio or psql\n" +
			"  SQL      of pg_dump --data-only -t directus_users -t directus_roles, without --inserts\n" +
			"and - reads the standard input. Providers must have the same names here as in Directus.\n\n" +
			"--dry-run changes nothing, and lists the users who could not sign in, and why. Run it with the configuration of\n" +
			"the host.\n\n" + whereItIsDone,
		Example: "  doorward user import users.json --roles roles.json --dry-run\n" +
			"  pg_dump --data-only -t directus_users -t directus_roles directus | doorward user import -\n" +
			"  doorward user import users.csv --email-provider corp",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, args []string) error {
				req.file, req.in = args[0], cmd.InOrStdin()
				return o.importUsers(ctx, req)
			})(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	cmd.Flags().BoolVar(&req.dryRun, "dry-run", false, "say what would be done, and change nothing")
	cmd.Flags().StringVar(&req.roles, "roles", "", "file with directus_roles, in one of the same formats; not needed for a dump of both tables")
	cmd.Flags().StringVar(&req.emailProvider, "email-provider", "", "for users who had a password: a login at this provider with their verified e-mail address claims the account\n(needs LINK_BY_VERIFIED_EMAIL)")
	return cmd
}

// imported is the result of an import.
type imported struct {
	DryRun bool                   `json:"dry_run"`
	Roles  []importedRole         `json:"roles"`
	Users  []people.ImportOutcome `json:"users"`
}

type importedRole struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Outcome string `json:"outcome"` // added, renamed, present or refused
	Note    string `json:"note"`
}

func (o *operator) importUsers(ctx context.Context, req importing) error {
	export, err := req.read()
	if err != nil {
		return err
	}
	done := imported{DryRun: req.dryRun, Roles: []importedRole{}, Users: []people.ImportOutcome{}}
	if done.Roles, err = o.importRoles(ctx, export.Roles, req.dryRun); err != nil {
		return err
	}
	rows := rowsOf(export.Users, req.emailProvider)
	for batch := range batches(rows) {
		answer, err := o.client.Call(ctx, "importUsers", people.ImportUsers{Users: batch, DryRun: req.dryRun})
		if err != nil {
			return fmt.Errorf("%w; %d of %d users were imported before; you can import the same file again", err, len(done.Users), len(rows))
		}
		result, err := admin.Decode[people.ImportResult](answer)
		if err != nil {
			return err
		}
		done.Users = append(done.Users, result.Users...)
	}
	noteRivals(rows, done.Users)
	return o.printImported(done, rows)
}

func (i importing) read() (directus.Export, error) {
	export, err := readFile(i.file, i.in, directus.Read)
	if err != nil || i.roles == "" {
		return export, err
	}
	export.Roles, err = readFile(i.roles, i.in, directus.ReadRoles)
	return export, err
}

func readFile[T any](path string, in io.Reader, read func(io.Reader) (T, error)) (T, error) {
	if path == "-" {
		return read(in)
	}
	var none T
	file, err := os.Open(path)
	if err != nil {
		return none, fmt.Errorf("opening the export: %w", err)
	}
	defer file.Close()
	got, err := read(file)
	if err != nil {
		return none, fmt.Errorf("%s: %w", path, err)
	}
	return got, nil
}

func rowsOf(users []directus.User, emailProvider string) (rows []people.ImportedUser) {
	for _, u := range users {
		row := people.ImportedUser{
			ID: u.ID, Status: u.Status, Role: u.Role, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Language: u.Language,
			Provider: u.Provider, ExternalIdentifier: u.ExternalIdentifier,
		}
		if row.ExternalIdentifier == "" {
			row.EmailProvider = emailProvider
		}
		rows = append(rows, row)
	}
	return rows
}

// batchBytes bounds the rows of a request to half of the largest body. Rows are bounded, so
// that one row always fits into a body.
const batchBytes = 32 << 10

// batches splits the rows into batches that fit into one request.
func batches(rows []people.ImportedUser) func(yield func([]people.ImportedUser) bool) {
	return func(yield func([]people.ImportedUser) bool) {
		from, size := 0, 0
		for i, row := range rows {
			text, _ := json.Marshal(row) // texts can always be written
			if i > from && (size+len(text) > batchBytes || i-from == people.MaxImport) {
				if !yield(rows[from:i]) {
					return
				}
				from, size = i, 0
			}
			size += len(text)
		}
		if from < len(rows) {
			yield(rows[from:])
		}
	}
}

// noteRivals notes the users of the file that wait for the same identifier: no login can
// claim any of them.
func noteRivals(rows []people.ImportedUser, outcomes []people.ImportOutcome) {
	first := map[sso.Claim]int{}
	for i, row := range rows {
		if row.ExternalIdentifier == "" || outcomes[i].Outcome == people.ImportRefused {
			continue
		}
		claim := sso.IdentifierClaim(row.Provider, row.ExternalIdentifier)
		j, rivals := first[claim]
		if !rivals {
			first[claim] = i
			continue
		}
		for one, other := range map[int]int{i: j, j: i} {
			note := "user " + rows[other].ID + " of this file has the same identifier, so no login can claim either"
			if outcomes[one].Claimable = false; !slices.Contains(outcomes[one].Notes, note) {
				outcomes[one].Notes = append(outcomes[one].Notes, note)
			}
		}
	}
}

// importRoles adds the roles. A role that a login has made before has its ID as its name,
// and gets the right name.
func (o *operator) importRoles(ctx context.Context, roles []directus.Role, dryRun bool) ([]importedRole, error) {
	answer, err := o.client.Call(ctx, "listRoles", people.ListRoles{})
	if err != nil {
		return nil, err
	}
	there, err := admin.Decode[[]people.Role](answer)
	if err != nil {
		return nil, err
	}
	done := []importedRole{}
	for _, role := range roles {
		one := importedRole{ID: role.ID, Name: role.Name}
		i := slices.IndexFunc(there, func(r people.Role) bool { return r.ID == role.ID })
		switch {
		case i >= 0 && there[i].Name != role.ID:
			one.Outcome = "present"
		case i >= 0:
			one.Outcome = "renamed"
			err = o.ifNotDry(ctx, dryRun, "renameRole", people.RenameRole{OneRole: people.OneRole{Role: role.ID}, Name: role.Name})
		default:
			one.Outcome = "added"
			err = o.ifNotDry(ctx, dryRun, "addRole", people.AddRole{ID: role.ID, Name: role.Name})
		}
		if refusal, ok := errors.AsType[*admin.Refusal](err); ok && refusal.Code != "FORBIDDEN" {
			one.Outcome, one.Note, err = "refused", refusal.Message, nil
		}
		if err != nil {
			return nil, err
		}
		done = append(done, one)
	}
	return done, nil
}

func (o *operator) ifNotDry(ctx context.Context, dryRun bool, operation string, req any) error {
	if dryRun {
		return nil
	}
	_, err := o.client.Call(ctx, operation, req)
	return err
}

// printImported says who cannot sign in, and why. It returns an error if users were refused.
func (o *operator) printImported(done imported, rows []people.ImportedUser) error {
	refused := 0
	for _, user := range done.Users {
		if user.Outcome == people.ImportRefused {
			refused++
		}
	}
	if o.asJSON {
		encoder := json.NewEncoder(o.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(done); err != nil {
			return err
		}
	} else {
		o.printOutcomes(done, rows)
	}
	if refused > 0 {
		return fmt.Errorf("users refused: %d", refused)
	}
	return nil
}

func (o *operator) printOutcomes(done imported, rows []people.ImportedUser) {
	counts, remarks, out := map[string]int{}, map[string]int{}, 0
	for _, role := range done.Roles {
		if role.Note != "" {
			fmt.Fprintf(o.out, "role %s %s: refused: %s\n", role.ID, shown(role.Name), shown(role.Note))
		}
	}
	for i, user := range done.Users {
		counts[user.Outcome]++
		if user.Claimable {
			for _, note := range user.Notes {
				remarks[note]++
			}
			continue
		}
		what := "cannot sign in"
		if user.Outcome == people.ImportRefused {
			what = "refused"
		} else {
			out++
		}
		fmt.Fprintf(o.out, "user %s %s: %s: %s\n", shown(user.ID), orDash(shown(rows[i].Email)), what, shown(strings.Join(user.Notes, "; ")))
	}
	for _, note := range slices.Sorted(maps.Keys(remarks)) {
		fmt.Fprintf(o.out, "note for %d users: %s\n", remarks[note], shown(note))
	}
	added := "added"
	if done.DryRun {
		added = "would be added"
	}
	fmt.Fprintf(o.out, "users: %s: %d; there already: %d; refused: %d; cannot sign in: %d\n",
		added, counts[people.ImportAdded], counts[people.ImportPresent], counts[people.ImportRefused], out)
}
