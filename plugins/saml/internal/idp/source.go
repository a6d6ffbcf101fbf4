package idp

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// minFresh is the minimum time until metadata is read again, regardless of its cacheDuration.
const minFresh = time.Minute

// metadataAccept prefers the registered type of metadata (metadata appendix A).
const metadataAccept = "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"

// Source keeps the metadata of the identity provider up to date. Metadata at a URL is read at
// once and then periodically in the background; the last valid one is used for as long as its
// validUntil allows.
type Source struct {
	document *upstream.Document[*Provider]
	FromURL  bool
}

// FixedSource returns a source for metadata that is given as text.
func FixedSource(p *Provider, now func() time.Time, logger *slog.Logger) *Source {
	s := &Source{}
	p.warn(logger)
	s.document = upstream.NewDocument(documentOf(now, logger, func(context.Context) (upstream.Loaded[*Provider], error) {
		keep := p.keepFor(now())
		return upstream.Loaded[*Provider]{Value: p, Fresh: keep, Keep: keep}, p.checkValid(now())
	}))
	_ = s.document.Reload(context.Background()) // Get returns an error again
	return s
}

// SourceAt returns a source for metadata at a URL. Close it after use.
func SourceAt(url string, client *http.Client, refresh time.Duration, sel Selection, now func() time.Time, logger *slog.Logger) *Source {
	s := &Source{FromURL: true}
	s.document = upstream.NewDocument(documentOf(now, logger, func(ctx context.Context) (upstream.Loaded[*Provider], error) {
		answer, err := fetch(ctx, client, url)
		if err != nil {
			return upstream.Loaded[*Provider]{}, err
		}
		at := now()
		sel.Now = at
		p, err := ReadProvider(answer.Body, sel)
		if err != nil {
			return upstream.Loaded[*Provider]{}, err
		}
		p.warn(logger)
		p.Date = answer.Date()
		return upstream.Loaded[*Provider]{Value: p, Fresh: p.freshFor(refresh, at), Keep: p.keepFor(at)}, nil
	}))
	s.document.KeepFresh()
	return s
}

// warn logs which parts of the metadata are ignored.
func (p *Provider) warn(logger *slog.Logger) {
	for _, location := range p.LeftOut {
		logger.Warn("a logout endpoint in the metadata of the provider is ignored, because it is not https", "location", upstream.Shown(location))
	}
}

func documentOf(now func() time.Time, logger *slog.Logger, load func(context.Context) (upstream.Loaded[*Provider], error)) upstream.Source[*Provider] {
	return upstream.Source[*Provider]{What: "metadata of the provider", Load: load, Now: now, Logger: logger, NotInTime: reasonNotInTime}
}

// Get returns the provider. Before the first successful load, it waits for the one in
// progress, or starts one.
func (s *Source) Get(ctx context.Context) (*Provider, error) { return s.document.Get(ctx) }

// renew reads the metadata again because known lacks something, but limits how often: anyone
// can send a signature that no key verifies. It reports whether the metadata has changed.
func (s *Source) renew(ctx context.Context, known *Provider) (*Provider, bool) {
	if !s.FromURL {
		return known, false
	}
	p, err := s.document.Renew(ctx)
	return p, err == nil && p != known
}

// Reload always reads the metadata again, for a check.
func (s *Source) Reload(ctx context.Context) error { return s.document.Reload(ctx) }

// LoadedAt is when the metadata was read.
func (s *Source) LoadedAt() time.Time { return s.document.LoadedAt() }

// Close ends the background reading.
func (s *Source) Close() { s.document.Close() }

func fetch(ctx context.Context, client *http.Client, url string) (upstream.Answer, error) {
	answer, err := upstream.Get(ctx, client, url, http.Header{"Accept": {metadataAccept}})
	switch {
	case err != nil:
		return answer, upstream.Unreachable(reasonMetadataUnreachable, "reading idp_metadata_url", err)
	case answer.Redirect() != "":
		return answer, sdk.Unavailable(ReasonMetadataStatus, "idp_metadata_url %s: set idp_metadata_url to that URL if you trust it", answer.Problem())
	case answer.Status != http.StatusOK:
		return answer, sdk.Unavailable(ReasonMetadataStatus, "idp_metadata_url %s", answer.Problem())
	}
	return answer, nil
}
