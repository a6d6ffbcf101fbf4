package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	for _, tc := range []struct {
		name     string
		events   string
		wantOK   bool
		wantLast string
		want     []string // somewhere in the output
		wantNot  string
	}{
		{
			name: "passed tests are counted and say nothing",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":0.25}`,
			wantOK: true, wantLast: "1 passed, 0 failed", want: []string{"ok    p  1 tests, 0.2 s"}, wantNot: "chatter",
		},
		{
			name: "subtests are counted in place of their test",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"run","Package":"p","Test":"TestA/y"}
{"Action":"pass","Package":"p","Test":"TestA/x"}
{"Action":"pass","Package":"p","Test":"TestA/y"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			wantOK: true, wantLast: "2 passed, 0 failed",
		},
		{
			name: "a failed subtest counts once and shows its output",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"output","Package":"p","Test":"TestA/x","Output":"=== RUN   TestA/x\n"}
{"Action":"output","Package":"p","Test":"TestA/x","Output":"got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestA/x"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			wantLast: "0 passed, 1 failed", want: []string{"got 1, want 2", "FAIL  p"}, wantNot: "=== RUN",
		},
		{
			name: "skipped tests show why",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"no browser\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p"}`,
			wantOK: true, wantLast: "1 passed, 0 failed, 1 skipped", want: []string{"no browser"},
		},
		{
			name: "a package that does not compile is a failure",
			events: `{"ImportPath":"p","Action":"build-output","Output":"undefined: x\n"}
{"Action":"fail","Package":"p","FailedBuild":"p"}`,
			wantLast: "0 passed, 1 failed", want: []string{"undefined: x"},
		},
		{
			name: "a panic shows the test that it broke off",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: boom\n"}
{"Action":"fail","Package":"p"}`,
			wantLast: "0 passed, 1 failed", want: []string{"panic: boom"},
		},
		{name: "nothing at all is no success", events: "", wantLast: "0 passed, 0 failed"},
		{name: "other lines pass through", events: "go: no such package\n", wantLast: "0 passed, 0 failed", want: []string{"go: no such package"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			ok, err := run(strings.NewReader(tc.events), &out, "")
			if err != nil || ok != tc.wantOK {
				t.Errorf("run = %v, %v, want %v", ok, err, tc.wantOK)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if last := lines[len(lines)-1]; last != tc.wantLast {
				t.Errorf("last line %q, want %q", last, tc.wantLast)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("output lacks %q:\n%s", want, out.String())
				}
			}
			if tc.wantNot != "" && strings.Contains(out.String(), tc.wantNot) {
				t.Errorf("output has %q:\n%s", tc.wantNot, out.String())
			}
		})
	}
}

func TestRunWritesCounts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "count")
	in := `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
`
	if _, err := run(strings.NewReader(in), &strings.Builder{}, file); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != "1 0 0\n" {
		t.Errorf("count file: %q, %v", got, err)
	}
}
