package page_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/web/page"
	"github.com/doorward/doorward/sdk"
)

// TestEscaping puts hostile text into every field of every page. Whatever it
// is, the page must have the same elements and attributes as with plain text.
func TestEscaping(t *testing.T) {
	payloads := []string{
		`<script>alert(1)</script>`, `</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, "` onfocus=`alert(1)",
		`</title><svg onload=alert(1)>`, `</style><b>`, `<!--`, `]]>`, `{{.}}`, `{{define "main"}}`, `&lt;script&gt;`, `&#34;&#62;`, "\u2028alert(1)", "a\x00b", "\xff<b>", `javascript:alert(1)`,
	}
	for _, plain := range []page.Page{
		page.SignIn{Providers: []page.Provider{{}, {Unavailable: true}}},
		page.Prompt{Fields: []page.Field{{}, {Optional: true}}},
		page.Submit{Fields: []page.HiddenField{{}, {}}},
		page.Failure{},
		page.SignedIn{},
		page.Account{
			Groups: []string{"", ""}, Sessions: []page.AccountSession{{Current: true}, {Program: true}}, Others: true,
			Links: []page.AccountLink{{Current: true}, {Removable: true}}, Linkable: []page.Linkable{{}, {Provider: page.Provider{Unavailable: true}}},
		},
	} {
		want := skeleton(parse(t, filled(plain, "xx")))
		for _, payload := range payloads {
			t.Run(fmt.Sprintf("A19 %T %q", plain, payload), func(t *testing.T) {
				root := parse(t, filled(plain, payload))
				if diff := cmp.Diff(want, skeleton(root)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// filled returns a copy of the page with text in all its strings.
func filled(p page.Page, text string) page.Page {
	v := reflect.New(reflect.TypeOf(p)).Elem()
	v.Set(reflect.ValueOf(p))
	fill(v, "", text)
	return v.Interface().(page.Page)
}

func fill(v reflect.Value, name, text string) {
	switch v.Kind() {
	case reflect.String:
		switch {
		case v.Type() == reflect.TypeFor[sdk.FieldKind]():
			v.SetString(string(sdk.FieldPassword))
		case strings.HasSuffix(name, "URL") || name == "Action":
			v.SetString("/" + strings.ReplaceAll("x"+text, "\t", ""))
		default:
			v.SetString(text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), v.Type().Field(i).Name, text)
			}
		}
	case reflect.Slice:
		copied := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(copied, v)
		v.Set(copied)
		for i := range v.Len() {
			fill(v.Index(i), name, text)
		}
	}
}

// skeleton returns the elements and attributes of a document, without texts and values.
func skeleton(root *html.Node) []string {
	var parts []string
	for n := range root.Descendants() {
		switch n.Type {
		case html.ElementNode:
			part := n.Data
			for _, a := range n.Attr {
				part += " " + a.Key
			}
			parts = append(parts, part)
		case html.CommentNode:
			parts = append(parts, "comment")
		}
	}
	return parts
}

func TestEscapedTextIsShown(t *testing.T) {
	const payload = `<b>"Tom" & 'Jerry'</b>`
	root := parse(t, page.SignedIn{Name: payload, Provider: payload, LogoutURL: "/x"})
	if got := strings.Count(text(root), payload); got != 2 {
		t.Errorf("text is shown %d times, want 2", got)
	}
}
