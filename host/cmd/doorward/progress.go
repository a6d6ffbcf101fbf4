package main

import (
	"fmt"
	"io"
	"time"

	"github.com/doorward/doorward/sdk"
)

// showProgress shows one line on a terminal and updates it each second, until done is
// called. It shows nothing if the output is not a terminal.
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

// checking makes the line for a check of providers.
func checking(what string) func(took time.Duration) string {
	return func(took time.Duration) string {
		return fmt.Sprintf("checking %s: %s; a provider can take up to %s", what, took, sdk.Call(sdk.CapabilityCheck).Deadline())
	}
}
