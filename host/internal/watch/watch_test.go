package watch

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// scene is files with a text, which names the providers that it has. In force is
// "a b" at first.
type scene struct {
	*Files
	now     time.Time
	text    string
	inForce string
	taken   []string
	waited  int
	told    []string // that they do not rest
}

func newScene() *scene {
	s := &scene{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), text: "a b", inForce: "a b"}
	s.Files = &Files{
		Signature: func() string { return s.text },
		Removes: func() (gone []string) {
			for _, name := range strings.Fields(s.inForce) {
				if !strings.Contains(s.text, name) {
					gone = append(gone, name)
				}
			}
			return gone
		},
		Waits:    func([]string) { s.waited++ },
		Restless: func(before, after string) { s.told = append(s.told, before+" -> "+after) },
		Take:     func() { s.taken, s.inForce = append(s.taken, s.text), s.text },
	}
	s.Look(s.now)
	return s
}

// rest looks each second for so long.
func (s *scene) rest(d time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = s.now.Add(time.Second)
		s.Look(s.now)
	}
}

func TestFilesAreTakenWhenTheyRest(t *testing.T) {
	type part struct {
		text string
		rest time.Duration
	}
	for name, c := range map[string]struct {
		parts  []part
		taken  []string
		waited int
	}{
		"nothing changes":             {[]part{{"a b", time.Minute}}, nil, 0},
		"something is added":          {[]part{{"a b c", 5 * time.Second}}, []string{"a b c"}, 0},
		"it is not at rest yet":       {[]part{{"a b c", 3 * time.Second}}, nil, 0},
		"written without a pause":     {[]part{{"a b 1", time.Second}, {"a b 2", time.Second}, {"a b 3", time.Second}, {"a b 4", 5 * time.Second}}, []string{"a b 4"}, 0},
		"halves two seconds apart":    {[]part{{"a", 2 * time.Second}, {"a b", time.Minute}}, nil, 0},
		"halves eight seconds apart":  {[]part{{"a", 8 * time.Second}, {"a b", time.Minute}}, nil, 1},
		"halves of something new":     {[]part{{"a", 8 * time.Second}, {"a b c", time.Minute}}, []string{"a b c"}, 1},
		"emptied, then written":       {[]part{{"", 9 * time.Second}, {"a b c", time.Minute}}, []string{"a b c"}, 1},
		"a removal that is meant":     {[]part{{"a", 12 * time.Second}}, []string{"a"}, 1},
		"a removal in two steps":      {[]part{{"a", 8 * time.Second}, {"a c", 8 * time.Second}, {"a c d", 12 * time.Second}}, []string{"a c d"}, 3},
		"empty for long, taken once":  {[]part{{"", time.Hour}}, []string{""}, 1},
		"back to what it was at once": {[]part{{"a b c", time.Second}, {"a b", time.Minute}}, nil, 0},
		"the same change once more":   {[]part{{"a b c", 5 * time.Second}, {"a b", 12 * time.Second}, {"a b c", 5 * time.Second}}, []string{"a b c", "a b", "a b c"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			for _, p := range c.parts {
				s.text = p.text
				s.rest(p.rest)
			}
			if !slices.Equal(s.taken, c.taken) || s.waited != c.waited {
				t.Errorf("taken %q, waited %d times; want %q and %d", s.taken, s.waited, c.taken, c.waited)
			}
		})
	}
}

// TestFilesThatNeverRest: nobody learns otherwise why nothing is taken.
func TestFilesThatNeverRest(t *testing.T) {
	s := newScene()
	flap := func(seconds int) {
		for range seconds / 2 {
			s.text = "a b c"
			s.rest(time.Second)
			s.text = "a b"
			s.rest(time.Second)
		}
	}
	flap(58)
	s.rest(time.Minute)
	flap(58)
	if s.told != nil {
		t.Errorf("told %q of files that rested between", s.told)
	}
	flap(600)
	if want := []string{"a b -> a b c"}; !slices.Equal(s.told, want) || s.taken != nil {
		t.Errorf("told %q, taken %q", s.told, s.taken)
	}
	s.text = "a b d"
	s.rest(time.Minute)
	flap(120)
	if len(s.told) != 2 || !slices.Equal(s.taken, []string{"a b d"}) {
		t.Errorf("after a rest: told %q, taken %q", s.told, s.taken)
	}
}
