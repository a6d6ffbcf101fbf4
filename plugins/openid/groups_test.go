package main

import (
	"testing"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestGroupsElsewhere: a reference counts in the ID token and in the user info, and groups
// in the user info make a reference in the ID token unnecessary.
func TestGroupsElsewhere(t *testing.T) {
	type o = claims.Object
	refers := o{"_claim_names": map[string]any{"groups": "src1"}}
	for _, test := range []struct {
		name          string
		idToken, info o
		unknown       bool
	}{
		{"nowhere", o{}, nil, false},
		{"ID token", refers, nil, true},
		{"user info", o{}, refers, true},
		{"user info, over groups in the ID token", o{"groups": []any{"a"}}, refers, true},
		{"ID token, and groups in the user info", refers, o{"groups": []any{"a"}}, false},
		{"ID token, and null in the user info", refers, o{"groups": nil}, true},
		{"ID token, and an empty text in the user info", refers, o{"groups": ""}, true},
		{"ID token, and another reference in the user info", refers, o{"_claim_names": map[string]any{"credit": "src1"}}, true},
		{"null is no reference", o{"_claim_names": map[string]any{"groups": nil}}, nil, false},
		{"hasgroups as a text", o{"hasgroups": "true"}, nil, true},
		{"hasgroups false", o{"hasgroups": false}, nil, false},
	} {
		t.Run("D12 "+test.name, func(t *testing.T) {
			r := openRig(t, theIssuer, plugintest.NewClock().Now, nil)
			identity := sdk.Identity{Groups: []string{"a"}}
			if err := r.completeGroups(t.Context(), &identity, test.idToken, test.info, "at"); err != nil {
				t.Fatal(err)
			}
			if identity.GroupsUnknown != test.unknown || test.unknown && (identity.Groups != nil || len(identity.Warnings) != 1) {
				t.Errorf("%+v", identity)
			}
			r.hostHandlesUnknownGroups = false // a host that would take unknown groups for none
			err := r.completeGroups(t.Context(), &sdk.Identity{}, test.idToken, test.info, "at")
			if test.unknown {
				plugintest.Refused(t, err, sdk.ErrInvalidResponse, claims.ReasonClaimInvalid)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
