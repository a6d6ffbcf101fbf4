package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/web/page"
)

// publicURL is one of the URLs under which browsers reach this host, with everything that
// depends on it.
type publicURL struct {
	text      string // without a slash at the end
	origin    string // as browsers write it
	hostname  string
	base      string // its path, without a slash at the end
	secure    bool   // it is https
	downgrade bool   // it is http, and PUBLIC_URL is https
	pages     *page.Pages
	redirects *redirects
}

// publicURLs chooses by the Host of a request: the browser writes it, and a page cannot
// change it. Clients that forge it get an answer for another of our public URLs, which they
// could also ask for directly, with cookies that a browser would not have sent. Only Host
// counts; what proxies add (X-Forwarded-Host, Forwarded) is not read.
type publicURLs struct {
	main   *publicURL            // that of PUBLIC_URL, also used for unknown hosts
	byHost map[string]*publicURL // with a port, unless it is the default
}

func newPublicURLs(config Config, apps func() []string) (publicURLs, error) {
	all := append([]*url.URL{config.PublicURL}, config.AllowedPublicURLs...)
	urls := publicURLs{byHost: map[string]*publicURL{}}
	for _, u := range all {
		one := &publicURL{
			text: strings.TrimSuffix(u.String(), "/"), origin: u.Scheme + "://" + u.Host, hostname: u.Hostname(), base: basePath(u),
			secure: u.Scheme == "https", downgrade: u.Scheme != "https" && config.PublicURL.Scheme == "https",
		}
		var err error
		if one.pages, err = page.New(one.base); err != nil {
			return publicURLs{}, fmt.Errorf("preparing the pages: %w", err)
		}
		one.redirects = &redirects{publicURL: u.String(), apps: apps}
		for _, other := range all {
			if other != u {
				one.redirects.others = append(one.redirects.others, other.String())
			}
		}
		if urls.main == nil {
			urls.main = one
		}
		urls.byHost[u.Host] = one
	}
	return urls, nil
}

// basePath is the path of a public URL, without a slash at the end.
func basePath(u *url.URL) string { return strings.TrimSuffix(u.Path, "/") }

// of is the public URL that a request with this Host came to.
func (u publicURLs) of(host string) *publicURL {
	if len(u.byHost) == 1 {
		return u.main
	}
	if found := u.byHost[host]; found != nil {
		return found
	}
	host = strings.ToLower(host)
	if found := u.byHost[host]; found != nil {
		return found
	}
	for port, secure := range map[string]bool{":443": true, ":80": false} {
		name, ok := strings.CutSuffix(host, port)
		if found := u.byHost[name]; ok && found != nil && found.secure == secure {
			return found
		}
	}
	return u.main
}

// publicURL is the one of our public URLs that a request came to.
func (s *Server) publicURL(c echo.Context) *publicURL { return s.urls.of(c.Request().Host) }

// path returns one of our paths as a browser must ask for it.
func (s *Server) path(c echo.Context, path string) string { return s.publicURL(c).base + path }

// withoutOrigin is a checked target without our origin, if it has that.
func (u *publicURL) withoutOrigin(target string) string { return strings.TrimPrefix(target, u.origin) }

// cookie is how a cookie configured for PUBLIC_URL is set at this URL. If its domain does
// not cover this host, the cookie is for this host only. Over http some browsers do not
// keep a Secure cookie; a cookie that they would refuse without Secure keeps it.
func (u *publicURL) cookie(c Cookie) Cookie {
	if c.Domain != "" && u.hostname != c.Domain && !strings.HasSuffix(u.hostname, "."+c.Domain) {
		c.Domain = ""
	}
	name := strings.ToLower(c.Name)
	if u.downgrade && c.SameSite != http.SameSiteNoneMode && !strings.HasPrefix(name, "__host-") && !strings.HasPrefix(name, "__secure-") {
		c.Secure = false
	}
	c.Secure = c.Secure || u.secure
	return c
}
