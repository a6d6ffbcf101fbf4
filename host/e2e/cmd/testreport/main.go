// Testreport reads the output of `go test -json`, and prints one line for each package
// and everything that failed or was skipped. The last line counts the tests:
//
//	412 passed, 0 failed
//
// It counts subtests, and tests without subtests. A package that fails without a failed
// test (because it does not compile, panics or runs out of time) counts as one failure.
// The exit status is 1 if anything failed or nothing passed.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	countFile := flag.String("count", "", "also write the numbers of passed, failed and skipped tests to `FILE`")
	flag.Parse()
	ok, err := run(os.Stdin, os.Stdout, *countFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, countFile string) (ok bool, err error) {
	r := newReport(out)
	if err := r.read(in); err != nil {
		return false, err
	}
	fmt.Fprintf(out, "%d passed, %d failed", r.passed, r.failed)
	if r.skipped > 0 {
		fmt.Fprintf(out, ", %d skipped", r.skipped)
	}
	fmt.Fprintln(out)
	if countFile != "" {
		counts := fmt.Sprintln(r.passed, r.failed, r.skipped)
		if err := os.WriteFile(countFile, []byte(counts), 0o600); err != nil {
			return false, fmt.Errorf("writing the counts: %w", err)
		}
	}
	return r.failed == 0 && r.passed > 0, nil
}
