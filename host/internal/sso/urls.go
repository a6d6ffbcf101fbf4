package sso

import (
	"cmp"
	"fmt"
	"net/url"
)

// URLs are where a provider, or the browser that comes from it, reaches the host.
type URLs struct{ Callback, Metadata, Logout string }

// URLsOf returns the URLs of a provider below a public URL without a trailing slash.
func URLsOf(publicURL, provider string) URLs {
	base := publicURL + "/auth/login/" + provider
	return URLs{base + "/callback", base + "/metadata", base + "/logout"}
}

// at returns a public URL of the host: publicURL, or the one in Config if that is empty.
func (s *Service) at(publicURL string) string { return cmp.Or(publicURL, s.config.PublicURL) }

func (s *Service) urlsOf(publicURL, provider string) URLs { return URLsOf(s.at(publicURL), provider) }

// atItsURL returns ErrOtherPublicURL for an answer that arrives at another public URL
// than the one where its login began. If that URL is no longer configured, the login
// continues where the browser is sent now.
func (s *Service) atItsURL(a Attempt, publicURL string) error {
	if a.CallbackURL == s.urlsOf(publicURL, a.Provider).Callback {
		return nil
	}
	for _, ours := range append([]string{s.config.PublicURL}, s.config.AllowedPublicURLs...) {
		if a.CallbackURL == URLsOf(ours, a.Provider).Callback {
			return fmt.Errorf("%w, %s, and not at %s: do all proxies pass the Host that browsers ask for?", ErrOtherPublicURL, ours, s.at(publicURL))
		}
	}
	return nil
}

// returnURL returns a URL of the host that contains the state, for protocols that have no
// parameter for it.
func returnURL(target, state string) string {
	return target + "?" + url.Values{"state": {state}}.Encode()
}
