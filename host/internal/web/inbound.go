package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/sdk"
)

// fromProvider bounds the requests that come by way of a provider by what its
// mechanism can receive, and all large ones together by the memory that there
// is: anybody can send them.
func (s *Server) fromProvider(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		provider, err := s.ports.Logins.Provider(c.Param("provider"))
		if err != nil {
			return err
		}
		req, limit := c.Request(), provider.InboundLimit()
		if int64(len(req.URL.RawQuery)) > limit {
			return payloadError{"the query is too long"}
		}
		if req.Method != http.MethodPost {
			return next(c)
		}
		if req.ContentLength > limit {
			return echo.ErrStatusRequestEntityTooLarge
		}
		size := req.ContentLength
		if size < 0 {
			size = limit // chunked: browsers send no such form
		}
		release, err := s.bodies.take(req.Context(), c.RealIP(), size)
		if err != nil {
			return err
		}
		defer release()
		req.Body = http.MaxBytesReader(c.Response(), req.Body, limit)
		return next(c)
	}
}

// inbound reads a request that came by way of a provider, once; fromProvider
// bounds it. Query and body are never merged (B19).
func inbound(c echo.Context) (sdk.InboundRequest, error) {
	req := c.Request()
	in := sdk.InboundRequest{Method: req.Method, RawQuery: req.URL.RawQuery}
	var err error
	if in.Query, err = parseParameters("query", in.RawQuery, maxParameters); err != nil {
		return in, err
	}
	if req.Method != http.MethodPost {
		return in, nil
	}
	if mediaType(req) != echo.MIMEApplicationForm {
		return in, errUnsupported
	}
	in.Form, err = readForm(req, maxParameters-countParameters(in.RawQuery))
	return in, err
}
