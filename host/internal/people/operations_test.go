package people_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
	"github.com/doorward/doorward/sdk"
)

var start = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// office is the operations with a real database and two providers.
type office struct {
	*people.Operations
	t     *testing.T
	ctx   context.Context
	store *sqlite.Store
}

func newOffice(t *testing.T) office {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	providers := []sso.Provider{{Name: "corp", DefaultRole: "Editor"}, {Name: "mail", IdentifierIgnoreCase: true}}
	return office{people.New(people.Ports{
		Accounts: store, Claims: store, Roles: store, Sessions: store, Keys: store, Audit: store,
		Providers: func() []sso.Provider { return providers }, Now: func() time.Time { return start },
	}), t, people.WithActor(t.Context(), people.Operator), store}
}

func (o office) add(req people.AddUser) people.AddedUser {
	o.t.Helper()
	added, err := o.AddUser(o.ctx, req)
	if err != nil {
		o.t.Fatal(err)
	}
	return added
}

// wantInvalid checks that an error is about that member.
func wantInvalid(t *testing.T, what string, err error, member string) {
	t.Helper()
	if wrong, ok := errors.AsType[*people.InvalidError](err); !ok || wrong.Member != member || !errors.Is(err, people.ErrInvalid) {
		t.Errorf("%s: error %v, want one about %s", what, err, member)
	}
}

func TestAddUserRefusesWhatCannotBeMeant(t *testing.T) {
	o := newOffice(t)
	for name, c := range map[string]struct {
		req    people.AddUser
		member string
	}{
		"a subject of nobody":      {people.AddUser{Subject: "s"}, "provider"},
		"a provider alone":         {people.AddUser{Provider: "corp"}, "subject"},
		"D05 too long a subject":   {people.AddUser{Provider: "corp", Subject: strings.Repeat("s", sdk.MaxSubject+1)}, "subject"},
		"D05 a line break":         {people.AddUser{Provider: "corp", Subject: "a\nb"}, "subject"},
		"D05 a NUL":                {people.AddUser{Provider: "corp", Subject: "a\x00"}, "subject"},
		"D05 no UTF-8":             {people.AddUser{Provider: "corp", Subject: "\xff"}, "subject"},
		"a provider with a NUL":    {people.AddUser{Provider: "corp\x00", Subject: "s"}, "provider"},
		"a provider with a line":   {people.AddUser{Provider: "corp\n", Subject: "s"}, "provider"},
		"too long a provider":      {people.AddUser{Provider: strings.Repeat("p", 65), Subject: "s"}, "provider"},
		"an ID in another form":    {people.AddUser{ID: "ann"}, "id"},
		"an ID in capitals":        {people.AddUser{ID: "653925A9-970E-487A-BFC0-AB6C96AFFCDC"}, "id"},
		"an address with a line":   {people.AddUser{Email: "a@b\r\nBcc: c@d"}, "email"},
		"too long an address":      {people.AddUser{Email: strings.Repeat("x", sdk.MaxAttribute+1)}, "email"},
		"spaces around a name":     {people.AddUser{FirstName: " Ann"}, "first_name"},
		"a name that is no UTF-8":  {people.AddUser{LastName: "\xc3"}, "last_name"},
		"a role that is not there": {people.AddUser{Role: "Editor"}, "role"},
	} {
		_, err := o.AddUser(o.ctx, c.req)
		wantInvalid(t, name, err, c.member)
	}
	page, err := o.ListUsers(o.ctx, people.ListUsers{})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("afterwards: %+v, %v", page, err)
	}
}

