package openidtest

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
)

// response is an authorization response (RFC 6749 section 4.1.2) that
// misbehaviours may still change.
type response struct {
	login  *login
	params url.Values
	mode   string
}

// respond signs the person in and sends the code.
func (p *Provider) respond(r *http.Request, l *login, person Person) *reply {
	l.subject = person.Subject
	l.claims = person.ownClaims()
	l.other = p.exchangePrevious(l)
	for _, b := range p.active(l) {
		if b.login != nil {
			b.login(l)
		}
	}
	p.grants.add(l)
	return p.deliver(r, l, url.Values{"code": {l.code}})
}

// respondError sends an error to the client.
func (p *Provider) respondError(r *http.Request, l *login, err error) *reply {
	var refusal *protocolError
	if !errors.As(err, &refusal) {
		return faultReply(err)
	}
	return p.deliver(r, l, url.Values{"error": {refusal.code}, "error_description": {refusal.text}})
}

func (p *Provider) deliver(r *http.Request, l *login, params url.Values) *reply {
	// RFC 9207 section 2: in error responses, too.
	params.Set("iss", p.issuer)
	if l.request.state != "" {
		params.Set("state", l.request.state)
	}
	resp := &response{login: l, params: params, mode: l.request.responseMode}
	for _, b := range p.active(l) {
		if b.response != nil {
			b.response(resp)
		}
	}
	rep := p.responseReply(r, resp)
	rep.stage, rep.login = AtAuthorization, l
	return rep
}

func (p *Provider) responseReply(r *http.Request, resp *response) *reply {
	target := resp.login.request.redirectURI
	if isSignedMode(resp.mode) {
		signed, err := p.signResponse(resp.login, resp.params)
		if err != nil {
			return faultReply(err)
		}
		resp.params = signed
	}
	switch resp.mode {
	case modeFormPost, modeFormPostJWT:
		return p.formPostPage(target, resp.params)
	case modeFragment:
		return redirectReply(r, target+"#"+resp.params.Encode())
	default:
		return redirectReply(r, withQuery(target, resp.params))
	}
}

// redirectReply answers a POST with 303, so that the browser does not repeat
// the form to the client (RFC 9700 section 4.12).
func redirectReply(r *http.Request, location string) *reply {
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	rep := newReply(status, "text/plain", nil)
	maps.Copy(rep.header, pageHeader())
	rep.header.Set("Location", location)
	return rep
}

// withQuery adds to the query that a registered URI may have (RFC 6749 section
// 3.1.2).
func withQuery(uri string, params url.Values) string {
	u, err := url.Parse(uri)
	if err != nil {
		return uri // registered URIs have been parsed before
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += params.Encode()
	return u.String()
}
