package claims

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostileClaims returns claims of the given length that are as expensive to read as possible.
func hostileClaims(size int) map[string]string {
	repeat := func(begin, part, end string) string {
		return begin + strings.Repeat(part, (size-len(begin)-len(end))/len(part)) + end
	}
	keys, groups := strings.Builder{}, strings.Builder{}
	for i := 0; keys.Len() < size-100; i++ {
		fmt.Fprintf(&keys, `"k%d":0,`, i)
		fmt.Fprintf(&groups, `"g%d":{},`, i)
	}
	return map[string]string{
		"list of groups":   repeat(`{"sub":"a","groups":["g"`, `,"g"`, `]}`),
		"groups with tabs": repeat(`{"sub":"a","groups":["g"`, `,"\t"`, `]}`),
		"object of groups": `{"sub":"a","groups":{` + groups.String()[:strings.LastIndexByte(groups.String()[:size-100], ',')] + `}}`,
		"members":          `{` + keys.String() + `"sub":"a"}`,
		"two spellings":    repeat(`{"sub":"a","x":[{}`, `,{"A":0,"a":0}`, `]}`),
		"escapes":          repeat(`{"sub":"a","name":"`, `\u00e9`, `"}`),
		"one long group":   repeat(`{"sub":"a","groups":"`, `a,`, `"}`),
	}
}

// BenchmarkHostileClaims reads claims of 32 and of 64 KiB by turns, and reports how much more
// the longer ones cost at best: with more than 2.5 times, the parser is not linear.
func BenchmarkHostileClaims(b *testing.B) {
	mapping := OpenID()
	mapping.GroupSeparator = ","
	short, long := hostileClaims(32<<10), hostileClaims(64<<10)
	for _, name := range slices.Sorted(maps.Keys(short)) {
		b.Run(name, func(b *testing.B) {
			best := [2]time.Duration{time.Hour, time.Hour}
			for b.Loop() {
				for i, text := range []string{short[name], long[name]} {
					start := time.Now()
					object, err := DecodeFor([]byte(text), "sub")
					if err != nil && !strings.Contains(err.Error(), "values") {
						b.Fatal(err)
					}
					_, _ = mapping.Identity(object)
					best[i] = min(best[i], time.Since(start))
				}
			}
			b.ReportMetric(float64(best[1])/float64(best[0]), "64KiB/32KiB")
		})
	}
}

// FuzzIdentity: with any claims, an identity has a valid subject, only groups that the claims
// name, and none if the groups are unknown.
func FuzzIdentity(f *testing.F) {
	for _, groups := range []string{`["a",1,null]`, `{"a":{},"b":true,"c":false}`, `"a,b"`, `[{"name":"a"}]`, `[[]]`, `{"a":1}`, `1.5`} {
		f.Add([]byte(`{"sub":"a","email":"a@b","email_verified":true,"groups":`+groups+`}`), ",", "name")
		f.Add([]byte(`{"sub":"a","groups":`+groups+`}`), "", "")
	}
	f.Fuzz(func(t *testing.T, data []byte, separator, member string) {
		object, err := DecodeFor(data, "sub")
		if err != nil || strings.Count(member, ".") > 8 {
			return
		}
		mapping := OpenID()
		mapping.GroupSeparator, mapping.GroupMember = separator, member
		got, err := mapping.Identity(object)
		if err != nil {
			return
		}
		if err := CheckSubject(got.Subject); err != nil {
			t.Fatal(err)
		}
		if got.GroupsUnknown && len(got.Groups) > 0 || got.EmailVerified && (got.Email == "" || object["email_verified"] != true) {
			t.Fatalf("%+v", got)
		}
		for _, warning := range got.Warnings {
			if len(warning) > 500 || strings.ContainsAny(warning, "\n\r\x1b") {
				t.Fatalf("%q", warning)
			}
		}
	})
}
