package outbound

import (
	"net/url"
	"strings"
)

// Secrets are what must appear in no text: the key, and the passwords of proxies.
func (s Settings) Secrets() []string {
	var secrets []string
	if key := s.Key.Reveal(); key != "" {
		secrets = append(secrets, key)
	}
	for _, proxy := range []string{
		s.Proxy.Reveal(), s.GlobalAgent.HTTP.Reveal(), s.GlobalAgent.HTTPS.Reveal(), s.Standard.HTTP.Reveal(), s.Standard.HTTPS.Reveal(),
	} {
		secrets = append(secrets, passwordOf(proxy)...)
	}
	return secrets
}

// passwordOf takes a whole URL for a secret that cannot be read.
func passwordOf(proxy string) []string {
	u, err := url.Parse(proxy)
	if err != nil || u.User == nil && strings.Contains(proxy, "@") {
		return []string{proxy}
	}
	if password, _ := u.User.Password(); password != "" {
		return []string{password}
	}
	return nil
}
