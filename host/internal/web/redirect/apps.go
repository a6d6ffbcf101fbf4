package redirect

import "strings"

// WithApps are the same rules, which also allow everything at our applications: each is an
// origin with a path that ends in a slash, below which any path and query is allowed. They
// have been checked.
//
// A client that asks for a URL at an application that is not allowed, because it is too
// long or could be read in two ways, is sent to the root of the application instead of
// being refused: people follow links that others made.
func (r *Rules) WithApps(apps []string) *Rules {
	with := *r
	with.apps = nil
	for _, app := range apps {
		scheme, rest, _ := strings.Cut(app, "://")
		host, path, _ := strings.Cut(rest, "/")
		with.apps = append(with.apps, location{origin: scheme + "://" + host, path: "/" + path})
	}
	return &with
}

// atApp reports whether a target is at an application, by whole segments.
func (r *Rules) atApp(target location) bool {
	for _, app := range r.apps {
		if target.origin == app.origin && strings.HasPrefix(target.path, app.path) {
			return true
		}
	}
	return false
}

// rootFor is the root of the application with which a text begins in its normal form; empty
// if there is none. Of several at one origin it is the one with the longest path.
func (r *Rules) rootFor(text string) string {
	var found location
	for _, app := range r.apps {
		if startsWithOrigin(text, app.origin) && (app.path == "/" || strings.HasPrefix(text, app.origin+app.path)) && len(app.path) > len(found.path) {
			found = app
		}
	}
	return found.origin + found.path
}
