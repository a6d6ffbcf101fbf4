package contract

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
)

func TestTidy(t *testing.T) {
	long := strings.Repeat("x", sdk.MaxAttribute+1)
	for what, test := range map[string]struct {
		alter, want func(*sdk.Identity)
		warning     string // part of it; empty: none
	}{
		"nothing odd": {
			func(i *sdk.Identity) { i.Name, i.Groups, i.AMR = "山田 太郎", []string{"staff"}, []string{"pwd"} },
			func(i *sdk.Identity) { i.Name, i.Groups, i.AMR = "山田 太郎", []string{"staff"}, []string{"pwd"} }, "",
		},
		"a surname with a line break": {
			func(i *sdk.Identity) { i.FamilyName = "van\r\nDyke" }, func(i *sdk.Identity) { i.FamilyName = "van Dyke" }, "family name",
		},
		"a name with ANSI":        {func(i *sdk.Identity) { i.Name = "\x1b[2Ja\tb" }, func(i *sdk.Identity) { i.Name = "[2Ja b" }, "name is cleaned"},
		"a name that is no UTF-8": {func(i *sdk.Identity) { i.GivenName = "J\xff" }, func(i *sdk.Identity) { i.GivenName = "J\uFFFD" }, "given name"},
		"a very long name": {
			func(i *sdk.Identity) { i.Name = strings.Repeat("ä", sdk.MaxAttribute) },
			func(i *sdk.Identity) { i.Name = strings.Repeat("ä", sdk.MaxAttribute/2) }, "name is cleaned",
		},
		"a very long name cut within a letter": {
			func(i *sdk.Identity) { i.Name = "x" + strings.Repeat("ä", sdk.MaxAttribute) },
			func(i *sdk.Identity) { i.Name = "x" + strings.Repeat("ä", sdk.MaxAttribute/2-1) }, "name is cleaned",
		},
		"an e-mail address of 1,106 bytes": {
			func(i *sdk.Identity) { i.Email, i.EmailVerified = strings.Repeat("e", 1106), true }, func(*sdk.Identity) {}, "e-mail address is left out",
		},
		"K04 e-mail with a line break": {func(i *sdk.Identity) { i.Email = "a@b\nBcc: c" }, func(*sdk.Identity) {}, "e-mail address"},
		"K04 username no UTF-8":        {func(i *sdk.Identity) { i.Username = "\xff" }, func(*sdk.Identity) {}, "username"},
		"a very long username":         {func(i *sdk.Identity) { i.Username = long }, func(*sdk.Identity) {}, "username"},
		"an acr of two lines":          {func(i *sdk.Identity) { i.ACR = "1\n2" }, func(*sdk.Identity) {}, "acr"},
		"one group with a tab": {
			func(i *sdk.Identity) { i.Groups = []string{"staff", "a\tb", "admins"} },
			func(i *sdk.Identity) { i.Groups = []string{"staff", "admins"} }, "group: 1 of 3",
		},
		"D12 admin and NUL":    {func(i *sdk.Identity) { i.Groups = []string{"admin\x00"} }, func(i *sdk.Identity) { i.Groups = []string{} }, "group"},
		"D12 a group no UTF-8": {func(i *sdk.Identity) { i.Groups = []string{"admin\xff"} }, func(i *sdk.Identity) { i.Groups = []string{} }, "group"},
		"a very long group":    {func(i *sdk.Identity) { i.Groups = []string{long, "a"} }, func(i *sdk.Identity) { i.Groups = []string{"a"} }, "group"},
		"an amr of two lines":  {func(i *sdk.Identity) { i.AMR = []string{"\n", "pwd"} }, func(i *sdk.Identity) { i.AMR = []string{"pwd"} }, "amr"},
		"a list that is too long stays": {
			func(i *sdk.Identity) { i.Groups = slices.Repeat([]string{"\n"}, sdk.MaxGroups+1) },
			func(i *sdk.Identity) { i.Groups = slices.Repeat([]string{"\n"}, sdk.MaxGroups+1) }, "",
		},
		"what identifies stays": {
			func(i *sdk.Identity) { i.Subject, i.SessionID, i.LogoutSubject, i.OnceID = "\n", "\n", "\n", "\n" },
			func(i *sdk.Identity) { i.Subject, i.SessionID, i.LogoutSubject, i.OnceID = "\n", "\n", "\n", "\n" }, "",
		},
	} {
		given, want := sdk.Identity{Subject: "u1"}, sdk.Identity{Subject: "u1"}
		test.alter(&given)
		test.want(&want)
		before := slices.Clone(given.Groups)
		got, warnings := Tidy(given)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		said := strings.Join(warnings, "; ")
		if (test.warning == "") != (said == "") || !strings.Contains(said, test.warning) {
			t.Errorf("%s: the warning is %q, want %q in it", what, said, test.warning)
		}
		if strings.ContainsAny(said, "\n\x1b\x00") || strings.Contains(said, "Bcc") {
			t.Errorf("%s: the warning holds a value: %q", what, said)
		}
		if !slices.Equal(before, given.Groups) {
			t.Errorf("%s: the caller's list is altered", what)
		}
		if again, warnings := Tidy(got); len(warnings) > 0 || !cmp.Equal(got, again) {
			t.Errorf("%s: tidied twice, it warns %q", what, warnings)
		}
	}
}
