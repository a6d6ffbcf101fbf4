package config

import (
	"fmt"
	"regexp"
	"strings"
)

// A variable of the environment or of a file of variables.
type variable struct {
	value  string
	origin string // its name, and its place if that is a file
}

// Patterns of dotenv, the npm package with which Directus reads its .env, with the classes
// \s and $ of JavaScript.
const (
	jsSpace   = `[\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}]`
	jsNewline = `[\n\r\x{2028}\x{2029}]`
	jsLineEnd = `(\z|` + jsNewline + `)`
)

// assignment is an assignment and the rest of its line: name, value, end. A value is
// quoted only if nothing but a comment follows the closing quote on its line.
var assignment = regexp.MustCompile(`\A` + jsSpace + `*(?:export` + jsSpace + `+)?([0-9A-Za-z_.-]+)` +
	`(?:` + jsSpace + `*=` + jsSpace + `*?|:` + jsSpace + `+?)` +
	`(` + jsSpace + `*'(?:\\'|[^'])*'|` + jsSpace + `*"(?:\\"|[^"])*"|` + jsSpace + "*`(?:\\\\`|[^`])*`" + `|[^#\r\n]+)?` +
	jsSpace + `*(?:#[^\n\r\x{2028}\x{2029}]*)?` + jsLineEnd)

// dotenv is the content of a .env file.
type dotenv struct {
	vars map[string]variable

	// warnings are about assignments that may not be read as intended. They contain names
	// and lines, never a value.
	warnings []Finding

	skipped int // lines that are not assignments

	// swallowed says that a value in quotes contains a setting. A quote is missing, and
	// continuing as dotenv does would lose settings that protect, such as a closed
	// registration.
	swallowed string
}

// parseDotenv reads a .env file exactly as dotenv does, so a file that works for Directus
// means the same here; testdata/dotenv.json contains the results of dotenv. dotenv refuses
// nothing: it silently skips what it cannot read, or makes it part of a value. parseDotenv
// does the same, but with a warning. The caller must refuse swallowed settings. Variables
// in values are not expanded: a $ in a password is a $.
func parseDotenv(name, text string) dotenv {
	d := dotenv{vars: map[string]variable{}}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	line, counted := 1, 0
	for at := 0; at < len(text); {
		line, counted = line+strings.Count(text[counted:at], "\n"), at
		match := assignment.FindStringSubmatchIndex(text[at:])
		if match == nil {
			blank := len(leadingSpace.FindString(text[at:])) // no line in it begins an assignment, either
			next := lineStart(text, at+blank+1)
			d.skip(name, text[at+blank:next], line+strings.Count(text[at:at+blank], "\n"))
			at = next
			continue
		}
		found := rawAssignment{name: text[at+match[2] : at+match[3]], place: name, line: line}
		found.line += strings.Count(text[at:at+match[2]], "\n")
		if match[4] >= 0 {
			found.between, found.value = text[at+match[3]:at+match[4]], text[at+match[4]:at+match[5]]
		}
		found.comment = comment(text[at+match[3]+len(found.between)+len(found.value) : at+match[6]])
		d.set(found)
		at = lineStart(text, at+match[6])
	}
	if more := d.skipped - maxSkippedWarnings; more > 0 {
		d.warn(ClassNoEffect, "%d more lines of %s are not assignments and are ignored", more, name)
	}
	return d
}

// lineStart returns the beginning of the first line that begins at or after from.
func lineStart(text string, from int) int {
	for at := from; at < len(text); at++ {
		if endsLine(text[:at]) {
			return at
		}
	}
	return len(text)
}

func endsLine(text string) bool {
	return strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\u2028") || strings.HasSuffix(text, "\u2029")
}

func (d *dotenv) warn(class Class, format string, args ...any) {
	d.warnings = append(d.warnings, Finding{Class: class, Text: fmt.Sprintf(format, args...)})
}

// maxSkippedWarnings is how many lines that are not assignments are named. If a file was named by
// mistake, that is all of its lines.
const maxSkippedWarnings = 10

// skip passes over a line that is not an assignment.
func (d *dotenv) skip(file, text string, line int) {
	if text == "" || text[0] == '#' {
		return
	}
	if d.skipped++; d.skipped <= maxSkippedWarnings {
		d.warn(ClassNoEffect, "line %d of %s is not an assignment and is ignored; write NAME=value, or # before a comment", line, file)
	}
}

