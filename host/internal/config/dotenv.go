package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A variable of the environment.
type variable struct {
	value  string
	origin string // its name, and where it stands if that is a file
}

var (
	assignment = regexp.MustCompile(`^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*`)
	comment    = regexp.MustCompile(`(^|[ \t])#.*`)
)

// parseDotenv reads lines NAME=value. A value in double quotes may span lines and
// hold \n, \r and \"; in single quotes or backticks it is taken as it is. Variables
// in values are not expanded: a $ in a password is a $. Errors name the line and
// never the value.
func parseDotenv(name, text string) (vars map[string]variable, twice []string, err error) {
	vars = map[string]variable{}
	rest := strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	total := strings.Count(rest, "\n")
	for rest != "" {
		line := total - strings.Count(rest, "\n") + 1
		if current, after, _ := strings.Cut(rest, "\n"); isBlank(current) {
			rest = after
			continue
		}
		match := assignment.FindStringSubmatch(rest)
		if match == nil {
			return nil, nil, fmt.Errorf("line %d is no assignment; write NAME=value, or # before a comment", line)
		}
		value, after, err := dotenvValue(rest[len(match[0]):])
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %s %w", line, match[1], err)
		}
		if _, ok := vars[match[1]]; ok {
			twice = append(twice, match[1])
		}
		vars[match[1]] = variable{value, fmt.Sprintf("%s (%s:%d)", match[1], name, line)}
		rest = after
	}
	return vars, twice, nil
}

func isBlank(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#'
}

// dotenvValue reads a value up to the end of its line.
func dotenvValue(text string) (value, after string, err error) {
	if text == "" || !strings.ContainsRune("\"'`", rune(text[0])) {
		line, after, _ := strings.Cut(text, "\n")
		value, err := unquotedValue(line)
		return value, after, err
	}
	end := closingQuote(text)
	if end < 0 {
		return "", "", errors.New("has a quote that is not closed")
	}
	value = text[1:end]
	if text[0] == '"' {
		value = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\"`, `"`).Replace(value)
	}
	tail, after, _ := strings.Cut(text[end+1:], "\n")
	if !isBlank(tail) {
		return "", "", errors.New("has text behind its closing quote")
	}
	return value, after, nil
}

func closingQuote(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[0] == '"' && text[i] == '\\':
			i++
		case text[i] == text[0]:
			return i
		}
	}
	return -1
}

// unquotedValue trims a value and its comment. Some readers of such files begin a
// comment at any #, others at a # behind a space. A password must not depend on
// that.
func unquotedValue(line string) (string, error) {
	value := comment.ReplaceAllString(line, "")
	if strings.Contains(value, "#") {
		return "", errors.New("has a # in its value; put the value in quotes")
	}
	return strings.TrimSpace(value), nil
}
