package postgres

import (
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

func TestWhoIn(t *testing.T) {
	s := server(t)
	o := optionsOf(s.Host, s.Port, s.NewDatabase(t))
	if list, err := WhoIn(t.Context(), o, "ann"); len(list) != 0 || err != nil {
		t.Errorf("in a database without anything: %v, %v", list, err)
	}
	store, err := Open(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ann := sso.User{ID: "u-ann", Provider: "corp", Subject: "ann", Status: sso.UserActive, Username: "ann", Email: "Ann@example.org", CreatedAt: at}
	if _, err := store.CreateUser(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"u-ann", "ann", "ann@EXAMPLE.org"} {
		if list, err := WhoIn(t.Context(), o, who); err != nil || len(list) != 1 || list[0].User.ID != "u-ann" || list[0].Session.Groups.Known() {
			t.Errorf("%s: %v, %v", who, list, err)
		}
	}
	for session, group := range map[string]string{"old": "students", "new": "staff"} {
		login := loginOf("ann", session)
		login.Session.Groups = sso.NewGroups([]string{group})
		if session == "new" {
			login.Session.CreatedAt = at.Add(time.Minute)
		}
		mustLogIn(t, store, login)
	}
	list, err := WhoIn(t.Context(), o, "ann")
	if err != nil || len(list) != 1 || !list[0].Session.Groups.Has("staff") || list[0].Session.Groups.Has("students") || list[0].Session.Provider != "corp" {
		t.Errorf("with the provider and the groups of the last session: %v, %v", list, err)
	}
	if list, err := WhoIn(t.Context(), o, "eve\x00"); len(list) != 0 || err != nil {
		t.Errorf("nobody: %v, %v", list, err)
	}
}
