package page_test

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/doorward/doorward/host/internal/web/page"
)

func eachSample(t *testing.T, check func(t *testing.T, root *html.Node)) {
	for name, v := range samples {
		t.Run(name, func(t *testing.T) { check(t, parse(t, v)) })
	}
}

func TestDocument(t *testing.T) {
	eachSample(t, func(t *testing.T, root *html.Node) {
		if lang := attribute(one(t, root, "html"), "lang"); lang != "en" {
			t.Errorf("language %q", lang)
		}
		one(t, root, "header")
		main := one(t, root, "main")
		if heading := one(t, main, "h1"); strings.TrimSpace(text(heading)) == "" {
			t.Error("the heading is empty")
		}
		for _, heading := range all(root, "h2") {
			if section := heading.Parent; section.Data != "section" || attribute(section, "aria-labelledby") != attribute(heading, "id") {
				t.Error("a heading h2 that does not name its section")
			}
		}
		for _, name := range []string{"h3", "h4", "h5", "h6"} {
			if len(all(root, name)) > 0 {
				t.Errorf("a heading %s", name)
			}
		}
		if title := text(one(t, root, "title")); !strings.HasSuffix(title, " · Doorward") || strings.HasPrefix(title, " ") {
			t.Errorf("title %q", title)
		}
		if one(t, root, "html").PrevSibling == nil || one(t, root, "html").PrevSibling.Type != html.DoctypeNode {
			t.Error("no doctype: browsers fall back to quirks mode")
		}
	})
}

var ourScript = regexp.MustCompile(`^` + base + `/assets/(submit|times)-[0-9a-f]{16}\.js$`)

// The Content-Security-Policy of the package comment would block all this.
func TestNothingInline(t *testing.T) {
	eachSample(t, func(t *testing.T, root *html.Node) {
		for _, n := range all(root, "") {
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
				}
			}
			switch n.Data {
			case "style", "base", "iframe", "object", "embed", "img", "meta refresh":
				t.Errorf("an element %s", n.Data)
			case "script":
				if text(n) != "" || !ourScript.MatchString(attribute(n, "src")) {
					t.Errorf("a script %q %q", attribute(n, "src"), text(n))
				}
			case "meta":
				if has(n, "http-equiv") {
					t.Errorf("meta %q", attribute(n, "http-equiv"))
				}
			}
		}
	})
}

func TestLinksAreHarmless(t *testing.T) {
	harmless := regexp.MustCompile(`^(https?://[a-z]|/([^/\\]|$))`)
	eachSample(t, func(t *testing.T, root *html.Node) {
		for _, n := range all(root, "") {
			for _, a := range n.Attr {
				switch a.Key {
				case "href", "src", "action", "formaction", "xlink:href":
					if !harmless.MatchString(a.Val) {
						t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
					}
				}
			}
		}
	})
}

func TestFormsAreAccessible(t *testing.T) {
	eachSample(t, func(t *testing.T, root *html.Node) {
		byID := map[string]*html.Node{}
		for _, n := range all(root, "") {
			if id := attribute(n, "id"); id != "" {
				if byID[id] != nil {
					t.Errorf("the id %q occurs twice", id)
				}
				byID[id] = n
			}
		}
		labelled := map[string]bool{}
		for _, label := range all(root, "label") {
			target := byID[attribute(label, "for")]
			if target == nil || target.Data != "input" || strings.TrimSpace(text(label)) == "" {
				t.Errorf("the label %q leads nowhere", text(label))
			}
			labelled[attribute(label, "for")] = true
		}
		for _, input := range all(root, "input") {
			if attribute(input, "type") != "hidden" && !labelled[attribute(input, "id")] {
				t.Errorf("the field %q has no label", attribute(input, "name"))
			}
			if by := attribute(input, "aria-describedby"); by != "" && byID[by] == nil {
				t.Errorf("the field %q is described by nothing", attribute(input, "name"))
			}
		}
		for _, form := range all(root, "form") {
			if attribute(form, "method") != "post" || attribute(form, "action") == "" || len(all(form, "button")) != 1 {
				t.Error("a form without POST, action or its one button")
			}
		}
	})
}

func TestDrawingsAreHiddenFromScreenReaders(t *testing.T) {
	eachSample(t, func(t *testing.T, root *html.Node) {
		for _, drawing := range all(root, "svg") {
			if attribute(drawing, "aria-hidden") != "true" {
				t.Error("an svg without aria-hidden")
			}
		}
	})
}

// A class without a style is a typo.
func TestClassesHaveStyle(t *testing.T) {
	css := string(assetLike(t, "style-"))
	eachSample(t, func(t *testing.T, root *html.Node) {
		for _, n := range all(root, "") {
			for _, class := range strings.Fields(attribute(n, "class")) {
				if !regexp.MustCompile(`\.` + regexp.QuoteMeta(class) + `\b`).MatchString(css) {
					t.Errorf("the style sheet does not have the class %q", class)
				}
			}
		}
	})
}

func TestIcons(t *testing.T) {
	names := []string{
		"key", "account_circle", "lock", "shield", "business", "school", "mail", "login", "fingerprint", "badge", "domain", "cloud", "directory",
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			root := parse(t, page.SignIn{Providers: []page.Provider{{Label: "X", Icon: name, URL: "/x"}}})
			if drawings := all(one(t, root, "li"), "svg"); len(drawings) != 1 || drawings[0].FirstChild == nil {
				t.Error("no drawing")
			}
		})
	}
	monograms := map[string]string{"Google": "G", "ärzte": "Ä", "1und1": "1", "(dex)": "D", "日本": "日", "🚪": "•", "": "•", `<b>`: "B"}
	for label, want := range monograms {
		t.Run("monogram of "+label, func(t *testing.T) {
			item := one(t, parse(t, page.SignIn{Providers: []page.Provider{{Label: label, Icon: "google", URL: "/x"}}}), "li")
			badge := all(item, "span")[0]
			if text(badge) != want || !strings.Contains(attribute(badge, "class"), "monogram tone-") || len(all(item, "svg")) != 0 {
				t.Errorf("%q in class %q, want %q", text(badge), attribute(badge, "class"), want)
			}
		})
	}
}
