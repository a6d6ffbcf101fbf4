package forwardauth

import (
	"errors"
	"slices"
	"strings"
)

// Rules are the apps. They are immutable, and may be used concurrently.
type Rules struct {
	apps   []App
	at     map[Origin]*site
	places []string
}

// site contains the apps of one origin.
type site struct {
	apps   []*App // the longest prefix first
	folded []string
	looks  bool // a rule depends on the path
}

// ErrUnknownApp: there is no app at that origin, or none that includes the path.
var ErrUnknownApp = errors.New("no app is configured there")

// NewRules returns the rules of apps, of which no two have the same origin and prefix.
func NewRules(apps []App) *Rules {
	r := &Rules{apps: slices.Clone(apps), at: map[Origin]*site{}}
	for i := range r.apps {
		app := &r.apps[i]
		r.places = append(r.places, app.Root())
		s := r.at[app.Origin]
		if s == nil {
			s = &site{}
			r.at[app.Origin] = s
		}
		s.apps = append(s.apps, app)
		s.looks = s.looks || app.Prefix != "/" || len(app.Public) > 0 || len(s.apps) > 1
	}
	for _, s := range r.at {
		slices.SortFunc(s.apps, func(a, b *App) int { return len(b.Prefix) - len(a.Prefix) })
		for _, app := range s.apps {
			s.folded = append(s.folded, folded(app.Prefix))
		}
	}
	return r
}

// Apps returns the apps of the rules. The caller must not change them.
func (r *Rules) Apps() []App { return r.apps }

// find returns the app of a request, and its path if a rule depends on it: ErrUnknownApp
// or ErrAmbiguous.
func (r *Rules) find(at Origin, target string) (app *App, path string, err error) {
	s := r.at[at]
	if s == nil {
		return nil, "", ErrUnknownApp
	}
	if !s.looks {
		return s.apps[0], "", nil
	}
	if path, err = plain(pathOf(target)); err != nil {
		return nil, "", err
	}
	found := s.app(path)
	if len(s.apps) > 1 && found != s.appFolded(path) {
		return nil, "", ambiguous("it belongs to another app if capitals, path parameters, or dots and spaces at the end do not count")
	}
	if found == nil {
		return nil, "", ErrUnknownApp
	}
	return found, path, nil
}

func (s *site) app(path string) *App {
	for _, app := range s.apps {
		if below(path, app.Prefix) {
			return app
		}
	}
	return nil
}

func (s *site) appFolded(path string) *App {
	path = folded(path)
	for i, app := range s.apps {
		if below(path, s.folded[i]) {
			return app
		}
	}
	return nil
}

// AppOf returns the app of an absolute URL, regardless of the user; nil if there is none.
func (r *Rules) AppOf(url string) *App {
	url, _, _ = strings.Cut(url, "#")
	request, err := RequestTo("GET", url)
	if err != nil {
		return nil
	}
	app, _, _ := r.find(request.Origin, request.Target)
	return app
}

// Places returns the root URLs of all apps.
func (r *Rules) Places() []string { return r.places }
