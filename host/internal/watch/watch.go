// Package watch decides when files that change are taken.
//
// A file that is being written is nobody's configuration: an editor empties it first,
// a tool writes it in two parts, a mounted folder is exchanged file by file. So a
// change is taken when the files have rested. One that would take something away is
// taken only when they have rested for longer, because that is what half a file looks
// like.
package watch

import "time"

const (
	// Rest is how long files must have rested to be taken.
	Rest = 3 * time.Second

	// RestBeforeRemoval is how long if something would be removed.
	RestBeforeRemoval = 10 * time.Second

	// LongWithoutRest is how long files may change again and again before that is told.
	LongWithoutRest = time.Minute
)

// Files are files that are looked at now and then. Its methods are not for
// concurrent use.
type Files struct {
	// Signature changes when one of the files does.
	Signature func() string

	// Removes returns what would be removed if the files were taken as they are now.
	// It is asked after Rest.
	Removes func() []string

	// Waits is told, once for each state of the files, that they rest for longer
	// because of what would be removed.
	Waits func(removes []string)

	// Restless is told, once until they rest, that the files have not rested for
	// LongWithoutRest, with the latest two signatures.
	Restless func(before, after string)

	// Take takes the files as they are now.
	Take func()

	started bool
	taken   string // signatures
	seen    string
	since   time.Time // when seen was seen first
	told    bool

	changing time.Time // since when they have not rested; zero: they rest
	restless bool      // and that was told
}

// Look looks at the files. The first look is at what was taken already.
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
	f.changing, f.restless = time.Time{}, false
	if signature == f.taken {
		return
	}
	if rested < RestBeforeRemoval {
		if removes := f.Removes(); len(removes) > 0 {
			if !f.told {
				f.told = true
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
	if !f.restless && now.Sub(f.changing) >= LongWithoutRest {
		f.restless = true
		f.Restless(f.seen, signature)
	}
	f.seen, f.since, f.told = signature, now, false
}
