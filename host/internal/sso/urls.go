package sso

import "net/url"

// URLs are where a provider, or the browser that comes from it, reaches us.
type URLs struct{ Callback, Metadata, Logout string }

// URLsOf returns the URLs of a provider below a public URL, which has no slash at
// the end.
func URLsOf(publicURL, provider string) URLs {
	base := publicURL + "/auth/login/" + provider
	return URLs{base + "/callback", base + "/metadata", base + "/logout"}
}

func (s *Service) urlsOf(provider string) URLs { return URLsOf(s.config.PublicURL, provider) }

// returnURL is a URL of ours that brings the state back by itself, for protocols
// that have no parameter for it.
func returnURL(target, state string) string {
	return target + "?" + url.Values{"state": {state}}.Encode()
}