// An account that nobody can claim is created anyway, with a warning.
func TestWarnings(t *testing.T) {
	o := newOffice(t)
	for name, c := range map[string]struct {
		req  people.AddUser
		want string
	}{
		"no link":         {people.AddUser{Email: "a@example.org"}, "it has no link"},
		"unknown":         {people.AddUser{Provider: "crop", Subject: "s"}, `provider "crop" is not configured`},
		"all is well":     {people.AddUser{Provider: "corp", Subject: "s"}, ""},
		"in another case": {people.AddUser{Provider: "Corp", Subject: "s"}, "configured: corp, mail"},
	} {
		if got := strings.Join(o.add(c.req).Warnings, " "); got == "" != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// If a provider's addresses ignore case, so do those of an operator.
func TestSubjectsAreThoseThatALoginLooksFor(t *testing.T) {
	o := newOffice(t)
	ann := o.add(people.AddUser{Provider: "mail", Subject: "Ann@Example.org"})
	if ann.Links[0].Subject != "ann@example.org" {
		t.Errorf("links %+v", ann.Links)
	}
	exact := o.add(people.AddUser{Provider: "corp", Subject: "Ann@Example.org"})
	if exact.Links[0].Subject != "Ann@Example.org" {
		t.Errorf("links %+v", exact.Links)
	}
	_, err := o.LinkUser(o.ctx, people.LinkUser{OneUser: people.OneUser{User: exact.ID}, Provider: "mail", Subject: "ANN@example.org"})
	if taken, ok := errors.AsType[*people.LinkTakenError](err); !ok || taken.User.ID != ann.ID {
		t.Errorf("the address of another: %v", err)
	}
	found, err := o.ListUsers(o.ctx, people.ListUsers{Provider: "mail", Subject: "ANN@example.org"})
	if err != nil || len(found.Items) != 1 {
		t.Errorf("found %+v, %v", found, err)
	}
	if _, err := o.UnlinkUser(o.ctx, people.UnlinkUser{OneUser: people.OneUser{User: ann.ID}, Provider: "mail", Subject: "ANN@example.org"}); err != nil {
		t.Error(err)
	}
}

// An address set by an operator has not been verified by any provider.
func TestAnOperatorsAddressIsNotVerified(t *testing.T) {
	o := newOffice(t)
	user := sso.User{ID: "u1", Provider: "corp", Subject: "s", Status: sso.UserActive, Email: "a@example.org", EmailVerifiedBy: "corp"}
	if err := o.store.AddUser(t.Context(), user, sso.Event{}); err != nil {
		t.Fatal(err)
	}
	verifiedBy := func() string {
		user, _, err := o.store.UserByID(t.Context(), "u1")
		if err != nil {
			t.Fatal(err)
		}
		return user.EmailVerifiedBy
	}
	for _, same := range []people.SetUser{
		{OneUser: people.OneUser{User: "u1"}, FirstName: people.ChangeTo("Ann")},
		{OneUser: people.OneUser{User: "u1"}, Email: people.ChangeTo("a@example.org")},
	} {
		if _, err := o.SetUser(o.ctx, same); err != nil || verifiedBy() != "corp" {
			t.Errorf("%+v: verified by %q, %v", same, verifiedBy(), err)
		}
	}
	_, err := o.SetUser(o.ctx, people.SetUser{OneUser: people.OneUser{User: "u1"}, Email: people.ChangeTo("victim@example.org")})
	if err != nil || verifiedBy() != "" {
		t.Errorf("another address: verified by %q, %v", verifiedBy(), err)
	}
}

// A cursor belongs to the list that returned it.
func TestCursors(t *testing.T) {
	o := newOffice(t)
	for range 2 {
		o.add(people.AddUser{})
	}
	page, err := o.ListUsers(o.ctx, people.ListUsers{Paging: people.Paging{Limit: 1}})
	if err != nil || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	_, err = o.ListSessions(o.ctx, people.ListSessions{Paging: people.Paging{Cursor: page.Next}})
	wantInvalid(t, "that of another list", err, "cursor")
	for _, limit := range []int{-1, people.MaxLimit + 1} {
		_, err = o.ListUsers(o.ctx, people.ListUsers{Paging: people.Paging{Limit: limit}})
		wantInvalid(t, "a limit beyond the bounds", err, "limit")
	}
}

func TestEndingSessionsNeedsToBeSaid(t *testing.T) {
	o := newOffice(t)
	for _, req := range []people.EndSessions{{}, {All: true, User: "ann"}, {All: true, Provider: "corp"}} {
		_, err := o.EndSessions(o.ctx, req)
		wantInvalid(t, "ending sessions", err, "all")
	}
}

func TestRoles(t *testing.T) {
	o := newOffice(t)
	editor, err := o.AddRole(o.ctx, people.AddRole{Name: "Editor"})
	if err != nil {
		t.Fatal(err)
	}
	author, err := o.AddRole(o.ctx, people.AddRole{Name: "Author"})
	if err != nil {
		t.Fatal(err)
	}
	for name, req := range map[string]people.AddRole{"the name": {Name: "Editor"}, "the ID": {Name: "Else", ID: editor.ID}} {
		if _, err := o.AddRole(o.ctx, req); !errors.Is(err, people.ErrTaken) {
			t.Errorf("%s of another: %v", name, err)
		}
	}
	user := o.add(people.AddUser{Provider: "corp", Subject: "s", Role: "Editor"})
	if user.Role == nil || *user.Role != editor.ID || *user.RoleName != "Editor" {
		t.Errorf("user %+v", user)
	}
	one := people.OneRole{Role: "Editor"}
	if _, err := o.RemoveRole(o.ctx, people.RemoveRole{OneRole: one}); !errors.Is(err, people.ErrTaken) {
		t.Errorf("a role that somebody has: %v", err)
	}
	_, err = o.RemoveRole(o.ctx, people.RemoveRole{OneRole: one, MoveTo: editor.ID})
	wantInvalid(t, "to itself", err, "move_to")
	_, err = o.RemoveRole(o.ctx, people.RemoveRole{OneRole: one, MoveTo: "Author", Without: true})
	wantInvalid(t, "both", err, "without")
	removed, err := o.RemoveRole(o.ctx, people.RemoveRole{OneRole: one, MoveTo: "Author"})
	if err != nil || removed.Users != 1 || len(removed.Warnings) != 1 || !strings.Contains(removed.Warnings[0], "at: corp") {
		t.Errorf("removed %+v, %v; want a warning that corp still gives it", removed, err)
	}
	shown, err := o.ShowUser(o.ctx, people.OneUser{User: user.ID})
	if err != nil || *shown.Role != author.ID {
		t.Errorf("afterwards: %+v, %v", shown, err)
	}
}

const (
	importID   = "653925a9-970e-487a-bfc0-ab6c96affcdc"
	importRole = "7c0e2d8e-0b1f-4a63-9d4c-8f6f1b1f6d10"
)

func imported(identifier string) people.ImportedUser {
	return people.ImportedUser{ID: importID, Status: "active", Role: importRole, Provider: "corp", ExternalIdentifier: identifier}
}

// importOne imports a user, and returns the outcome.
func (o office) importOne(ctx context.Context, row people.ImportedUser) people.ImportOutcome {
	o.t.Helper()
	result, err := o.ImportUsers(ctx, people.ImportUsers{Users: []people.ImportedUser{row}})
	if err != nil || len(result.Users) != 1 {
		o.t.Fatalf("%+v, %v", result, err)
	}
	return result.Users[0]
}

func TestImportsAreBounded(t *testing.T) {
	o := newOffice(t)
	for what, users := range map[string][]people.ImportedUser{"none": nil, "too many": make([]people.ImportedUser, people.MaxImport+1)} {
		_, err := o.ImportUsers(o.ctx, people.ImportUsers{Users: users})
		wantInvalid(t, what, err, "users")
	}
	result, err := o.ImportUsers(o.ctx, people.ImportUsers{Users: []people.ImportedUser{imported("a"), imported("b")}})
	if err != nil || result.Users[0].Outcome != people.ImportAdded || result.Users[1].Outcome != people.ImportRefused {
		t.Errorf("an ID twice: %+v, %v", result, err)
	}
	for name, row := range map[string]people.ImportedUser{
		"D05 an identifier of two lines": imported("a\nb"),
		"D05 too long an identifier":     imported(strings.Repeat("x", sdk.MaxSubject+1)),
		"D04 an odd address":             {ID: sso.NewUUID(), Status: "active", Email: "a@b@c.org", EmailProvider: "corp"},
		"a role that is a name":          {ID: sso.NewUUID(), Status: "active", Role: "Editor"},
		"a status of nobody":             {ID: sso.NewUUID(), Status: "Active"},
		"too long a provider":            {ID: sso.NewUUID(), Status: "active", Provider: strings.Repeat("p", 65)},
	} {
		if row.ID == importID {
			row.ID = sso.NewUUID()
		}
		if got := o.importOne(o.ctx, row); got.Outcome != people.ImportRefused || len(got.Notes) != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	var row people.ImportedUser
	if err := row.UnmarshalJSON([]byte(`{"id":"x","passwort":"y"}`)); err == nil {
		t.Error("a member that nobody knows")
	}
}

// A key that may change users must not create roles on the way.
func TestImportMakesRolesOnlyForWhoMay(t *testing.T) {
	o := newOffice(t)
	may := func(scopes ...people.Scope) context.Context {
		return people.WithActor(t.Context(), people.Actor{KeyID: "k", Name: "hr", Scopes: scopes})
	}
	if got := o.importOne(may(people.UsersWrite), imported("a")); got.Outcome != people.ImportRefused || got.Claimable {
		t.Errorf("without roles:write: %+v", got)
	}
	if _, err := o.ShowUser(o.ctx, people.OneUser{User: importID}); !errors.Is(err, sso.ErrNotFound) {
		t.Errorf("the refused user: %v", err)
	}
	if got := o.importOne(may(people.UsersWrite, people.RolesWrite), imported("a")); got.Outcome != people.ImportAdded || !got.Claimable {
		t.Errorf("with roles:write: %+v", got)
	}
	shown, err := o.ShowUser(o.ctx, people.OneUser{User: importID})
	if err != nil || shown.Role == nil || *shown.Role != importRole || len(shown.Claims) != 1 {
		t.Errorf("shown: %+v, %v", shown, err)
	}
}

// wantEvents checks the events of a user, as kind, reason and detail.
func (o office) wantEvents(what, user string, want ...string) {
	o.t.Helper()
	events, err := o.store.LastEvents(o.t.Context(), people.EventFilter{User: user}, 100)
	if err != nil {
		o.t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Kind, e.Reason, e.Detail)))
		if e.Actor != sso.ActorOperator {
			o.t.Errorf("%s: by %s", what, e.Actor)
		}
	}
	if !slices.Equal(got, want) {
		o.t.Errorf("%s: events %q, want %q", what, got, want)
	}
}

