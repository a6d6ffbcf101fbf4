package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
)

const (
	keysPath           = "/.well-known/jwks.json"
	issuerMetadataPath = "/.well-known/oauth-authorization-server"
)

// cacheable is for documents needed to verify access tokens: half of the time for which a
// key is published before it signs: another cache in front can take as long again.
const cacheable = "public, max-age=300"

// keys answers /.well-known/jwks.json (RFC 7517 section 5).
func (s *Server) keys(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", cacheable)
	return c.Blob(http.StatusOK, "application/jwk-set+json", s.ports.Keys(c.Request().Context()))
}

// issuerMetadata is the part of RFC 8414 section 2 that applies to this host: who issues
// access tokens, and with which keys. No OAuth 2.0 endpoint issues them, so there are no
// grant types, which would be two if left out, and no response types.
type issuerMetadata struct {
	Issuer        string   `json:"issuer"`
	JWKSURI       string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	GrantTypes    []string `json:"grant_types_supported"`
}

func issuerMetadataOf(publicURL *url.URL) ([]byte, error) {
	document, err := json.Marshal(issuerMetadata{
		Issuer: publicURL.String(), JWKSURI: publicURL.String() + keysPath, ResponseTypes: []string{}, GrantTypes: []string{},
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the metadata of the issuer: %w", err)
	}
	return document, nil
}

// issuerMetadata answers /.well-known/oauth-authorization-server.
func (s *Server) issuerMetadata(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", cacheable)
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, s.issuer)
}

// issuerMetadataBeforePath answers the same between the host and the path of PUBLIC_URL,
// which is where RFC 8414 section 3.1 puts it. A proxy must send this URL here unchanged.
func (s *Server) issuerMetadataBeforePath(c echo.Context) error {
	path := basePath(s.config.PublicURL)
	if path == "" || c.Request().URL.Path != issuerMetadataPath+path {
		return echo.ErrNotFound
	}
	return s.issuerMetadata(c)
}