// set keeps the variable, in place of an earlier one of the same name.
func (d *dotenv) set(r rawAssignment) {
	if _, ok := d.vars[r.name]; ok {
		d.warn(ClassDoubtful, "%s is set twice in %s; the last one counts", r.name, r.place)
	}
	value := r.read()
	if r.swallows() {
		d.swallowed = r.origin() + " is in quotes over several lines, and its value contains a setting: close the quote"
	}
	if doubt := r.doubt(value); doubt != "" {
		d.warn(ClassDoubtful, "%s %s", r.origin(), doubt)
	}
	d.vars[r.name] = variable{value, r.origin()}
}

// rawAssignment is an assignment as written.
type rawAssignment struct {
	name  string
	place string // name of the file
	line  int

	between string // between name and value
	value   string
	comment string // after it on its line, with the space before it
}

// comment returns the comment on the first line of a text.
func comment(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if at := strings.IndexByte(line, '#'); at >= 0 {
		return strings.TrimLeft(line, "=:")
	}
	return ""
}

func (r rawAssignment) origin() string { return fmt.Sprintf("%s (%s:%d)", r.name, r.place, r.line) }

// read removes the quotes. In double quotes, it replaces \n and \r, and no other escape.
func (r rawAssignment) read() string {
	text := trimSpace(r.value)
	value := unquote(text)
	if strings.HasPrefix(text, `"`) {
		value = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(value)
	}
	return value
}

const quotes = "\"'`"

// unquote removes the quotes around a line, up to the last such quote that ends a line.
func unquote(text string) string {
	var out strings.Builder
	for text != "" {
		if end := closingQuote(text); end > 0 {
			out.WriteString(text[1:end])
			text = text[end+1:]
			continue
		}
		next := lineStart(text, 1)
		out.WriteString(text[:next])
		text = text[next:]
	}
	return out.String()
}

// closingQuote returns the position of the last quote that is the same as the first
// character and ends a line, or 0.
func closingQuote(text string) int {
	if !strings.ContainsRune(quotes, rune(text[0])) {
		return 0
	}
	for end := len(text) - 1; end > 0; end-- {
		if rest := text[end+1:]; text[end] == text[0] && (rest == "" || strings.IndexAny(rest, "\n\u2028\u2029") == 0) {
			return end
		}
	}
	return 0
}

var innerAssignment = regexp.MustCompile(`\n(?:export +)?([A-Z][A-Z0-9_]+)=[^=\n]`)

// swallows reports whether the value contains a setting.
func (r rawAssignment) swallows() bool {
	for _, inner := range innerAssignment.FindAllStringSubmatch(r.value, -1) {
		option, _ := optionOf(inner[1])
		if _, ok := settingsSchema.Lookup(option); ok || strings.HasPrefix(inner[1], "AUTH_") {
			return true
		}
	}
	return false
}

// doubt says why a value may not be what was meant.
func (r rawAssignment) doubt(value string) string {
	text := trimSpace(r.value)
	quoted := text != "" && strings.ContainsRune(quotes, rune(text[0]))
	cut := r.comment != ""
	switch {
	case strings.Contains(r.between, "\n") || strings.HasPrefix(strings.TrimLeft(r.value, " \t"), "\n"):
		return "has its value on a later line; write it after the ="
	case innerAssignment.MatchString(text):
		return "is in quotes over several lines, and what looks like another assignment is part of its value; is a quote missing?"
	case cut && r.comment[0] == '#' && r.value == trimSpaceRight(r.value) && (!quoted || quotesIn(text) != 2):
		return "ends at a #, where a comment begins; put the value in other quotes if the # belongs to it"
	case cut && quoted && quotesIn(text) > 2:
		return "ends at a #, where a comment begins, because its value contains the same quotes; put it in other quotes"
	case quoted && value == text:
		return "begins with a quote but does not end with it, so the quote is part of the value"
	case quoted && text[0] == '"' && strings.Contains(value, `\"`):
		return `keeps the backslash before each " in it, as with dotenv; put the value in single quotes, without backslashes`
	}
	return ""
}

// quotesIn counts the quotes in a text that are the same as its first character.
func quotesIn(text string) int {
	return strings.Count(strings.ReplaceAll(text, `\`+text[:1], ""), text[:1])
}

var (
	leadingSpace  = regexp.MustCompile(`\A` + jsSpace + `+`)
	trailingSpace = regexp.MustCompile(jsSpace + `+\z`)
)

// trimSpace trims as JavaScript does.
func trimSpace(text string) string {
	return trimSpaceRight(leadingSpace.ReplaceAllString(text, ""))
}

func trimSpaceRight(text string) string { return trailingSpace.ReplaceAllString(text, "") }
