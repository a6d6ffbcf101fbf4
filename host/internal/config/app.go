package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/idna"
)

// App is an application behind a proxy, and who may use it.
type App struct {
	Name   string
	Scheme string
	Host   string // as in an origin of browsers: in lower case, with a port unless it is the default
	Prefix string // "/", or a path that begins and ends with a slash

	AppSubject
	Allow     []AppSubject // alternatives, of which one must be met as well
	Public    []PublicPath
	Preflight bool

	// EmailOf are the providers whose e-mail addresses identify users at the app.
	EmailOf []string

	from map[string]string // place of each field, for messages
}

// AppSubject describes users: of each list that is not empty, one entry must match.
type AppSubject struct{ Providers, Roles, Groups, Users []string }

// PublicPath is a path for everybody, with all paths below it if it ends in a slash.
// Without methods, GET and HEAD are public.
type PublicPath struct {
	Path    string
	Methods []string
}

func (a *App) hostname() string { return (&url.URL{Host: a.Host}).Hostname() }

// URL is where the app is: its origin, and its prefix.
func (a *App) URL() string { return a.Scheme + "://" + a.Host + a.Prefix }

func (a *App) hasEmailUser() bool {
	for _, s := range append([]AppSubject{a.AppSubject}, a.Allow...) {
		if slices.ContainsFunc(s.Users, func(user string) bool { return strings.Contains(user, "@") }) {
			return true
		}
	}
	return false
}

// plainPath has no byte that some server decodes, drops or splits at.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_~!$&'()*+,=:@.-]+)*/?$`)

// checkPath refuses paths of rules that could be read in more than one way.
func checkPath(path string) error {
	if !strings.HasPrefix(path, "/") || !plainPath.MatchString(path) {
		return errors.New("must be a plain path: letters, digits and punctuation between single slashes, without % ; \\ and spaces")
	}
	for segment := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if strings.HasSuffix(segment, ".") {
			return errors.New("must have no segment that ends in a dot")
		}
	}
	return nil
}

// at sets where an app is. An error follows its URL in a message.
func (a *App) at(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must be the origin of an app, such as https://wiki.example.org")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return errors.New("must have no user, query or fragment")
	case strings.Contains(u.Host, "*"):
		return errors.New("must name one host; wildcards are not supported, list each app")
	}
	if label, err := idna.Lookup.ToASCII(u.Hostname()); err == nil {
		u.Host = strings.Replace(u.Host, u.Hostname(), label, 1)
	}
	if a.Host, err = publicHost(u); err != nil {
		return err
	}
	a.Scheme, a.Prefix = u.Scheme, u.EscapedPath()
	if a.Prefix == "" {
		a.Prefix = "/"
	}
	if !strings.HasSuffix(a.Prefix, "/") {
		return fmt.Errorf("must end in a slash if it has a path: write %s/", bounded(text))
	}
	if a.Name == "" {
		a.Name = strings.TrimSuffix(a.Host+a.Prefix, "/")
	}
	return checkPath(a.Prefix)
}

// readApps reads forward_auth of the YAML file.
func (l *loader) readApps() (apps []App) {
	if l.document.forwardAuth == nil {
		return nil
	}
	top, _ := l.entries("forward_auth", l.document.forwardAuth.node)
	for _, e := range top {
		if e.key != "apps" {
			l.problems.Addf(l.document.at("forward_auth."+e.key, e.line), "%s", noSuchKey(e.key, []string{"apps"}))
			continue
		}
		for i, node := range l.list("forward_auth.apps", e) {
			if app, ok := l.readApp(fmt.Sprintf("forward_auth.apps[%d]", i), node); ok {
				apps = append(apps, app)
			}
		}
	}
	return apps
}

// noSuchKey suggests the key that was meant, or a setting of the top level of the file.
func noSuchKey(key string, known []string) string {
	if _, ok := settingsSchema.Lookup("forward_auth_" + key); ok {
		return "is a setting: write forward_auth_" + key + " at the top level of the file"
	}
	return "there is no such key" + didYouMean(key, known)
}

// list returns the elements of a sequence.
func (l *loader) list(path string, e entry) []*yaml.Node {
	node := followAlias(e.node)
	if node == nil || node.ShortTag() == "!!null" {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		l.problems.Addf(l.document.at(path, e.line), "must be a list")
		return nil
	}
	return node.Content
}

var (
	appKeys     = []string{"name", "url", "providers", "roles", "groups", "users", "allow", "public", "preflight"}
	subjectKeys = []string{"providers", "roles", "groups", "users"}
	publicKeys  = []string{"path", "methods"}
)

// appReader reads the fields of one app and remembers their places.
type appReader struct {
	*loader
	path string
	bad  bool
}

