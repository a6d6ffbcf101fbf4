package token

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
)

// groupsIn returns the group claims of a token as other services see them.
func groupsIn(t *testing.T, n *node, groups *sso.Groups) map[string]any {
	t.Helper()
	claims := claimsAt(n.clock.Now())
	claims.Groups = groups
	token, err := n.Issue(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	if len(token) > maxToken {
		t.Errorf("%d bytes", len(token))
	}
	if _, err := n.Verify(t.Context(), token); err != nil {
		t.Errorf("verifying: %v", err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(payload, &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]any{}
	for _, name := range []string{"groups", "hasgroups"} {
		if value, ok := all[name]; ok {
			found[name] = value
		}
	}
	return found
}

func TestGroupsOfATokenAsOthersSeeThem(t *testing.T) {
	list := func(n, length int) *sso.Groups {
		var names []string
		for i := range n {
			names = append(names, strconv.Itoa(i)+strings.Repeat("<", length))
		}
		groups := sso.NewGroups(names)
		return &groups
	}
	few, unknown := sso.NewGroups([]string{"staff", `"a", b`}), sso.Groups("")
	for name, c := range map[string]struct {
		groups *sso.Groups
		want   map[string]any
	}{
		"not told":     {nil, map[string]any{}},
		"none":         {list(0, 0), map[string]any{"groups": []any{}}},
		"some":         {&few, map[string]any{"groups": []any{"staff", `"a", b`}}},
		"D12 unknown":  {&unknown, map[string]any{"hasgroups": true}},
		"D12 too many": {list(1000, 10), map[string]any{"hasgroups": true}},
		// JSON writes < as six bytes, so the text is shorter than the token's limit.
		"D12 too many once they are written": {list(10, 100), map[string]any{"hasgroups": true}},
	} {
		if diff := cmp.Diff(c.want, groupsIn(t, newNode(t), c.groups)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Nothing is refused at the limit: a token contains all groups, or says that there are
// some.
func TestGroupsAtTheEdgeOfAToken(t *testing.T) {
	n, all, elsewhere := newNode(t), 0, 0
	for count := range 300 {
		names := make([]string, count)
		for i := range names {
			names[i] = "group-" + strconv.Itoa(1000+i)
		}
		groups := sso.NewGroups(names)
		switch got := groupsIn(t, n, &groups); {
		case got["hasgroups"] == true && got["groups"] == nil:
			elsewhere++
		case got["hasgroups"] == nil && len(got["groups"].([]any)) == count:
			all++
		default:
			t.Fatalf("of %d: %v", count, got)
		}
	}
	if all < 100 || elsewhere == 0 {
		t.Errorf("all groups were told %d times, that there are some %d times", all, elsewhere)
	}
}
