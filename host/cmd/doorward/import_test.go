package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

const (
	annID    = "653925a9-970e-487a-bfc0-ab6c96affcdc"
	bobID    = "0b4e4a0a-3c5f-4f8e-9a57-2f5b9d1d3c11"
	casID    = "9a1d2e55-8d1f-4f6e-9d6b-7f1d6f1c2b33"
	danID    = "1c2b3a49-5867-4768-8fa9-0b1c2d3e4f50"
	editorID = "7c0e2d8e-0b1f-4a63-9d4c-8f6f1b1f6d10"
)

// dump is what pg_dump makes of a small Directus.
const dump = `--
-- PostgreSQL database dump
--
COPY public.directus_roles (id, name) FROM stdin;
` + editorID + `	Editor
\.
COPY public.directus_users (id, email, status, role, provider, external_identifier) FROM stdin;
` + annID + `	ann@example.org	active	` + editorID + `	corp	ANN-17
` + bobID + `	bob@example.org	suspended	` + editorID + `	corp	bob
` + casID + `	cas@example.org	active	\N	default	\N
` + danID + `	\N	active	\N	crop	dan
\.
`

func (o office) file(name, text string) string {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return path
}

// runImport imports a file, and returns what the command says of each user.
func (o office) runImport(code int, args ...string) (users map[string]people.ImportOutcome, roles []importedRole) {
	o.t.Helper()
	var done imported
	out := o.run(code, "", append([]string{"user", "import", "--json"}, args...)...)
	if err := json.NewDecoder(strings.NewReader(out[strings.Index(out, "{"):])).Decode(&done); err != nil {
		o.t.Fatalf("%v\n%s", err, out)
	}
	users = map[string]people.ImportOutcome{}
	for _, user := range done.Users {
		users[user.ID] = user
	}
	return users, done.Roles
}

func (o office) claims(id string) (claims []sso.Claim) {
	o.inside(func(s *sqlite.Store) (err error) {
		claims, err = s.ClaimsOf(o.t.Context(), id)
		return err
	})
	return claims
}

func TestImport(t *testing.T) {
	o := newOffice(t)
	path := o.file("dump.sql", dump)
	users, roles := o.runImport(0, path, "--dry-run")
	if len(users) != 4 || users[annID].Outcome != "added" || !users[annID].Claimable || len(roles) != 1 || roles[0].Outcome != "added" {
		t.Errorf("dry: %+v with %+v", users, roles)
	}
	for id, why := range map[string]string{bobID: "the account is suspended", casID: "the account had a password", danID: `provider "crop" is not configured`} {
		if users[id].Claimable || !strings.Contains(strings.Join(users[id].Notes, "; "), why) {
			t.Errorf("dry: %+v, want %q", users[id], why)
		}
	}
	o.run(0, "would be added: 4; there already: 0; refused: 0; cannot sign in: 3", "user", "import", path, "--dry-run")
	if out := o.run(0, "", "user", "list"); strings.Contains(out, "@") {
		t.Errorf("the dry run added somebody:\n%s", out)
	}

	o.run(0, "added: 4; there already: 0; refused: 0; cannot sign in: 3", "user", "import", path)
	o.inside(func(s *sqlite.Store) error {
		ann, _, err := s.UserByID(t.Context(), annID)
		if ann.Role != editorID || ann.Status != sso.UserActive || ann.Email != "ann@example.org" || ann.Linked() {
			t.Errorf("ann: %+v", ann)
		}
		return err
	})
	if diff := cmp.Diff([]sso.Claim{sso.IdentifierClaim("corp", "ann-17")}, o.claims(annID)); diff != "" {
		t.Errorf("ann waits for (-want +got):\n%s", diff)
	}
	o.run(0, "a login at corp as ann-17, ignoring case", "user", "show", annID)
	o.run(0, "Editor", "role", "list")

	// Again: no user changes, but those who had a password can get another way to sign in.
	o.run(0, "", "user", "set", annID, "--first-name", "Anna")
	users, roles = o.runImport(0, path, "--email-provider", "corp")
	if users[annID].Outcome != "present" || users[casID].Outcome != "present" || roles[0].Outcome != "present" {
		t.Errorf("again: %+v with %+v", users, roles)
	}
	if claims := o.claims(casID); len(claims) != 1 || claims[0].Kind != sso.ClaimByEmail || claims[0].Key != "cas@example.org" {
		t.Errorf("cas waits for %+v", claims)
	}
	if !strings.Contains(strings.Join(users[casID].Notes, "; "), "LINK_BY_VERIFIED_EMAIL") {
		t.Errorf("cas: %+v", users[casID])
	}
	o.run(0, "Anna", "user", "show", annID)

	// Who signs in by then is left alone.
	o.run(0, "", "user", "link", annID, "--provider", "corp", "--subject", "x")
	if users, _ = o.runImport(0, path); !users[annID].Claimable || len(o.claims(annID)) > 0 {
		t.Errorf("linked: %+v", users[annID])
	}
}

// Who signed in before the import has an account with another ID, which a directory knows
// by another subject than Directus stored: that the import comes too late is said.
func TestImportAfterTheFirstLogin(t *testing.T) {
	o := newOffice(t)
	out := o.run(0, "", "user", "add", "--provider", "corp", "--subject", "entry-uuid", "--email", "ANN@example.org")
	early := uuidIn.FindString(out)
	path := o.file("dump.sql", dump)
	const note = "already signs in at corp, to another account"
	users, _ := o.runImport(0, path, "--dry-run")
	for id, want := range map[string]bool{annID: true, bobID: false, casID: false, danID: false} {
		if got := strings.Contains(strings.Join(users[id].Notes, "; "), note); got != want {
			t.Errorf("%s: %v", id, users[id].Notes)
		}
	}
	o.run(0, "note for 1 users: a user with this e-mail address "+note, "user", "import", path, "--dry-run")
	o.run(0, "", "user", "delete", early, "--yes")
	if users, _ = o.runImport(0, path); len(users[annID].Notes) > 0 || !users[annID].Claimable {
		t.Errorf("after it was deleted: %+v", users[annID])
	}
}

