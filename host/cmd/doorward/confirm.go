package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// confirmation asks the operator at a terminal before anything that cannot be undone.
type confirmation struct {
	in  io.Reader
	out io.Writer
	yes bool // do not ask; for scripts
}

var (
	errNobodyToAsk = errors.New("this cannot be undone; without a terminal to confirm it, add --yes")
	errNotWanted   = errors.New("nothing was done")
)

// confirm shows the consequences and returns an error unless the answer is yes. An
// interrupt means no.
func (c confirmation) confirm(ctx context.Context, costs string) error {
	if c.yes {
		return nil
	}
	file, ok := c.in.(*os.File)
	if !ok {
		return errNobodyToAsk
	}
	if _, is := terminalColumns(file.Fd()); !is {
		return errNobodyToAsk
	}
	fmt.Fprint(c.out, costs+"\nContinue? [y/N] ")
	answer := make(chan error, 1)
	go func() { answer <- answered(file) }() // ends with the line, or with the process
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		fmt.Fprintln(c.out)
		return errNotWanted
	}
}

func answered(in io.Reader) error {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return errNotWanted
}
