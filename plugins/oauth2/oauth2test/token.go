package oauth2test

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// TokenRequest is a request that the token endpoint received.
type TokenRequest struct {
	Auth   string // Basic, BasicRaw, Post, Public, or both
	Form   url.Values
	Header http.Header
}

// LastTokenRequest is the latest request that the token endpoint received.
func (s *Server) LastTokenRequest() TokenRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// problem is an error of the token endpoint (RFC 6749 section 5.2).
type problem struct {
	status     int
	code, text string
}

// tokenEndpoint handles token requests (RFC 6749 sections 4.1.3 and 6).
func (s *Server) tokenEndpoint(r *http.Request) *Reply {
	if s.flavour.agent && genericAgent(r) {
		return text(http.StatusTooManyRequests, "Too Many Requests")
	}
	members, failed := s.exchange(r)
	if failed != nil {
		return s.flavour.refusal(s, r, *failed)
	}
	reply := object(http.StatusOK, members)
	s.flavour.dress(r, reply)
	return reply
}

func (s *Server) exchange(r *http.Request) (map[string]any, *problem) {
	if r.Method != http.MethodPost {
		return nil, &problem{http.StatusMethodNotAllowed, "invalid_request", "the method must be POST"}
	}
	if err := r.ParseForm(); err != nil {
		return nil, &problem{http.StatusBadRequest, "invalid_request", "the form cannot be read"}
	}
	client, failed := s.authenticate(r)
	if failed != nil {
		return nil, failed
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, &problem{http.StatusBadRequest, "invalid_request", name + " appears twice"}
		}
	}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code", "": // GitHub's documentation does not mention it
		return s.redeem(client, r.PostForm)
	case "refresh_token":
		return s.renew(client, r.PostForm)
	}
	return nil, &problem{http.StatusBadRequest, "unsupported_grant_type", "grant_type must be authorization_code or refresh_token"}
}

// authenticate accepts only the registered method of the client (RFC 6749 section 2.3).
func (s *Server) authenticate(r *http.Request) (Client, *problem) {
	wrong := &problem{http.StatusUnauthorized, "invalid_client", "The client_id and/or client_secret passed are incorrect."}
	user, password, basic := r.BasicAuth()
	posted := r.PostForm.Get("client_secret")
	used := Public
	id, secret := r.PostForm.Get("client_id"), posted
	switch {
	case basic && posted != "":
		used = "both"
	case basic:
		used, id, secret = Basic, user, password
	case posted != "":
		used = Post
	}
	s.mu.Lock()
	s.last = TokenRequest{Auth: used, Form: r.PostForm, Header: r.Header.Clone()}
	s.spent[r.PostForm.Get("code")]++
	s.mu.Unlock()
	for _, decode := range []bool{true, false} {
		if basic && decode {
			var err error
			if id, err = url.QueryUnescape(user); err != nil {
				continue
			}
			if secret, err = url.QueryUnescape(password); err != nil {
				continue
			}
		} else if basic {
			id, secret = user, password
		}
		client, ok := s.client(id)
		if ok && s.accepts(client, used, decode) && subtle.ConstantTimeCompare([]byte(secret), []byte(client.Secret)) == 1 {
			return client, nil
		}
	}
	return Client{}, wrong
}

// accepts reports whether a client may use this authentication method.
func (s *Server) accepts(client Client, used string, decoded bool) bool {
	switch client.Auth {
	case Any:
		return used == Basic && decoded || used == Post
	case BasicRaw:
		return used == Basic && !decoded
	case Basic:
		return used == Basic && decoded
	default:
		return used == client.Auth
	}
}

func (s *Server) redeem(client Client, form url.Values) (map[string]any, *problem) {
	code := s.flavour.codeProblem()
	g, ok := s.grants.take(&s.grants.codes, form.Get("code"))
	switch {
	case !ok || g.client != client.ID:
		return nil, &problem{http.StatusBadRequest, code, "The code passed is incorrect or expired."}
	case g.redirectURI != form.Get("redirect_uri") && (form.Has("redirect_uri") || !s.flavour.mismatch):
		return nil, &problem{http.StatusBadRequest, s.flavour.redirectProblem(), "redirect_uri is not that of the authorization request"}
	case !s.config.IgnorePKCE && !verifies(g, form.Get("code_verifier")):
		return nil, &problem{http.StatusBadRequest, code, "code_verifier does not match (RFC 7636 section 4.6)"}
	}
	return s.issue(g), nil
}

func verifies(g grant, verifier string) bool {
	switch {
	case g.challenge == "":
		return verifier == ""
	case g.method == "plain":
		return verifier == g.challenge
	default:
		sum := sha256.Sum256([]byte(verifier))
		return base64.RawURLEncoding.EncodeToString(sum[:]) == g.challenge
	}
}

func (s *Server) renew(client Client, form url.Values) (map[string]any, *problem) {
	take := s.grants.take
	if s.config.LastingRefresh {
		take = s.grants.look
	}
	g, ok := take(&s.grants.refresh, form.Get("refresh_token"))
	if !ok || g.client != client.ID {
		return nil, &problem{http.StatusBadRequest, s.flavour.refreshProblem(), "The refresh token passed is incorrect or expired."}
	}
	if s.config.LastingRefresh {
		members := s.issue(g)
		delete(members, "refresh_token")
		return members, nil
	}
	s.grants.end(g.access) // as GitHub and Nextcloud do
	return s.issue(g), nil
}

// issue creates tokens and the members of the token response.
func (s *Server) issue(g grant) map[string]any {
	token := s.flavour.prefix + randomText()
	g.expires, g.refresh, g.access = time.Time{}, "", ""
	lifetime, refresh := s.flavour.expires, s.flavour.refresh
	if s.config.Kind == Generic {
		lifetime, refresh = s.config.Expires, s.config.Refresh
	}
	members := map[string]any{"access_token": token, "token_type": s.flavour.tokenType()}
	if scope := strings.Join(g.scopes, s.flavour.separator()); scope != "" || s.config.Kind == GitHub {
		members["scope"] = scope
	}
	if lifetime > 0 {
		members["expires_in"] = int(lifetime / time.Second)
		g.expires = s.config.Now().Add(lifetime)
	}
	if refresh {
		g.refresh = s.flavour.refreshPrefix + randomText()
		members["refresh_token"] = g.refresh
		long := g
		long.expires, long.access = time.Time{}, token
		s.grants.put(&s.grants.refresh, g.refresh, long)
	}
	s.grants.put(&s.grants.access, token, g)
	person, _ := s.byID(g.person)
	if s.flavour.members != nil {
		maps.Copy(members, s.flavour.members(person))
	}
	return members
}

// revoke handles revocation requests (RFC 7009).
func (s *Server) revoke(r *http.Request) *Reply {
	if err := r.ParseForm(); err != nil {
		return text(http.StatusBadRequest, "the form cannot be read")
	}
	if _, failed := s.authenticate(r); failed != nil {
		return object(failed.status, map[string]any{"error": failed.code})
	}
	s.grants.end(r.PostForm.Get("token"))
	return object(http.StatusOK, map[string]any{})
}

// genericAgent reports whether the User-Agent does not identify the client.
func genericAgent(r *http.Request) bool {
	agent := r.UserAgent()
	return agent == "" || strings.HasPrefix(agent, "Go-http-client")
}
