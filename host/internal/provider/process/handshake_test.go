package process

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const goodLine = "1|1|unix|/tmp/doorward-1/plugin-dir2/plugin3|grpc|MIIB"

func TestReadHandshake(t *testing.T) {
	for name, tc := range map[string]struct{ output, line, rest, problem string }{
		"an honest one":         {goodLine + "\n", goodLine, "", ""},
		"with more after it":    {goodLine + "\nhello\n", goodLine, "hello\n", ""},
		"of another system":     {goodLine + "\r\n", goodLine, "", ""},
		"nothing":               {"", "", "", "wrote nothing to standard output"},
		"no end of line":        {"1|1|unix", "", "", "without an end of line"},
		"100 KB without a line": {strings.Repeat("x", 100_000), "", "", "more than 8192 bytes"},
		"100 KB with bars":      {strings.Repeat("|", 100_000), "", "", "more than 8192 bytes"},
		"an empty line":         {"\n" + goodLine + "\n", "", "", "not a handshake"},
		"a program's greeting":  {"hello, I am a program\n", "", "", "not a handshake"},
		"a control character":   {"1|1|unix|\x1b[2J|grpc\n", "", "", "not a handshake"},
		"no UTF-8":              {"1|1|unix|\xff|grpc\n", "", "", "not a handshake"},
	} {
		for how, reader := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "with the end": iotest.DataErrReader,
		} {
			line, rest, err := readHandshake(reader(strings.NewReader(tc.output)))
			switch {
			case tc.problem != "":
				if err == nil || !strings.Contains(err.Error(), tc.problem) || strings.ContainsAny(err.Error(), "\n\x1b") {
					t.Errorf("%s, %s: %q, %v", name, how, line, err)
				}
			case err != nil || string(line) != tc.line:
				t.Errorf("%s, %s: %q, %v", name, how, line, err)
			case how != "byte by byte" && string(rest) != tc.rest:
				t.Errorf("%s, %s: rest %q", name, how, rest)
			}
		}
	}
}

// The rest of the output is read until its end, so that the plugin never waits for
// room in its pipe.
func TestStdoutIsDrained(t *testing.T) {
	s := newStdout()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.pump(io.MultiReader(strings.NewReader(goodLine+"\n"), io.LimitReader(zeros{}, 1<<20)))
		s.end()
	}()
	line, err := io.ReadAll(s.first)
	<-done
	if err != nil || string(line) != goodLine+"\n" || s.dropped.Load() != 1<<20 || s.problem() != nil {
		t.Errorf("go-plugin reads %q, %v; %d bytes dropped; %v", line, err, s.dropped.Load(), s.problem())
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func FuzzReadHandshake(f *testing.F) {
	f.Add([]byte(goodLine + "\n"))
	f.Add([]byte("\n"))
	f.Add(bytes.Repeat([]byte("|"), maxHandshake+1))
	f.Add([]byte("1|1|tcp|192.0.2.1:1|netrpc|" + strings.Repeat("A", 60) + "\r\nmore"))
	f.Fuzz(func(t *testing.T, output []byte) {
		line, rest, err := readHandshake(bytes.NewReader(output))
		if err != nil {
			if line != nil || len(err.Error()) > 2*maxTailLine+200 || !fit(err.Error()) {
				t.Errorf("%q: %q, %q", output, line, err)
			}
			return
		}
		if len(line) > maxHandshake || !bytes.HasPrefix(output, line) || bytes.ContainsAny(line, "\r\n\x00") || !bytes.HasSuffix(output, rest) && len(output) <= maxHandshake {
			t.Errorf("%q: line %q, rest %q", output, line, rest)
		}
	})
}

func TestBinaryVerify(t *testing.T) {
	b := &Binary{Path: "/p", Digest: "aa"}
	if err := b.Verify("aa"); err != nil {
		t.Error(err)
	}
	err := b.Verify("bb")
	if !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), "aa") || !strings.Contains(err.Error(), "bb") {
		t.Errorf("both digests must be told: %v", err)
	}
}
