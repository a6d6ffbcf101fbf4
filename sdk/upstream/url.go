package upstream

import (
	"errors"
	"net/url"
	"strings"

	"github.com/doorward/doorward/sdk/contract"
)

// ParseEndpoint parses a URL of a provider, from an option or from the provider itself,
// with [contract.ParseURL]. It refuses a fragment, which endpoints must not have (RFC 6749
// sections 3.1 and 3.2). The error follows a name, and never contains the URL.
func ParseEndpoint(text string) (*url.URL, error) {
	u, err := contract.ParseURL(text)
	if err != nil {
		return nil, err
	}
	if strings.Contains(text, "#") {
		return nil, errors.New("has a fragment, which must be left out")
	}
	return u, nil
}
