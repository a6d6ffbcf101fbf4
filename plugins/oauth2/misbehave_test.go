package main

import (
	"testing"

	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
)

func TestMisbehavingServers(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, nil)
	for _, m := range oauth2test.Misbehaviours() {
		t.Run(m.Name, func(t *testing.T) {
			as.Behave()
			if err := as.Misbehave(m.Name); err != nil {
				t.Fatal(err)
			}
			_, err := r.login("alice")
			if (err != nil) != m.Refused {
				t.Errorf("%s: %v", m.What, err)
			}
			if n := as.Hits(oauth2test.Elsewhere); n != 0 {
				t.Errorf("%d requests elsewhere", n)
			}
		})
	}
	as.Behave()
	r.mustLogin("alice")
	if as.Misbehave("nothing") == nil {
		t.Error("an unknown misbehaviour is accepted")
	}
}
