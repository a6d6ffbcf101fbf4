package storetest

import (
	"context"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func testRoles(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("none", func(t *testing.T) { wantRoles(t, open(t)) })
	t.Run("each ID and each name is there once", func(t *testing.T) { testRoleKeys(t, open(t)) })
	t.Run("another name", func(t *testing.T) { testRenameRole(t, open(t)) })
	t.Run("a removed role", func(t *testing.T) { testRemoveRole(t, open) })
}

func wantRoles(t *testing.T, s store.Store, want ...sso.Role) {
	t.Helper()
	got, err := s.Roles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "roles", append([]sso.Role{}, got...), append([]sso.Role{}, want...))
}

func mustAddRole(t *testing.T, s store.Store, roles ...sso.Role) {
	t.Helper()
	for _, role := range roles {
		if err := s.AddRole(t.Context(), role, sso.Event{}); err != nil {
			t.Fatalf("AddRole(%+v): %v", role, err)
		}
	}
}

func testRoleKeys(t *testing.T, s store.Store) {
	wantRoles(t, s)
	first, second, third := sso.Role{ID: "1", Name: "b"}, sso.Role{ID: "2", Name: "a"}, sso.Role{ID: "3", Name: "B"}
	mustAddRole(t, s, first, second, third)
	for name, role := range map[string]sso.Role{"its ID": {ID: "1", Name: "c"}, "its name": {ID: "4", Name: "b"}, "both": first} {
		wantError(t, "a role with "+name+" of another", s.AddRole(t.Context(), role, sso.Event{}), sso.ErrRoleExists)
	}
	wantRoles(t, s, third, second, first) // byte by byte: B, a, b
}

func testRenameRole(t *testing.T, s store.Store) {
	mustAddRole(t, s, sso.Role{ID: "1", Name: "one"}, sso.Role{ID: "2", Name: "two"})
	wantRoles(t, s, sso.Role{ID: "1", Name: "one"}, sso.Role{ID: "2", Name: "two"})
	wantError(t, "the name of another", s.RenameRole(t.Context(), "1", "two", sso.Event{}), sso.ErrRoleExists)
	wantError(t, "no such role", s.RenameRole(t.Context(), "3", "three", sso.Event{}), sso.ErrNotFound)
	wantError(t, "its own name", s.RenameRole(t.Context(), "1", "one", sso.Event{}), nil)
	wantError(t, "a new name", s.RenameRole(t.Context(), "1", "zero", sso.Event{}), nil)
	wantRoles(t, s, sso.Role{ID: "2", Name: "two"}, sso.Role{ID: "1", Name: "zero"})
}

func testRemoveRole(t *testing.T, open func(t *testing.T) store.Store) {
	editor, viewer, none, nobody := "editor", "viewer", "", "nobody"
	for name, c := range map[string]struct {
		remove string
		moveTo *string
		users  int
		want   error
		role   string // of ann, who is an editor
	}{
		"nobody has it":            {viewer, nil, 0, nil, editor},
		"somebody has it":          {editor, nil, 0, sso.ErrRoleInUse, editor},
		"who has it gets another":  {editor, &viewer, 1, nil, viewer},
		"who has it gets none":     {editor, &none, 1, nil, ""},
		"to one that is not there": {editor, &nobody, 0, sso.ErrNotFound, editor},
		"to itself":                {editor, &editor, 0, sso.ErrNotFound, editor},
		"no such role":             {nobody, &viewer, 0, sso.ErrNotFound, editor},
	} {
		t.Run(name, func(t *testing.T) {
			s, token := withUser(t, open), sso.NewToken().Hash()
			mustCreateSession(t, s, someSession("s1", "ann"), token)
			mustToken(t, s, token)
			mustAddRole(t, s, sso.Role{ID: editor, Name: editor}, sso.Role{ID: viewer, Name: viewer})
			wantRoles(t, s, sso.Role{ID: editor, Name: editor}, sso.Role{ID: viewer, Name: viewer})
			users, err := s.RemoveRole(t.Context(), c.remove, c.moveTo, sso.Event{})
			wantError(t, "RemoveRole", err, c.want)
			wantEqual(t, "users", users, c.users)
			wantEqual(t, "role of a session's user", mustToken(t, s, token).User.Role, c.role)
			left := map[string]bool{editor: c.want != nil || c.remove != editor, viewer: c.want != nil || c.remove != viewer}
			roles, err := s.Roles(t.Context())
			wantError(t, "Roles", err, nil)
			got := map[string]bool{editor: false, viewer: false}
			for _, role := range roles {
				got[role.ID] = true
			}
			wantEqual(t, "roles", got, left)
		})
	}
}

func callsOfRoles(ctx context.Context, s store.Store) map[string]func() error {
	return map[string]func() error{
		"LinkByEmail": func() error {
			_, err := s.LinkByEmail(ctx, sso.EmailLink{Provider: "corp", Subject: "s-1"})
			return err
		},
		"Roles":      func() error { _, err := s.Roles(ctx); return err },
		"AddRole":    func() error { return s.AddRole(ctx, sso.Role{ID: "r", Name: "r"}, sso.Event{}) },
		"RenameRole": func() error { return s.RenameRole(ctx, "r", "s", sso.Event{}) },
		"RemoveRole": func() error { _, err := s.RemoveRole(ctx, "r", nil, sso.Event{}); return err },
	}
}
