package openidtest

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "templates/*.html"))

// page is what every template gets.
type page struct {
	Base     string // path that links start with
	Provider string

	// The sign-in page.
	Client string
	Asks   string // what the client wants to see, in words
	Action string
	People []pagePerson

	// The page that posts an authorization response.
	Target string
	Params url.Values

	// The error page.
	Code string
	Text string
}

type pagePerson struct{ Subject, Name, Email, Initial string }

// signInPage offers the people as buttons. The form's action repeats the
// request. The person of the hint comes first.
func (p *Provider) signInPage(l *login, query url.Values, hint string) *reply {
	var people []pagePerson
	for _, person := range p.config.People {
		name := person.displayName()
		initial, _ := utf8.DecodeRuneInString(name)
		place := len(people)
		if person.Subject == hint {
			place = 0
		}
		people = slices.Insert(people, place, pagePerson{person.Subject, name, person.email(), strings.ToUpper(string(initial))})
	}
	return p.render(http.StatusOK, "sign-in.html", page{
		Client: l.client.Name,
		Asks:   asksFor(l.request.scope),
		Action: p.base + "/sign-in?" + query.Encode(),
		People: people,
	})
}

func asksFor(scope []string) string {
	words := map[string]string{
		"profile": "name", "email": "e-mail address", "address": "postal address", "phone": "phone number",
	}
	var asks []string
	for _, name := range scope {
		if word, ok := words[name]; ok {
			asks = append(asks, word)
		}
	}
	if len(asks) < 2 {
		return strings.Join(asks, "")
	}
	last := len(asks) - 1
	return strings.Join(asks[:last], ", ") + " and " + asks[last]
}

// formPostPage sends an authorization response in the form_post mode (OAuth 2.0
// Form Post Response Mode section 2).
func (p *Provider) formPostPage(target string, params url.Values) *reply {
	return p.render(http.StatusOK, "form-post.html", page{Target: target, Params: params})
}

func (p *Provider) signedOutPage() *reply {
	return p.render(http.StatusOK, "signed-out.html", page{})
}

// errorPage shows errors that must not be sent to a client (RFC 6749 section 4.1.2.1).
func (p *Provider) errorPage(err error) *reply {
	var refusal *protocolError
	if !errors.As(err, &refusal) {
		return faultReply(err)
	}
	return p.render(refusal.status, "error.html", page{Code: refusal.code, Text: refusal.text})
}

func (p *Provider) render(status int, name string, data page) *reply {
	data.Base, data.Provider = p.base, p.config.Name
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, data); err != nil {
		return faultReply(err)
	}
	rep := newReply(status, "text/html; charset=utf-8", body.Bytes())
	maps.Copy(rep.header, pageHeader())
	return rep
}

// pageHeader has no form-action: browsers apply it to every redirect after the form's
// submission, and the provider does not know where a client finally sends its users.
// Referrer-Policy keeps codes and states out of Referer, but allows the Origin header
// of a posted response.
func pageHeader() http.Header {
	header := http.Header{}
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "strict-origin")
	return header
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if info, err := fs.Stat(assetFiles, name); err != nil || info.IsDir() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, assetFiles, name)
}
