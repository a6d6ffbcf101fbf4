package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/sdk"
)

// repostedMark is what our own form adds to what was posted before. It must not make the
// same response too large the second time.
const repostedMark = repostedField + "=1&"

func isReposted(form string) bool {
	return strings.HasPrefix(form, repostedMark) || strings.Contains(form, "&"+repostedField+"=")
}

// inboundKey is the context key of the request that fromProvider has read.
const inboundKey = "inbound"

// fromProvider reads requests that come by way of a provider, once. Each is limited by what
// its mechanism can receive, and all large ones together by memory and processors: anyone
// can send them.
func (s *Server) fromProvider(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		req := c.Request()
		provider, err := s.ports.Logins.Provider(c.Param("provider"))
		if err != nil {
			return err
		}
		limit := provider.InboundLimit()
		if int64(len(req.URL.RawQuery)) > limit {
			return payloadError{"the query is too long"}
		}
		if req.Method != http.MethodPost {
			return parseInbound(c, "", next)
		}
		if mediaType(req) != echo.MIMEApplicationForm {
			return notOfType(echo.MIMEApplicationForm)
		}
		return s.withRoom(c, limit+int64(len(repostedMark)), func() error {
			form, err := readText(req)
			if err != nil {
				return err
			}
			if int64(len(form)) > limit && !isReposted(form) {
				return echo.ErrStatusRequestEntityTooLarge
			}
			return s.parsing.do(req.Context(), len(form), func() error { return parseInbound(c, form, next) })
		})
	}
}

// withRoom calls do when there is room for the body of a request.
func (s *Server) withRoom(c echo.Context, limit int64, do func() error) error {
	req := c.Request()
	if req.ContentLength > limit {
		return echo.ErrStatusRequestEntityTooLarge
	}
	size := req.ContentLength
	if size < 0 {
		size = limit // chunked: browsers do not send forms like this
	}
	release, err := s.bodyMemory.take(req.Context(), c.RealIP(), size)
	if err != nil {
		return err
	}
	defer release()
	req.Body = http.MaxBytesReader(c.Response(), req.Body, limit)
	return do()
}

// parseInbound stores the parsed request for inbound. Query and body are never merged
// (B19).
func parseInbound(c echo.Context, form string, next echo.HandlerFunc) error {
	in := sdk.InboundRequest{Method: c.Request().Method, RawQuery: c.Request().URL.RawQuery}
	var err error
	if in.Query, err = parseParameters("query", in.RawQuery, maxParameters); err != nil {
		return err
	}
	if in.Method == http.MethodPost {
		most := maxParameters - countParameters(in.RawQuery)
		if isReposted(form) {
			most++
		}
		if in.Form, err = parseParameters("form", form, most); err != nil {
			return err
		}
	}
	c.Set(inboundKey, in)
	return next(c)
}

// inbound returns the request that fromProvider has read.
func inbound(c echo.Context) sdk.InboundRequest {
	in, _ := c.Get(inboundKey).(sdk.InboundRequest)
	return in
}
