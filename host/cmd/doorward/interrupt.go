package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// interrupted is the cause of the program's done context: a signal asked it to end.
type interrupted struct {
	by    os.Signal
	again <-chan os.Signal // further signals, from someone who does not want to wait
}

func (i *interrupted) Error() string { return i.by.String() }

// Is makes it equal to context.Canceled: some packages return the cause in its place.
func (i *interrupted) Is(target error) bool { return target == context.Canceled }

// untilInterrupted returns a context that is done at the first SIGINT or SIGTERM, with
// [interrupted] as its cause. After stop, signals end the program.
func untilInterrupted(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // ends with ctx
		select {
		case by := <-signals:
			cancel(&interrupted{by, signals})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