func TestImportOfWhatDoesNotFit(t *testing.T) {
	o := newOffice(t)
	row := func(id, status, identifier string) map[string]any {
		return map[string]any{"id": id, "status": status, "role": nil, "provider": "corp", "external_identifier": identifier, "email": "a\u0000b"}
	}
	text, err := json.Marshal([]any{row("1", "active", "x"), row(annID, "gone", "y"), row(bobID, "active", "z")})
	if err != nil {
		t.Fatal(err)
	}
	users, _ := o.runImport(1, o.file("odd.json", string(text)))
	for id, why := range map[string]string{"1": "id must be a UUID", annID: "status", bobID: "email contains a control character"} {
		if users[id].Outcome != "refused" || !strings.Contains(strings.Join(users[id].Notes, " "), why) {
			t.Errorf("%+v, want %q", users[id], why)
		}
	}
	twins, err := json.Marshal([]any{
		map[string]any{"id": annID, "status": "active", "provider": "corp", "external_identifier": "Same"},
		map[string]any{"id": bobID, "status": "active", "provider": "corp", "external_identifier": "sAME"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		users, _ = o.runImport(0, o.file("twins.json", string(twins)))
		if users[annID].Claimable || users[bobID].Claimable || !strings.Contains(strings.Join(users[annID].Notes, " "), bobID) {
			t.Errorf("two with one identifier: %+v", users)
		}
	}
	o.run(1, "not a Directus export", "user", "import", o.file("none.txt", "hello"))
	o.run(1, "opening the export", "user", "import", filepath.Join(o.dir, "missing"))
	o.run(2, "FILE", "user", "import")
}

// A file of many users is imported in several requests.
func TestImportInParts(t *testing.T) {
	o := newOffice(t)
	rows := []any{}
	for range 2*people.MaxImport + 1 {
		rows = append(rows, map[string]any{"id": sso.NewUUID(), "status": "active", "role": editorID, "provider": "corp", "external_identifier": sso.NewUUID(), "last_name": strings.Repeat("\\", 1000)})
	}
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	users, _ := o.runImport(0, o.file("many.json", string(text)))
	claimable := 0
	for _, user := range users {
		if user.Claimable && user.Outcome == "added" {
			claimable++
		}
	}
	if claimable != len(rows) {
		t.Errorf("%d of %d", claimable, len(rows))
	}
	o.run(0, editorID+"  "+editorID, "role", "list") // made by the import, until somebody names it
	_, roles := o.runImport(0, o.file("many.json", string(text)), "--roles", o.file("roles.csv", "id,name\n"+editorID+",Editor\n"))
	if !slices.Contains(roles, importedRole{ID: editorID, Name: "Editor", Outcome: "renamed"}) {
		t.Errorf("roles: %+v", roles)
	}
	o.run(0, "Editor", "role", "list")
}

func TestInvite(t *testing.T) {
	o := newOffice(t)
	out := o.run(0, "link, shown this once: ", "user", "invite", "--email", "ann@example.org", "--expires", "24h")
	if !strings.Contains(out, "/invitation?token=") {
		t.Errorf("no link:\n%s", out)
	}
	_, token, _ := strings.Cut(out, "token=")
	shown := o.run(0, "invited", "user", "show", "ann@example.org")
	if !strings.Contains(shown, "a login with the invitation, until ") || strings.Contains(shown, strings.TrimSpace(token)) {
		t.Errorf("shown:\n%s", shown)
	}
	o.run(0, "link, shown this once: ", "user", "invite", "ann@example.org")
	if claims := o.claims(uuidIn.FindString(shown)); len(claims) != 1 || claims[0].Key == sso.InvitationToken(strings.TrimSpace(token)).Claim().Key {
		t.Errorf("the first link still holds: %+v", claims)
	}
	o.run(2, "name an existing USER", "user", "invite")
	o.run(2, "name an existing USER", "user", "invite", "ann@example.org", "--role", "x")
	o.run(2, "--expires", "user", "invite", "ann@example.org", "--expires", "1s")
	o.run(1, "within 90 days", "user", "invite", "ann@example.org", "--expires", "91d")
	o.run(0, "", "user", "suspend", "ann@example.org")
	o.run(1, "activate it first", "user", "invite", "ann@example.org")
	o.run(0, "", "user", "add", "--provider", "corp", "--subject", "bob", "--email", "bob@example.org")
	o.run(1, "the account has a link", "user", "invite", "bob@example.org")
}

func TestAddByEmail(t *testing.T) {
	o := newOffice(t)
	o.run(0, "AUTH_CORP_LINK_BY_VERIFIED_EMAIL", "user", "add", "--email", "Ann@example.org", "--email-provider", "corp")
	o.run(0, "a login at corp with the verified address ann@example.org", "user", "show", "ann@example.org")
	o.run(0, "has the same claim", "user", "add", "--email", "ann@example.org", "--email-provider", "corp")
	o.run(0, `provider "crop" is not configured`, "user", "add", "--email", "bob@example.org", "--email-provider", "crop")
	o.run(1, "plain e-mail address", "user", "add", "--email", "a@b@example.org", "--email-provider", "corp")
	o.run(1, "email_provider cannot be combined with", "user", "add", "--email", "a@b.org", "--email-provider", "corp", "--provider", "corp", "--subject", "x")
}
