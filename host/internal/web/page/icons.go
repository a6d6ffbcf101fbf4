package page

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"strings"
	"unicode"
)

// mark is the logo of Doorward, a door. static/favicon.svg is the same drawing.
const mark template.HTML = `<svg class="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">` +
	`<path class="frame" d="M5 29V14a11 11 0 0 1 22 0v15z"/>` +
	`<path class="light" d="M9 29V14a7 7 0 0 1 14 0v15z"/>` +
	`<path class="leaf" d="M9 29V14a7 7 0 0 1 3.5-6.062L18 11.5V31.5z"/>` +
	`<circle class="knob" cx="15.6" cy="21.5" r="1.2"/></svg>`

// icons are line drawings on a grid of 24, under the names of Material icons, which
// operators know.
var icons = map[string]string{
	"key":            `<circle cx="8" cy="15" r="4.5"/><path d="m11.2 11.8 8.3-8.3M16 7l3 3M13.5 9.5l2 2"/>`,
	"account_circle": `<circle cx="12" cy="12" r="9"/><circle cx="12" cy="10" r="3"/><path d="M6 18.5c1.2-2.5 3.4-3.5 6-3.5s4.8 1 6 3.5"/>`,
	"lock":           `<rect x="5" y="10.5" width="14" height="9.5" rx="2"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5M12 14.5v2"/>`,
	"shield":         `<path d="M12 3.5 5 6v5.5c0 4.3 2.8 7.3 7 9 4.2-1.7 7-4.7 7-9V6z"/><path d="m9 12 2.2 2.2L15.2 10"/>`,
	"business":       `<path d="M4 20V5.5A1.5 1.5 0 0 1 5.5 4h6A1.5 1.5 0 0 1 13 5.5V20M13 10h5.5a1.5 1.5 0 0 1 1.5 1.5V20M3 20h18M7.5 8h2M7.5 12h2M7.5 16h2M16.5 14v.01M16.5 17v.01"/>`,
	"school":         `<path d="m2.5 9.5 9.5-5 9.5 5-9.5 5z"/><path d="M6.5 12v4.5c1.5 1.5 3.3 2.2 5.5 2.2s4-.7 5.5-2.2V12M21.5 9.5V15"/>`,
	"mail":           `<rect x="3.5" y="5.5" width="17" height="13" rx="2"/><path d="m4.5 7.5 7.5 6 7.5-6"/>`,
	"login":          `<path d="M13 4.5h5A1.5 1.5 0 0 1 19.5 6v12a1.5 1.5 0 0 1-1.5 1.5h-5M4 12h10.5M11 8.5l3.5 3.5-3.5 3.5"/>`,
	"fingerprint":    `<path d="M6 7.2A8 8 0 0 1 12 4.5a8 8 0 0 1 8 8v2M4 12.5c0-1.2.2-2 .6-3M7.5 18c.4-1.5.5-3.3.5-5.5a4 4 0 0 1 8 0c0 2.5-.2 4.5-.8 6.5M12 12.5c0 3-.3 5.3-1.2 7.5M4.5 16v-.5"/>`,
	"badge":          `<rect x="4" y="7" width="16" height="13" rx="2"/><path d="M9.5 7V4.5h5V7M14.5 12h3M14.5 15.5h3"/><circle cx="9" cy="12.2" r="1.7"/><path d="M6.5 17c.4-1.2 1.3-1.8 2.5-1.8s2.1.6 2.5 1.8"/>`,
	"domain":         `<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.5c2.3 2.3 3.5 5.2 3.5 8.5s-1.2 6.2-3.5 8.5c-2.3-2.3-3.5-5.2-3.5-8.5s1.2-6.2 3.5-8.5z"/>`,
	"cloud":          `<path d="M7 18.5a4 4 0 0 1-.6-8A5.8 5.8 0 0 1 17.5 9.7a4.4 4.4 0 0 1-.3 8.8z"/>`,
	"branches":       `<circle cx="7" cy="5.5" r="2"/><circle cx="7" cy="18.5" r="2"/><circle cx="17" cy="8.5" r="2"/><path d="M7 7.5v9M17 10.5c0 3-2.5 4-5 4.3-2.4.3-5 .7-5 1.7"/>`,
	"chat":           `<path d="M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v8a1.5 1.5 0 0 1-1.5 1.5H12l-4.5 3.5V16h-2A1.5 1.5 0 0 1 4 14.5zM8 9.5h8M8 12.5h5"/>`,
	"people":         `<circle cx="9" cy="8.5" r="3"/><path d="M3.5 18.5c.6-3.4 2.8-5 5.5-5s4.9 1.6 5.5 5M15 5.8a3 3 0 0 1 0 5.4M17 13.9c1.9.7 3.1 2.2 3.5 4.6"/>`,
	"music":          `<circle cx="7" cy="17.5" r="2.5"/><circle cx="17" cy="15.5" r="2.5"/><path d="M9.5 17.5V7l10-2v10.5M9.5 10.5l10-2"/>`,
	"directory":      `<rect x="9" y="3.5" width="6" height="5" rx="1.2"/><rect x="3" y="15.5" width="6" height="5" rx="1.2"/><rect x="15" y="15.5" width="6" height="5" rx="1.2"/><path d="M12 8.5V12M6 15.5V12h12v3.5"/>`,
}

// palette is the number of monogram colours in the style sheet.
const palette = 7

// badgeOf draws the badge next to the label of a provider: its icon, otherwise the first
// letter of the label in a disc whose colour depends on the label only. It never draws the
// logo of a company.
func badgeOf(p Provider) template.HTML {
	if drawing, ok := icons[p.Icon]; ok {
		return template.HTML(`<span class="badge"><svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">` +
			drawing + `</svg></span>`)
	}
	return template.HTML(fmt.Sprintf(`<span class="badge monogram tone-%d" aria-hidden="true">%s</span>`,
		tone(p.Label), template.HTMLEscapeString(monogram(p.Label))))
}

func tone(label string) uint32 {
	hash := fnv.New32a()
	hash.Write([]byte(label))
	sum := hash.Sum32()
	return (sum>>16 ^ sum) % palette // the low bits alone hardly differ between short words
}

func monogram(label string) string {
	for _, r := range label {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return strings.ToUpper(string(r))
		}
	}
	return "•"
}
