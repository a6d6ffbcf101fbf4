package config

import (
	"fmt"
	"regexp"
	"strings"
)

// A variable of the environment.
type variable struct {
	value  string
	origin string // its name, and where it stands if that is a file
}

// Patterns of dotenv, the npm package by which Directus reads its .env, with
// the classes \s and $ as they are in JavaScript.
const (
	jsSpace   = `[\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}]`
	jsNewline = `[\n\r\x{2028}\x{2029}]`
	jsLineEnd = `(\z|` + jsNewline + `)`
)

// assignment is an assignment with what follows it up to the end of a line:
// name, value, and that end. A value is in quotes only if its line ends, but for
// a comment, behind a closing quote.
var assignment = regexp.MustCompile(`\A` + jsSpace + `*(?:export` + jsSpace + `+)?([0-9A-Za-z_.-]+)` +
	`(?:` + jsSpace + `*=` + jsSpace + `*?|:` + jsSpace + `+?)` +
	`(` + jsSpace + `*'(?:\\'|[^'])*'|` + jsSpace + `*"(?:\\"|[^"])*"|` + jsSpace + "*`(?:\\\\`|[^`])*`" + `|[^#\r\n]+)?` +
	jsSpace + `*(?:#[^\n\r\x{2028}\x{2029}]*)?` + jsLineEnd)

// dotenv is what a file .env holds.
type dotenv struct {
	vars map[string]variable

	// warnings are for what may be read otherwise than it was meant. They
	// hold names and lines, never a value.
	warnings []string

	skipped int // lines that are no assignments

	// swallowed says of a value in quotes that a setting of ours is part of it.
	// A quote is missing, and reading on as dotenv does would leave out what
	// may keep people out, such as a registration that is closed.
	swallowed string
}

// parseDotenv reads a .env byte for byte as dotenv does, so that a file that works
// for Directus means the same here; testdata/dotenv.json holds its answers.
// dotenv refuses nothing: what it cannot read it leaves out, or takes for a part of
// a value, without a word. So does this, with a warning; what is swallowed is for
// the caller to refuse. Variables in values are not expanded: a $ in a password is
// a $.
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
	if more := d.skipped - mostSkipped; more > 0 {
		d.warn("%d more lines of %s are no assignments, and are ignored", more, name)
	}
	return d
}

// lineStart returns where the first line begins that does not begin before from.
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

func (d *dotenv) warn(format string, args ...any) {
	d.warnings = append(d.warnings, fmt.Sprintf(format, args...))
}

// mostSkipped is how many lines are named that are no assignments. All lines of a file
// are that was named by mistake.
const mostSkipped = 10

// skip passes over a line that is no assignment.
func (d *dotenv) skip(file, text string, line int) {
	if text == "" || text[0] == '#' {
		return
	}
	if d.skipped++; d.skipped <= mostSkipped {
		d.warn("line %d of %s is no assignment, and is ignored; write NAME=value, or # before a comment", line, file)
	}
}

// set keeps the variable, over an earlier one of its name.
func (d *dotenv) set(r rawAssignment) {
	if _, ok := d.vars[r.name]; ok {
		d.warn("%s stands twice in %s; the last one counts", r.name, r.place)
	}
	value := r.read()
	if r.swallows() {
		d.swallowed = r.origin() + " is in quotes over several lines, and a setting is part of its value: close the quote"
	}
	if doubt := r.doubt(value); doubt != "" {
		d.warn("%s %s", r.origin(), doubt)
	}
	d.vars[r.name] = variable{value, r.origin()}
}

// rawAssignment is an assignment as it stands in the file.
type rawAssignment struct {
	name  string
	place string // name of the file
	line  int

	between string // name and value
	value   string
	comment string // behind it on its line, from the space before it on
}

// comment returns what of the text is a comment on its first line.
func comment(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if at := strings.IndexByte(line, '#'); at >= 0 {
		return strings.TrimLeft(line, "=:")
	}
	return ""
}

func (r rawAssignment) origin() string { return fmt.Sprintf("%s (%s:%d)", r.name, r.place, r.line) }

// read takes the quotes off. In double quotes, \n and \r are what they stand for;
// no other backslash is.
func (r rawAssignment) read() string {
	text := trimSpace(r.value)
	value := unquote(text)
	if strings.HasPrefix(text, `"`) {
		value = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(value)
	}
	return value
}

const quotes = "\"'`"

// unquote takes off the quotes in which a line stands, up to the last such quote that
// ends a line.
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

// closingQuote returns where the last quote is that is the same as the first
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

// swallows reports whether a setting of ours stands in the value.
func (r rawAssignment) swallows() bool {
	for _, inner := range innerAssignment.FindAllStringSubmatch(r.value, -1) {
		option, _ := optionOf(inner[1])
		if _, ok := settingsSchema.Lookup(option); ok || strings.HasPrefix(inner[1], "AUTH_") {
			return true
		}
	}
	return false
}

// doubt says what about a value may not be what was meant.
func (r rawAssignment) doubt(value string) string {
	text := trimSpace(r.value)
	quoted := text != "" && strings.ContainsRune(quotes, rune(text[0]))
	cut := r.comment != ""
	switch {
	case strings.Contains(r.between, "\n") || strings.HasPrefix(strings.TrimLeft(r.value, " \t"), "\n"):
		return "has its value on a later line; write it behind the ="
	case innerAssignment.MatchString(text):
		return "is in quotes over several lines, and what looks like another assignment is part of its value; is a quote missing?"
	case cut && r.comment[0] == '#' && r.value == trimSpaceRight(r.value) && (!quoted || quotesIn(text) != 2):
		return "ends at a #, where a comment begins; put the value in other quotes if the # belongs to it"
	case cut && quoted && quotesIn(text) > 2:
		return "ends at a #, where a comment begins, because its quotes hold the same quotes; put it in other quotes"
	case quoted && value == text:
		return "begins with a quote and does not end with it, so that the quote is part of the value"
	case quoted && text[0] == '"' && strings.Contains(value, `\"`):
		return `keeps the backslash before each " in it, as with dotenv; put the value in single quotes, without backslashes`
	}
	return ""
}

// quotesIn counts the quotes in a text that are like its first character.
func quotesIn(text string) int {
	return strings.Count(strings.ReplaceAll(text, `\`+text[:1], ""), text[:1])
}

var (
	leadingSpace  = regexp.MustCompile(`\A` + jsSpace + `+`)
	trailingSpace = regexp.MustCompile(jsSpace + `+\z`)
)

// trimSpace takes off what JavaScript's trim does.
func trimSpace(text string) string {
	return trimSpaceRight(leadingSpace.ReplaceAllString(text, ""))
}

func trimSpaceRight(text string) string { return trailingSpace.ReplaceAllString(text, "") }
