package forwardauth

import (
	"errors"
	"slices"
	"strings"
)

// Rules contains the apps. It is immutable and safe for concurrent use.
type Rules struct {
	apps   []App
	at     map[Origin]*site
	places []string
}

// site contains the apps of one origin.
type site struct {
	apps        []*App // sorted, the longest prefix first
	folded      []string
	pathMatters bool // whether a rule depends on the path
}

// ErrUnknownApp: there is no app at this origin, or no app contains the path.
var ErrUnknownApp = errors.New("no app is configured for this URL")

// NewRules returns the rules for apps. No two apps may have the same origin and prefix.
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
		s.pathMatters = s.pathMatters || app.Prefix != "/" || len(app.Public) > 0 || len(s.apps) > 1
	}
	for _, s := range r.at {
		slices.SortFunc(s.apps, func(a, b *App) int { return len(b.Prefix) - len(a.Prefix) })
		for _, app := range s.apps {
			s.folded = append(s.folded, foldPath(app.Prefix))
		}
	}
	return r
}

// Apps returns the apps. The caller must not modify them.
func (r *Rules) Apps() []App { return r.apps }

// find returns the app of a request, and the decoded path if a rule depends on it. The error
// is ErrUnknownApp or ErrAmbiguous.
func (r *Rules) find(at Origin, target string) (app *App, path string, err error) {
	s := r.at[at]
	if s == nil {
		return nil, "", ErrUnknownApp
	}
	if !s.pathMatters {
		return s.apps[0], "", nil
	}
	if path, err = decodePath(pathOf(target)); err != nil {
		return nil, "", err
	}
	found := s.app(path)
	if len(s.apps) > 1 && found != s.appFolded(path) {
		return nil, "", ambiguous("it belongs to another app if case, path parameters, or dots and spaces at the end of a segment are ignored")
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
	path = foldPath(path)
	for i, app := range s.apps {
		if below(path, s.folded[i]) {
			return app
		}
	}
	return nil
}

// AppOf returns the app of an absolute URL, for any user, or nil if there is none.
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
