// Package redirect decides where a browser is allowed to be sent after a login or logout.
//
// Anyone who can choose that target can send people from our own address to a copy of our
// login page. So the target is checked against the public URL and an allow list before
// anything else happens (RFC 9700 section 4.11).
//
// Targets are read as a browser reads them, by the WHATWG URL Standard, and not as net/url
// does: a browser takes a backslash for a slash, drops tabs and line breaks, and finds a
// host in "https:evil.example". An allowed target is rebuilt from its parsed parts; the
// text that came in is never sent out.
package redirect

import (
	"errors"
	"fmt"
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

// MaxSize limits a target in bytes, both as it comes in and as it goes out.
const MaxSize = 2 << 10

// Home is where a browser goes if it asked for no target, or for a page that would only
// start the next login or logout.
const Home = "/"

// ErrNotAllowed means that a browser must not be sent to the target. The text says why and
// repeats nothing of the target.
var ErrNotAllowed = errors.New("redirect is not allowed")

// Rules decide which targets are allowed. They do not change after New and are safe for
// concurrent use.
type Rules struct {
	origin  string // of the public URL
	base    string // the path of the public URL, canonical, without a trailing slash
	allowed []location
	apps    []location // with a path that ends in a slash
	others  []*Rules   // of further public URLs
}

// location is where a target can be.
type location struct{ origin, path string }

// New makes the rules for a host whose public URL is publicURL.
//
// Each entry of the allow list is an absolute http or https URL. It allows exactly the
// location with its scheme, host, port and path, with any query and fragment; there are no
// wildcards. Blank entries are skipped. The error names an entry that does not have this
// form.
func New(publicURL string, allowList []string) (*Rules, error) {
	public, err := parseConfigured(publicURL)
	if err != nil {
		return nil, fmt.Errorf("public URL %q: %w", shortened(publicURL), err)
	}
	base, err := decoded(public.path)
	if err != nil {
		return nil, fmt.Errorf("public URL %q: %w", shortened(publicURL), err)
	}
	rules := &Rules{origin: public.origin, base: strings.TrimSuffix(canonical(base), "/")}
	for _, entry := range allowList {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		location, err := parseConfigured(entry)
		if err != nil {
			return nil, fmt.Errorf("redirect allow list entry %q: %w", shortened(entry), err)
		}
		rules.allowed = append(rules.allowed, location)
	}
	return rules, nil
}

func parseConfigured(text string) (location, error) {
	cleaned, err := clean(text)
	if err != nil {
		return location{}, err
	}
	u, err := whatwg.Parse(cleaned)
	if err != nil {
		return location{}, errors.New("must be an absolute URL, such as https://app.example.org/signed-in")
	}
	if u.Scheme() != "https" && u.Scheme() != "http" {
		return location{}, fmt.Errorf("scheme must be https or http, not %q", u.Scheme())
	}
	if u.Username() != "" || u.Password() != "" {
		return location{}, errors.New("must not contain a user name or password")
	}
	if strings.Contains(u.Hostname()+u.Pathname(), "*") {
		return location{}, errors.New("wildcards are not supported, list each location")
	}
	return location{origin: origin(u), path: u.Pathname()}, nil
}

// Resolve returns the target that raw asks for, in the form that goes into a
// Location header: printable ASCII of at most [MaxSize] bytes, either a path
// that starts with exactly one slash or a URL at an allowed origin.
//
//   - An empty target means [Home].
//   - A relative reference is resolved against the root of the host, not against the
//     base path of the public URL, and keeps its query and fragment.
//   - An absolute URL must have the origin of a public URL, or the origin and
//     path of an entry of the allow list, or be at an application ([Rules.WithApps]).
//   - Our own login and logout pages become [Home].
//
// Everything else is ErrNotAllowed, and so is a target that a browser, a proxy and this
// host might read differently: a path that starts with two slashes, a user name,
// control characters, a host that is not in its usual ASCII spelling.
func (r *Rules) Resolve(raw string) (string, error) {
	if raw == "" {
		return Home, nil
	}
	target, err := r.resolveText(raw)
	if root := r.rootFor(raw); err != nil && root != "" {
		return root, nil
	}
	return target, err
}

func (r *Rules) resolveText(raw string) (string, error) {
	cleaned, err := clean(raw)
	if err != nil {
		return "", refuse("%w", err)
	}
	target, err := r.resolve(cleaned)
	if err != nil {
		return "", err
	}
	if err := checkSafe(target); err != nil {
		return "", err
	}
	return target, nil
}

func (r *Rules) resolve(cleaned string) (string, error) {
	if hasScheme(cleaned) {
		return r.absolute(cleaned)
	}
	return r.relative(cleaned)
}

func (r *Rules) relative(reference string) (string, error) {
	if hasAuthority(reference) {
		return "", refuse("it names a host without a scheme")
	}
	u, err := whatwg.ParseRef(r.origin+"/", reference)
	if err != nil {
		return "", refuse("it is not a URL")
	}
	path, err := decoded(u.Pathname())
	if err != nil {
		return "", err
	}
	if readsAsHost(u.Pathname()) {
		return "", refuse("its path could be read as a host name")
	}
	if r.leadsBackHere(path) {
		return Home, nil
	}
	return u.Pathname() + u.Search() + u.Hash(), nil
}

func (r *Rules) absolute(text string) (string, error) {
	if !r.startsWithKnownOrigin(text) {
		return "", refuse("its origin is neither that of the public URL nor in REDIRECT_ALLOW_LIST, or is not in its normal form")
	}
	u, err := whatwg.Parse(text)
	if err != nil {
		return "", refuse("it is not a URL")
	}
	if !r.allows(location{origin: origin(u), path: u.Pathname()}) {
		return "", refuse("REDIRECT_ALLOW_LIST does not have its path at this origin")
	}
	path, err := decoded(u.Pathname())
	if err != nil {
		return "", err
	}
	if own := r.rulesOf(origin(u)); own != nil && own.leadsBackHere(path) {
		return Home, nil
	}
	return u.Href(false), nil
}

// startsWithKnownOrigin is checked before parsing, so that hostile text does not reach the
// parser.
func (r *Rules) startsWithKnownOrigin(text string) bool {
	for _, entry := range r.allowed {
		if startsWithOrigin(text, entry.origin) {
			return true
		}
	}
	for _, app := range r.apps {
		if startsWithOrigin(text, app.origin) {
			return true
		}
	}
	for _, other := range r.others {
		if startsWithOrigin(text, other.origin) {
			return true
		}
	}
	return startsWithOrigin(text, r.origin)
}

func (r *Rules) allows(target location) bool {
	if r.rulesOf(target.origin) != nil || r.atApp(target) {
		return true
	}
	for _, entry := range r.allowed {
		if target == entry {
			return true
		}
	}
	return false
}

// checkSafe is the last check of what goes into the header. Targets are built so that they
// pass it; it is here so that a fault in the parser does no harm.
func checkSafe(target string) error {
	if len(target) > MaxSize {
		return refuse("it is longer than %d bytes", MaxSize)
	}
	for i := range len(target) {
		if target[i] <= ' ' || target[i] >= 0x7f {
			return refuse("it contains the byte %#02x", target[i])
		}
	}
	if strings.HasPrefix(target, "//") || strings.HasPrefix(target, `/\`) {
		return refuse("it names a host without a scheme")
	}
	return nil
}

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrNotAllowed, fmt.Errorf(format, args...))
}

// shortened shortens a long value in an error message.
func shortened(text string) string {
	if len(text) > 128 {
		return text[:128] + "…"
	}
	return text
}
