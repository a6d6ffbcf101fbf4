package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// event is one line of `go test -json` (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output
	Test       string
	Elapsed    float64
	Output     string
}

// name is a test of a package; test is empty for the package itself.
type name struct{ pkg, test string }

// parent returns the test of a subtest, or the package of a test.
func (n name) parent() name {
	cut := max(strings.LastIndexByte(n.test, '/'), 0)
	return name{n.pkg, n.test[:cut]}
}

// report prints the results as they arrive, and counts the tests.
type report struct {
	out    io.Writer
	output map[name]*strings.Builder // of tests that have not ended
	tests  map[string]int            // tests that ran in a package
	outer  map[name]bool             // has subtests
	broken map[name]bool             // a subtest failed

	passed, failed, skipped int
}

func newReport(out io.Writer) *report {
	return &report{
		out: out, output: map[name]*strings.Builder{},
		tests: map[string]int{}, outer: map[name]bool{}, broken: map[name]bool{},
	}
}

// read reads events until the end. It prints other lines unchanged: they are from the go
// command.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		var e event
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &e) == nil {
			r.take(e)
		} else {
			fmt.Fprint(r.out, line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading test events: %w", err)
		}
	}
}

func (r *report) take(e event) {
	n := name{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "run":
		r.outer[n.parent()] = true
	case "output":
		r.keep(n, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(n, e)
		} else {
			r.endTest(n, e)
		}
		delete(r.output, n)
	}
}

// chatter matches progress messages of the go command, which the report replaces with its
// own.
var chatter = regexp.MustCompile(`^(=== |PASS$|FAIL$|FAIL\t|ok  \t|exit status )`)

func (r *report) keep(n name, text string) {
	if chatter.MatchString(strings.TrimSuffix(text, "\n")) {
		return
	}
	if r.output[n] == nil {
		r.output[n] = &strings.Builder{}
	}
	r.output[n].WriteString(text)
}

func (r *report) endTest(n name, e event) {
	switch e.Action {
	case "pass":
		if r.outer[n] {
			return
		}
		r.passed++
	case "skip":
		r.skipped++
		r.show(n)
	case "fail":
		// If a test fails because of a subtest, only the subtest counts.
		if !r.broken[n] {
			r.failed++
		}
		r.broken[n.parent()] = true
		r.show(n)
	}
	r.tests[n.pkg]++
}

func (r *report) endPackage(n name, e event) {
	if e.Action == "fail" {
		r.showRest(n.pkg)
		if !r.broken[n] {
			r.failed++
		}
	}
	verdict := map[string]string{"pass": "ok  ", "fail": "FAIL", "skip": "none"}[e.Action]
	fmt.Fprintf(r.out, "%s  %s  %d tests, %.1f s\n", verdict, e.Package, r.tests[n.pkg], e.Elapsed)
}

func (r *report) show(n name) {
	if text := r.output[n]; text != nil {
		fmt.Fprint(r.out, text.String())
	}
}

// showRest prints the output of tests that a panic or the time limit interrupted, and then
// the output of the package itself.
func (r *report) showRest(pkg string) {
	for n := range r.output {
		if n.pkg == pkg && n.test != "" {
			r.show(n)
			delete(r.output, n)
		}
	}
	r.show(name{pkg: pkg})
}
