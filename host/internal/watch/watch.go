// Package watch decides when changed files are applied.
//
// A file that is being written is not a configuration yet: an editor empties it first, a
// tool writes it in two parts, a mounted folder is replaced file by file. So a change is
// applied when the files have not changed for a while. A change that would remove
// something is applied only after a longer while, because a half-written file looks like
// that.
package watch

import "time"

const (
	// Rest is how long files must stay unchanged before they are applied.
	Rest = 3 * time.Second

	// RestBeforeRemoval is the same for a change that would remove something.
	RestBeforeRemoval = 10 * time.Second

	// LongWithoutRest is how long files may keep changing before Restless is called.
	LongWithoutRest = time.Minute
)

// Files are files that are polled. Its methods are not for concurrent use.
type Files struct {
	// Signature changes when one of the files changes.
	Signature func() string

	// Removes returns what would be removed if the files were applied as they are now.
	// It is called after Rest.
	Removes func() []string

	// Waits is called, once for each state of the files, when they wait for
	// RestBeforeRemoval because of what would be removed.
	Waits func(removes []string)

	// Restless is called, once until they rest, when the files have not rested for
	// LongWithoutRest. It gets the latest two signatures.
	Restless func(before, after string)

	// Take applies the files as they are now.
	Take func()

	started      bool
	taken        string    // signature of the applied files
	seen         string    // signature of the latest look
	since        time.Time // when seen was seen first
	waitReported bool      // Waits was called for seen

	changing         time.Time // since when they have not rested; zero: they rest
	restlessReported bool      // Restless was called
}

// Look looks at the files. The first look records the files as already applied.
func (f *Files) Look(now time.Time) {
	signature := f.Signature()
	switch {
	case !f.started:
		f.started, f.taken, f.seen = true, signature, signature
		return
	case signature != f.seen:
		f.changed(signature, now)
		return
	}
	rested := now.Sub(f.since)
	if rested < Rest {
		return
	}
	f.changing, f.restlessReported = time.Time{}, false
	if signature == f.taken {
		return
	}
	if rested < RestBeforeRemoval {
		if removes := f.Removes(); len(removes) > 0 {
			if !f.waitReported {
				f.waitReported = true
				f.Waits(removes)
			}
			return
		}
	}
	f.taken = signature
	f.Take()
}

func (f *Files) changed(signature string, now time.Time) {
	if f.changing.IsZero() {
		f.changing = now
	}
	if !f.restlessReported && now.Sub(f.changing) >= LongWithoutRest {
		f.restlessReported = true
		f.Restless(f.seen, signature)
	}
	f.seen, f.since, f.waitReported = signature, now, false
}
