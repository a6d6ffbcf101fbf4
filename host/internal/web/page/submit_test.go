package page_test

import (
	"bytes"
	"html/template"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/web/page"
)

// writeEscaped escapes hidden fields exactly as html/template does.
func TestHiddenFieldsAreEscaped(t *testing.T) {
	var bytesOfAll strings.Builder
	for b := range 256 {
		bytesOfAll.WriteByte(byte(b))
	}
	for name, value := range map[string]string{
		"every byte": bytesOfAll.String(), "markup": `"><script>alert(1)</script>`, "entities": "&quot;&#34;&amp;", "empty": "",
		"quotes": strings.Repeat(`"`, 5000), "at the edge of a piece": strings.Repeat("a", 1023) + `"é<` + strings.Repeat("é", 2000),
		"the mark": "\x00fields\x00",
	} {
		t.Run(name, func(t *testing.T) {
			view := page.Submit{Provider: value, Action: "/x", Fields: []page.HiddenField{{Name: value, Value: value}}}
			escaped := template.HTMLEscapeString(value)
			if want := `<input type="hidden" name="` + escaped + `" value="` + escaped + `">`; !bytes.Contains(render(t, view), []byte(want)) {
				t.Errorf("no %.300q in %.3000q", want, render(t, view))
			}
			inputs := all(parse(t, view), "input")
			if len(inputs) != 1 || inputs[0].Parent.Data != "form" {
				t.Errorf("%d inputs", len(inputs))
			}
		})
	}
}

// A page that posts a large response again must not be in memory as a whole: many can be
// requested at once.
func TestSubmitTakesNoMemoryForItsFields(t *testing.T) {
	pages := newPages(t)
	view := page.Submit{Action: "/x", Fields: []page.HiddenField{{Name: "SAMLResponse", Value: strings.Repeat(`"`, 1<<20)}}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := pages.Render(io.Discard, view); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 256<<10 {
		t.Errorf("%d bytes for a field of %d", took, 1<<20)
	}
}
