package main

import (
	"io"
	"os"
	"strconv"
	"strings"
)

// Line widths of texts for people.
const (
	usualColumns = 80  // for a terminal of unknown width
	mostColumns  = 120 // longer lines are hard to read
	leastColumns = 60  // shorter lines wrap too often
)

// columnsFor returns the line width for a text: COLUMNS or the width of the terminal, within
// bounds. Zero: the output is for a program, which wants each item in one line.
func columnsFor(out io.Writer, environ []string) int {
	columns, is := terminal(out)
	for _, variable := range environ {
		if text, ok := strings.CutPrefix(variable, "COLUMNS="); ok {
			if n, err := strconv.ParseUint(text, 10, 16); err == nil && n > 0 {
				columns, is = int(n), true
			}
		}
	}
	switch {
	case !is:
		return 0
	case columns == 0:
		return usualColumns
	}
	return min(max(columns, leastColumns), mostColumns)
}

// terminal reports whether the output is a terminal, and its width; zero: unknown.
func terminal(out io.Writer) (columns int, is bool) {
	file, ok := out.(*os.File)
	if !ok {
		return 0, false
	}
	return terminalColumns(file.Fd())
}
