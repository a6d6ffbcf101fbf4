package process

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// maxHandshake bounds the first line of a plugin's standard output, in bytes. It
// usually has a certificate and about 1 KiB.
const maxHandshake = 8 << 10

// stdout is what go-plugin reads as the standard output of the plugin: the first line,
// if it could be a handshake, and nothing more. The rest is read and dropped: a plugin
// whose pipe is full would hang, and the log goes to standard error.
type stdout struct {
	first  *io.PipeReader
	writer *io.PipeWriter

	dropped atomic.Int64 // bytes after the first line

	mu  sync.Mutex
	bad error // why there is no first line
}

func newStdout() *stdout {
	s := &stdout{}
	s.first, s.writer = io.Pipe()
	return s
}

// pump reads the plugin's output until its end.
func (s *stdout) pump(output io.Reader) {
	line, rest, err := readHandshake(output)
	if err != nil {
		s.mu.Lock()
		s.bad = err
		s.mu.Unlock()
		_ = s.writer.Close() // go-plugin gives up
	} else {
		_, _ = s.writer.Write(append(line, '\n'))
	}
	s.dropped.Add(int64(len(rest)))
	n, _ := io.Copy(io.Discard, output)
	s.dropped.Add(n)
}

// end tells go-plugin that the output has ended.
func (s *stdout) end() { _ = s.writer.Close() }

// problem returns what was wrong with the first line, if anything.
func (s *stdout) problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bad
}

// readHandshake reads the first line, without its end, and the bytes that came with it.
func readHandshake(output io.Reader) (line, rest []byte, err error) {
	var buffer [maxHandshake]byte
	n := 0
	for {
		if line, rest, found := bytes.Cut(buffer[:n], []byte("\n")); found {
			return checkedHandshake(line, rest)
		}
		if n == len(buffer) {
			return nil, nil, fmt.Errorf("its first line on standard output has more than %d bytes", maxHandshake)
		}
		read, err := output.Read(buffer[n:])
		n += read
		if err != nil && !bytes.Contains(buffer[:n], []byte("\n")) {
			if n == 0 {
				return nil, nil, fmt.Errorf("it wrote nothing to standard output")
			}
			return nil, nil, fmt.Errorf("it wrote %q to standard output, without an end of line", oneLine(string(buffer[:n])))
		}
	}
}

// checkedHandshake accepts a line that go-plugin can parse: fields of printable ASCII
// separated by bars.
func checkedHandshake(line, rest []byte) ([]byte, []byte, error) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	for _, b := range line {
		if b < ' ' || b > '~' {
			return nil, nil, fmt.Errorf("its first line on standard output is not a handshake: %q", oneLine(string(line)))
		}
	}
	if bytes.Count(line, []byte("|")) < 3 {
		return nil, nil, fmt.Errorf("its first line on standard output is not a handshake: %q", oneLine(string(line)))
	}
	return bytes.Clone(line), bytes.Clone(rest), nil
}
