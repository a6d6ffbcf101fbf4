package main

import (
	"fmt"
	"io"
	"time"

	"github.com/doorward/doorward/sdk"
)

// showProgress tells somebody at a terminal each second, in one line, what goes on for how
// long, until the function that it returns is called. Programs are told nothing.
func showProgress(to io.Writer, line func(took time.Duration) string) (done func()) {
	if _, is := terminal(to); !is {
		return func() {}
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		progress(to, line, stop)
	}()
	return func() {
		close(stop)
		<-ended
	}
}

const eraseLine = "\r\x1b[K" // ECMA-48 sections 8.2.7 and 8.3.41

func progress(to io.Writer, line func(took time.Duration) string, stop <-chan struct{}) {
	begun := time.Now()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		select {
		case <-stop:
			fmt.Fprint(to, eraseLine)
			return
		case <-again.C:
			fmt.Fprint(to, eraseLine, line(time.Since(begun).Round(time.Second)))
		}
	}
}

// checking is the line for a check of providers.
func checking(what string) func(took time.Duration) string {
	return func(took time.Duration) string {
		return fmt.Sprintf("checking %s: %s; a provider may take %s", what, took, sdk.Call(sdk.CapabilityCheck).Deadline())
	}
}
