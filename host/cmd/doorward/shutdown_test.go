package main

import (
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/config"
)

// What ends when, in seconds after the first signal. Further signals come when it says.
func TestStages(t *testing.T) {
	const never = time.Duration(-1)
	tests := map[string]struct {
		first              error // nil: nobody sent a signal
		further            []time.Duration
		listening, waiting time.Duration
	}{
		"SIGTERM":                      {&interrupted{by: syscall.SIGTERM}, nil, 5 * time.Second, never},
		"SIGTERM twice":                {&interrupted{by: syscall.SIGTERM}, []time.Duration{time.Second}, time.Second, never},
		"SIGTERM three times":          {&interrupted{by: syscall.SIGTERM}, []time.Duration{time.Second, 2 * time.Second}, time.Second, 2 * time.Second},
		"SIGTERM again after the wait": {&interrupted{by: syscall.SIGTERM}, []time.Duration{8 * time.Second}, 5 * time.Second, 8 * time.Second},
		"Ctrl-C":                       {&interrupted{by: os.Interrupt}, nil, 0, never},
		"Ctrl-C twice":                 {&interrupted{by: os.Interrupt}, []time.Duration{time.Second}, 0, time.Second},
		"no signal":                    {context.Canceled, nil, 0, never},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				again := make(chan os.Signal, 2)
				if i, ok := test.first.(*interrupted); ok { //nolint:errorlint // it is the cause itself
					i.again = again
				}
				h := host{config: &config.Config{Settings: config.Settings{ShutdownDelay: 5 * time.Second}}, logger: hclog.NewNullLogger()}
				ctx, cancel := context.WithCancelCause(t.Context())
				notReady := false
				s := h.stages(ctx, func() { notReady = true })
				time.Sleep(time.Hour)
				synctest.Wait()
				if notReady || s.listening.Err() != nil || s.underWay.Err() != nil {
					t.Fatal("it ends without a signal")
				}
				begun := time.Now()
				cancel(test.first)
				for _, at := range test.further {
					time.AfterFunc(at, func() { again <- syscall.SIGTERM })
				}
				synctest.Wait()
				if !notReady {
					t.Error("ready after the signal")
				}
				<-s.listening.Done()
				if got := time.Since(begun); got != test.listening {
					t.Errorf("it listened for %s, want %s", got, test.listening)
				}
				select {
				case <-s.underWay.Done():
					if got := time.Since(begun); got != test.waiting {
						t.Errorf("requests had %s, want %s", got, test.waiting)
					}
				case <-time.After(time.Hour):
					if test.waiting != never {
						t.Error("requests are still served")
					}
				}
				s.end()
			})
		})
	}
}

// The server can fail before anybody wants it to end.
func TestStagesThatNobodyEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := host{config: &config.Config{}, logger: hclog.NewNullLogger()}
		s := h.stages(t.Context(), func() { t.Error("called") })
		s.end()
		synctest.Wait()
		if s.listening.Err() == nil || s.underWay.Err() == nil {
			t.Error("a stage is left")
		}
	})
}

func TestInterrupted(t *testing.T) {
	ctx, stop := untilInterrupted(t.Context())
	defer stop()
	send := func(s syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(syscall.Getpid(), s); err != nil {
			t.Fatal(err)
		}
	}
	send(syscall.SIGTERM)
	<-ctx.Done()
	cause, ok := context.Cause(ctx).(*interrupted) //nolint:errorlint // it is the cause itself
	if !ok || cause.by != syscall.SIGTERM || cause.Error() != "terminated" {
		t.Fatalf("the cause is %v", context.Cause(ctx))
	}
	send(syscall.SIGINT)
	if got := <-cause.again; got != os.Interrupt {
		t.Errorf("then %v", got)
	}
}
