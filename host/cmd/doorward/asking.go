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

// asking asks somebody at a terminal before what cannot be undone.
type asking struct {
	in  io.Reader
	out io.Writer
	yes bool // it was answered before; a script has to say so
}

var (
	errNobodyToAsk = errors.New("this cannot be undone; without a terminal to ask at, add --yes")
	errNotWanted   = errors.New("nothing was done")
)

// confirm says what it costs, and returns an error unless the answer is yes. Who
// interrupts it has said no.
func (a asking) confirm(ctx context.Context, costs string) error {
	if a.yes {
		return nil
	}
	file, ok := a.in.(*os.File)
	if !ok {
		return errNobodyToAsk
	}
	if _, is := windowOf(file.Fd()); !is {
		return errNobodyToAsk
	}
	fmt.Fprint(a.out, costs+"\nGo on? [y/N] ")
	answer := make(chan error, 1)
	go func() { answer <- answered(file) }() // ends with the line, or with the process
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		fmt.Fprintln(a.out)
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
