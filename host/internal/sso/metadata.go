package sso

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

const metadataFor = 5 * time.Second // anybody may ask, as often as they like

// metadataCache keeps metadata for a moment, for each configured provider.
type metadataCache struct {
	requests singleflight[sdk.Document]
	mu       sync.Mutex
	kept     map[string]keptDocument
}

type keptDocument struct {
	document sdk.Document
	until    time.Time
}

func (d *metadataCache) get(provider string, now time.Time) (sdk.Document, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept, ok := d.kept[provider]
	return kept.document, ok && now.Before(kept.until)
}

func (d *metadataCache) keep(provider string, document sdk.Document, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept == nil {
		d.kept = map[string]keptDocument{}
	}
	d.kept[provider] = keptDocument{document, until}
}

// Metadata returns the document that describes the host to a provider.
//
// Errors: ErrUnknownProvider, ErrBusy, errors.ErrUnsupported, ErrPluginFault, and any
// error of the mechanism.
func (s *Service) Metadata(ctx context.Context, provider string) (sdk.Document, error) {
	p, err := s.Provider(provider)
	if err != nil {
		return sdk.Document{}, err
	}
	if document, ok := s.documents.get(p.Name, s.config.Now()); ok {
		return document, nil
	}
	return s.documents.requests.do(ctx, p.Name, func(waiting context.Context) (sdk.Document, error) {
		document, err := s.metadata(waiting, p)
		if err == nil {
			s.documents.keep(p.Name, document, s.config.Now().Add(metadataFor))
		}
		return document, err
	})
}

func (s *Service) metadata(waiting context.Context, p Provider) (sdk.Document, error) {
	m, done, err := s.acquireMechanism(waiting, p.Name, LineOthers)
	if err != nil {
		return sdk.Document{}, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(waiting), capabilityTimeout(sdk.CapabilityMetadata))
	defer cancel()
	publisher, err := sdk.As[sdk.MetadataPublisher](m, sdk.CapabilityMetadata)
	if err != nil {
		return sdk.Document{}, err
	}
	document, err := publisher.Metadata(ctx)
	if err != nil {
		return sdk.Document{}, fmt.Errorf("asking for the metadata of %s: %w", p.Name, err)
	}
	if err := contractError(contract.CheckDocument(document)); err != nil {
		return sdk.Document{}, err
	}
	return document, nil
}

// isDescribed reports whether a provider knows the host by the mechanism's metadata
// document. The document contains the URLs below one public URL, and a provider that has
// read it sends browsers and messages nowhere else.
func isDescribed(m sdk.Mechanism) bool {
	if announcing, ok := m.(interface{ Capabilities() []sdk.Capability }); ok {
		return slices.Contains(announcing.Capabilities(), sdk.CapabilityMetadata)
	}
	_, err := sdk.As[sdk.MetadataPublisher](m, sdk.CapabilityMetadata)
	return err == nil
}
