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

// asking asks before what cannot be undone.
type asking struct {
	in  io.Reader
	out io.Writer
	yes bool // it was answered before
}

var (
	errNobodyToAsk = errors.New("this cannot be undone, and there is nobody to ask: run it in a terminal, or with --yes")
	errNotDone     = errors.New("nothing was done")
)

// confirm returns an error unless the answer is yes.
func (a asking) confirm(ctx context.Context, question string) error {
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
	fmt.Fprintf(a.out, "%s Type yes: ", question)
	answered := make(chan string, 1)
	go func() { // ends with the line, or with the process
		line, _ := bufio.NewReader(io.LimitReader(a.in, 64)).ReadString('\n')
		answered <- strings.TrimSpace(line)
	}()
	select {
	case answer := <-answered:
		if answer == "yes" {
			return nil
		}
	case <-ctx.Done():
		fmt.Fprintln(a.out)
	}
	return errNotDone
}
