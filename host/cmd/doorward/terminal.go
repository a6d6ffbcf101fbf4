package main

import (
	"io"
	"os"
	"strconv"
	"strings"
)

// Widths of texts for people.
const (
	usualColumns = 80  // of a terminal that does not say
	mostColumns  = 120 // longer lines are hard to read
	leastColumns = 60  // shorter ones break too often
)

// columnsFor is how wide a text for people may be: COLUMNS, or the width of the
// terminal, within bounds. Zero: a program reads it, which wants each thing in one line.
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

// terminal tells whether somebody sees what is written there, and how wide it is; zero:
// it does not say.
func terminal(out io.Writer) (columns int, is bool) {
	file, ok := out.(*os.File)
	if !ok {
		return 0, false
	}
	return windowOf(file.Fd())
}
