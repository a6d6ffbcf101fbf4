package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminalPair opens a terminal, and what a person at it types into.
func terminalPair(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

func TestAskingBeforeWhatCannotBeUndone(t *testing.T) {
	for typed, want := range map[string]error{"yes\n": nil, "y\n": nil, "no\n": errNotWanted, "\n": errNotWanted, "yes please\n": errNotWanted} {
		person, program := terminalPair(t)
		if _, err := io.WriteString(person, typed); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := confirmation{in: program, out: &out}.confirm(t.Context(), "Delete ann.")
		if !errors.Is(err, want) || !strings.Contains(out.String(), "Delete ann.\nContinue? [y/N]") {
			t.Errorf("%q: %v after %q, want %v", typed, err, out.String(), want)
		}
	}
	_, program := terminalPair(t)
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (confirmation{in: program, out: io.Discard}).confirm(interrupted, "Delete ann."); !errors.Is(err, errNotWanted) {
		t.Errorf("interrupted: %v", err)
	}
	for name, in := range map[string]io.Reader{"a pipe": strings.NewReader("yes\n"), "no terminal": devNull(t)} {
		if err := (confirmation{in: in, out: io.Discard}).confirm(t.Context(), "Delete ann."); !errors.Is(err, errNobodyToAsk) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func devNull(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}