func (l *loader) readApp(path string, node *yaml.Node) (App, bool) {
	r := &appReader{loader: l, path: path}
	app := App{from: map[string]string{}}
	place := l.document.at(path, node.Line)
	for _, key := range appKeys {
		app.from[key] = place
	}
	fields, ok := l.entries(path, node)
	if !ok {
		return App{}, false
	}
	where := ""
	for _, e := range fields {
		app.from[e.key] = l.document.at(path+"."+e.key, e.line)
		switch e.key {
		case "name":
			app.Name = r.text(e)
		case "url":
			where = r.text(e)
		case "allow":
			app.Allow = r.allow(e)
		case "public":
			app.Public = r.public(e)
		case "preflight":
			app.Preflight = r.truth(e)
		default:
			r.subject(&app.AppSubject, r.path, e, appKeys)
		}
	}
	r.locate(&app, where)
	return app, !r.bad
}

func (r *appReader) refuse(place, format string, args ...any) {
	r.bad = true
	r.problems.Addf(place, format, args...)
}

// locate reads the URL of an app, after all other fields.
func (r *appReader) locate(app *App, where string) {
	if where == "" {
		r.refuse(app.from["url"], "needs url, the origin of the app, such as https://wiki.example.org")
		return
	}
	if err := app.at(where); err != nil {
		r.refuse(app.from["url"], "%v", err)
		return
	}
	for _, p := range app.Public {
		if strings.HasPrefix(p.Path, "/") && !strings.HasPrefix(p.Path, app.Prefix) {
			r.refuse(app.from["public"], "%s is not below the path of the app, %s", bounded(p.Path), app.Prefix)
		}
	}
}

// subject reads one list of a subject.
func (r *appReader) subject(s *AppSubject, path string, e entry, known []string) {
	switch e.key {
	case "providers":
		s.Providers = r.texts(path, e)
	case "roles":
		s.Roles = r.texts(path, e)
	case "groups":
		s.Groups = r.texts(path, e)
	case "users":
		s.Users = r.texts(path, e)
	default:
		r.refuse(r.document.at(path+"."+e.key, e.line), "%s", noSuchKey(e.key, known))
	}
}

func (r *appReader) allow(e entry) (list []AppSubject) {
	for i, node := range r.list(r.path+".allow", e) {
		path := fmt.Sprintf("%s.allow[%d]", r.path, i)
		var s AppSubject
		fields, _ := r.entries(path, node)
		for _, field := range fields {
			r.subject(&s, path, field, subjectKeys)
		}
		if len(fields) == 0 {
			r.refuse(r.document.at(path, node.Line), "admits everybody: give it providers, roles, groups or users")
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		r.refuse(r.document.at(r.path+"."+e.key, e.line), emptyList)
	}
	return list
}

var methodName = regexp.MustCompile(`^[A-Z][A-Z-]{0,31}$`)

func (r *appReader) public(e entry) (list []PublicPath) {
	for i, node := range r.list(r.path+".public", e) {
		path := fmt.Sprintf("%s.public[%d]", r.path, i)
		var p PublicPath
		fields, _ := r.entries(path, node)
		for _, field := range fields {
			switch field.key {
			case "path":
				p.Path = r.text(field)
			case "methods":
				p.Methods = r.texts(path, field)
			default:
				r.refuse(r.document.at(path+"."+field.key, field.line), "%s; a public path is for everybody and has no rules",
					noSuchKey(field.key, publicKeys))
			}
		}
		if err := checkPath(p.Path); err != nil {
			r.refuse(r.document.at(path, node.Line), "path %v", err)
		}
		if i := slices.IndexFunc(p.Methods, func(m string) bool { return !methodName.MatchString(m) }); i >= 0 {
			r.refuse(r.document.at(path, node.Line), "methods must be in capitals, such as GET, not %q", bounded(p.Methods[i]))
		}
		list = append(list, p)
	}
	return list
}

func (r *appReader) truth(e entry) bool {
	value, err := r.value(e.key, e.node, 0)
	truth, ok := value.(bool)
	if err != nil || !ok {
		r.refuse(r.document.at(r.path+"."+e.key, e.line), "must be true or false")
	}
	return truth
}

func (r *appReader) text(e entry) string {
	texts := r.texts(r.path, e)
	if len(texts) != 1 {
		r.refuse(r.document.at(r.path+"."+e.key, e.line), "must be one text")
		return ""
	}
	return texts[0]
}

const emptyList = "is an empty list, which could mean everybody or nobody; leave it out for everybody"

// texts reads a list of texts; a single text is a list of one. An empty list would look
// like a rule but restrict nothing.
func (r *appReader) texts(path string, e entry) (texts []string) {
	place := r.document.at(path+"."+e.key, e.line)
	value, err := r.value(e.key, e.node, 0)
	if err != nil {
		r.refuse(place, "%v", err)
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	if len(list) == 0 {
		r.refuse(place, emptyList)
	}
	for _, element := range list {
		text, ok := element.(string)
		if number, isNumber := element.(json.Number); isNumber {
			text, ok = number.String(), true
		}
		if !ok || strings.TrimSpace(text) == "" || strings.ContainsAny(text, "\r\n\x00") {
			r.refuse(place, "must contain texts of one line that are not empty")
			return nil
		}
		texts = append(texts, text)
	}
	return texts
}
