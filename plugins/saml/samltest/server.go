package samltest

import (
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
)

//go:embed templates
var files embed.FS

var pages = template.Must(template.ParseFS(files, "templates/*.html"))

func (p *IdP) routes() {
	p.mux.HandleFunc("GET /metadata", p.serveMetadata)
	p.mux.HandleFunc("/sso", p.serveSignOn)
	p.mux.HandleFunc("POST /approve", p.serveApproval)
	p.mux.HandleFunc("/slo", p.serveLogout)
}

func (p *IdP) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(p.Metadata().XML())
}

// serveSignOn asks which user wants to sign in.
func (p *IdP) serveSignOn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxMessage)
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	read := ReadRequest
	if r.Method == http.MethodPost {
		read = ReadPostedRequest
	}
	req, err := read(r.Form)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if p.config.AutoApprove && len(p.config.Users) > 0 {
		p.respond(w, req, p.config.Users[0])
		return
	}
	page(w, "sign-in.html", map[string]any{"Request": req, "Users": p.config.Users})
}

// serveApproval handles the click on a name.
func (p *IdP) serveApproval(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxMessage)
	at, err := strconv.Atoi(r.FormValue("user"))
	if err != nil || at < 0 || at >= len(p.config.Users) {
		http.Error(w, "no such user", http.StatusBadRequest)
		return
	}
	p.respond(w, Request{
		ID: r.FormValue("id"), Issuer: r.FormValue("issuer"), ACS: r.FormValue("acs"), RelayState: r.FormValue("relay"),
	}, p.config.Users[at])
}

func (p *IdP) respond(w http.ResponseWriter, req Request, user User) {
	form := p.Respond(req, user)
	page(w, "post.html", map[string]any{"Target": req.ACS, "Fields": form})
}

// Respond returns the form with a valid response to a request.
func (p *IdP) Respond(req Request, user User) url.Values {
	return Form(p.Write(p.Draft(req, user)), req.RelayState)
}

// Form returns the fields of the HTTP-POST binding with a response.
func Form(response []byte, relayState string) url.Values {
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(response)}}
	if relayState != "" {
		form.Set("RelayState", relayState)
	}
	return form
}

func page(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := pages.ExecuteTemplate(w, name, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
