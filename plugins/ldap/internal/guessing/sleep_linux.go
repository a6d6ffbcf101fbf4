package guessing

import (
	"errors"
	"syscall"
	"time"
)

// sleepPrecisely sleeps for a short time, to about 50 µs. It blocks a thread.
func sleepPrecisely(span time.Duration) {
	left := syscall.NsecToTimespec(span.Nanoseconds())
	for {
		request := left
		if err := syscall.Nanosleep(&request, &left); !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}