// An import stores an event if it changes something, and no other events.
func TestEventsOfImports(t *testing.T) {
	o := newOffice(t)
	added := "user_added imported role " + importRole
	_, err := o.ImportUsers(o.ctx, people.ImportUsers{Users: []people.ImportedUser{imported("a")}, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	o.wantEvents("a dry run", importID)
	for range 2 {
		o.importOne(o.ctx, imported("a"))
		o.wantEvents("the same again", importID, added)
	}
	o.importOne(o.ctx, imported("b"))
	o.wantEvents("another identifier", importID, added, "user_changed imported claims")
	roles, err := o.store.LastEvents(t.Context(), people.EventFilter{Kind: sso.EventRoleAdded}, 10)
	if err != nil || len(roles) != 1 || roles[0].Reason != sso.ReasonImported || roles[0].Detail != importRole {
		t.Errorf("of the role: %+v, %v", roles, err)
	}
}

// An account that nobody can take is reported at the import.
func TestImportSaysWhoCannotSignIn(t *testing.T) {
	o := newOffice(t)
	o.add(people.AddUser{Provider: "corp", Subject: "taken"})
	if got := o.importOne(o.ctx, imported("Taken")); got.Claimable || !strings.Contains(strings.Join(got.Notes, " "), "already signs in with this identifier") {
		t.Errorf("who signs in already: %+v", got)
	}
	rival := imported("TAKEN")
	rival.ID = sso.NewUUID()
	if got := o.importOne(o.ctx, rival); got.Claimable || !strings.Contains(strings.Join(got.Notes, " "), "has the same claim") {
		t.Errorf("two with one identifier: %+v", got)
	}
	address := imported("ann@example.org")
	address.ID = sso.NewUUID()
	if got := o.importOne(o.ctx, address); !got.Claimable || !strings.Contains(strings.Join(got.Notes, " "), "AUTH_CORP_LINK_BY_VERIFIED_EMAIL") {
		t.Errorf("an address: %+v", got)
	}
}

// The secret of an invitation is shown once, and a new one replaces it.
func TestInvitations(t *testing.T) {
	o := newOffice(t)
	user := o.add(people.AddUser{Invited: true, Email: "ann@example.org"})
	if user.Status != sso.UserInvited || len(user.Warnings) > 0 {
		t.Errorf("added: %+v", user)
	}
	one := people.OneUser{User: user.ID}
	first, err := o.InviteUser(o.ctx, people.InviteUser{OneUser: one})
	if err != nil || !first.ExpiresAt.Equal(start.Add(7*24*time.Hour)) || first.URL != nil || first.Claims[0].Key != nil {
		t.Fatalf("invited: %+v, %v", first, err)
	}
	second, err := o.InviteUser(o.ctx, people.InviteUser{OneUser: one, ExpiresAt: start.Add(time.Hour)})
	if err != nil || second.Token == first.Token {
		t.Fatalf("invited again: %+v, %v", second, err)
	}
	for token, want := range map[string]int{first.Token: 0, second.Token: 1} {
		found, err := o.store.Claimants(t.Context(), sso.InvitationToken(token).Claim(), start)
		if err != nil || len(found) != want {
			t.Errorf("%d wait, want %d; %v", len(found), want, err)
		}
	}
	o.wantEvents("two invitations", user.ID, "user_added", "user_invited  until "+first.ExpiresAt.Format(time.RFC3339), "user_invited  until "+second.ExpiresAt.Format(time.RFC3339))
	for _, until := range []time.Time{start, start.Add(91 * 24 * time.Hour)} {
		_, err := o.InviteUser(o.ctx, people.InviteUser{OneUser: one, ExpiresAt: until})
		wantInvalid(t, "until "+until.String(), err, "expires_at")
	}
	linked := o.add(people.AddUser{Provider: "corp", Subject: "s"})
	if _, err := o.InviteUser(o.ctx, people.InviteUser{OneUser: people.OneUser{User: linked.ID}}); !errors.Is(err, people.ErrClaimed) {
		t.Errorf("who has a link: %v", err)
	}
	if _, err := o.InviteUser(o.ctx, people.InviteUser{OneUser: people.OneUser{User: "nobody"}}); !errors.Is(err, sso.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	for name, req := range map[string]people.AddUser{
		"invited": {Provider: "corp", Subject: "x", Invited: true}, "email_provider": {Provider: "corp", Subject: "x", Email: "a@b.org", EmailProvider: "corp"},
		"email": {EmailProvider: "corp"},
	} {
		_, err := o.AddUser(o.ctx, req)
		wantInvalid(t, "ways that do not go together", err, name)
	}
}

// The name of a role must not be the ID of another: roles are found by either, so anyone
// who removes one, or names it in the configuration, could get the other.
func TestARolesNameIsNoOtherRolesID(t *testing.T) {
	o := newOffice(t)
	const id = "653925a9-970e-487a-bfc0-ab6c96affcdc"
	add := func(req people.AddRole) (people.Role, error) { return o.AddRole(o.ctx, req) }
	editor, err := add(people.AddRole{ID: strings.ToUpper(id), Name: "Editor"})
	if err != nil || editor.ID != id {
		t.Fatalf("added %+v, %v; want the ID as UUIDs are written", editor, err)
	}
	for name, req := range map[string]people.AddRole{
		"an ID that is a name":          {ID: "Editor", Name: "x"},
		"a name that is an ID":          {Name: id},
		"a name that is an ID in caps":  {Name: strings.ToUpper(id)},
		"an ID that is there, in caps":  {ID: strings.ToUpper(id), Name: "y"},
		"a name that is there, as ever": {Name: "Editor"},
	} {
		if got, err := add(req); !errors.Is(err, people.ErrTaken) {
			t.Errorf("%s: %+v, %v, want ErrTaken", name, got, err)
		}
	}
	author, err := add(people.AddRole{Name: "Author"})
	if err != nil {
		t.Fatal(err)
	}
	rename := func(role, name string) error {
		_, err := o.RenameRole(o.ctx, people.RenameRole{OneRole: people.OneRole{Role: role}, Name: name})
		return err
	}
	if err := rename(author.ID, id); !errors.Is(err, people.ErrTaken) {
		t.Errorf("renamed to the ID of another: %v", err)
	}
	if err := rename(author.ID, author.ID); err != nil {
		t.Errorf("renamed to its own ID: %v", err)
	}
}
