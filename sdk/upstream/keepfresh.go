package upstream

import "time"

// How long the goroutine of KeepFresh waits after a failure. The wait doubles each time.
const (
	firstWait   = 20 * time.Second
	longestWait = 10 * time.Minute
)

// KeepFresh starts a goroutine that loads the document now, and again whenever it gets
// old, until [Document.Close]. No login waits for that. Call it once, before any other
// method.
func (d *Document[T]) KeepFresh() {
	d.done = make(chan struct{})
	go func() {
		defer close(d.done)
		wait := firstWait
		for {
			if err := d.Reload(d.life); err != nil {
				wait = d.sleep(wait)
			} else {
				d.sleep(d.untilOld())
				wait = firstWait
			}
			if d.life.Err() != nil {
				return
			}
		}
	}()
}

// untilOld returns how long the document stays fresh, but at least RenewEvery, so that
// the provider is not asked all the time.
func (d *Document[T]) untilOld() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(d.last.Fresh, RenewEvery)
}

// sleep waits, and returns how long to wait after the next failure.
func (d *Document[T]) sleep(wait time.Duration) time.Duration {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.life.Done():
	}
	return min(2*wait, longestWait)
}
