package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/upstream"
)

// mechanism signs in through one configured SAML identity provider.
type mechanism struct {
	options      Options
	entityID     string
	nameIDFormat string // to ask for, or empty
	callback     string
	logoutURL    string
	skew         time.Duration
	own          ownKeys
	source       *source
	client       *http.Client
	now          func() time.Time
	logger       *slog.Logger
	refused      refusals // of responses
	refusedOut   refusals // of logout messages, which anybody can send at any time
}

var (
	_ sdk.Mechanism         = (*mechanism)(nil)
	_ sdk.LogoutBeginner    = (*mechanism)(nil)
	_ sdk.LogoutReceiver    = (*mechanism)(nil)
	_ sdk.MetadataPublisher = (*mechanism)(nil)
	_ sdk.Checker           = (*mechanism)(nil)
	_ io.Closer             = (*mechanism)(nil)
)

// open makes a provider ready. Metadata at a URL is read in the background.
func open(_ context.Context, env sdk.Env, o Options) (sdk.Mechanism, error) {
	own, err := o.keys()
	if err != nil {
		return nil, err
	}
	client, err := o.Client(env, maxMetadata)
	if err != nil {
		return nil, err
	}
	m := &mechanism{
		options: o, own: own, client: client, callback: env.CallbackURL, logoutURL: env.LogoutURL,
		now: env.Now, logger: env.Logger,
	}
	m.skew, _ = o.skew()
	var problems options.Problems
	m.identifyUs(env, &problems)
	pins, err := parseCertificates(o.IDPMetadataCertificate)
	if err != nil {
		problems.Addf("idp_metadata_certificate", "%v", err)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return m, m.openSource(selection{entityID: o.IDPEntityID, pins: pins, policy: o.policy()})
}

// identifyUs finds out who we are to the provider.
func (m *mechanism) identifyUs(env sdk.Env, problems *options.Problems) {
	replaced, err := readReplaced(m.options.SPMetadata)
	if err != nil {
		problems.Addf("sp_metadata", "%v", err)
	}
	m.entityID = firstOf(m.options.EntityID, replaced.entityID, env.MetadataURL)
	if len(m.entityID) > maxEntityID || !upstream.IsPrintable(m.entityID) {
		problems.Addf("entity_id", "must be at most %d printable ASCII characters", maxEntityID)
	}
	// The provider may know only the assertion consumer service of the seed
	// system, which the host serves, too.
	if alias := strings.TrimSuffix(env.CallbackURL, "/callback") + "/acs"; slices.Contains(replaced.consumers, alias) {
		m.callback = alias
	}
	m.nameIDFormat = firstOf(nameIDFormat(m.options.NameIDFormat), replaced.nameIDFormat)
	if !upstream.IsPrintable(m.nameIDFormat) {
		problems.Addf("name_id_format", "must be a URN in printable ASCII characters")
	}
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func (m *mechanism) openSource(s selection) error {
	if m.options.IDPMetadata != "" {
		s.now = m.now()
		p, err := readProvider([]byte(m.options.IDPMetadata), s)
		if err != nil {
			return fmt.Errorf("idp_metadata: %w", err)
		}
		m.source = fixedSource(p, m.now, m.logger)
		return nil
	}
	m.source = sourceAt(m.options.IDPMetadataURL, m.client, m.options.IDPMetadataRefresh, s, m.now, m.logger)
	return nil
}

// Close ends the reading of metadata in the background.
func (m *mechanism) Close() error {
	m.source.close()
	m.client.CloseIdleConnections()
	return nil
}

// memory travels from Begin to Continue, sealed by the host.
type memory struct {
	RequestID string    `json:"r"`
	Provider  string    `json:"p"`
	Begun     time.Time `json:"t"`
}

// Begin sends the browser to the provider with an AuthnRequest (profiles section
// 4.1.4.1).
func (m *mechanism) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	p, err := m.source.get(ctx)
	if err != nil {
		return nil, err
	}
	if p.wantSigned && m.own.signer == nil {
		return nil, sdk.Misconfigured(reasonKeyMissing, "the provider wants signed requests: set sp_private_key, and give the provider our metadata")
	}
	binding, location, err := ssoEndpoint(p, m.options.RequestBinding)
	if err != nil {
		return nil, err
	}
	now := m.now()
	mem := memory{RequestID: newID(), Provider: p.entityID, Begun: now.UTC().Truncate(time.Second)}
	if len(mem.Provider) > maxRemembered {
		mem.Provider = fingerprint(mem.Provider)
	}
	data, err := json.Marshal(mem)
	if err != nil {
		return nil, fmt.Errorf("encoding the memory of the login: %w", err)
	}
	element := m.requestElement(m.authnRequest(mem.RequestID, location, now))
	return m.send(element, binding, sending{to: location, request: true, relayState: req.State, memory: data})
}

// ssoEndpoint chooses where the request goes.
func ssoEndpoint(p *provider, wanted string) (binding, location string, err error) {
	order := []string{bindingRedirect, bindingPost}
	switch wanted {
	case "redirect":
		order = order[:1]
	case "post":
		order = order[1:]
	}
	for _, binding := range order {
		if location, ok := p.sso[binding]; ok {
			return binding, location, nil
		}
	}
	return "", "", sdk.Misconfigured(reasonMetadataEndpoint, "the provider takes no requests by the binding of request_binding: leave it out")
}

// Continue reads the response, and checks it as profiles section 4.1.4.3 demands.
func (m *mechanism) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	identity, err := m.signIn(ctx, req)
	if err != nil {
		m.refused.remember(m.now(), err)
		return nil, err
	}
	return sdk.Authenticated{Identity: identity}, nil
}

// expectation is what every message to that URL of ours must fit.
func (m *mechanism) expectation(recipient string) expectation {
	return expectation{
		us: m.entityID, recipient: recipient, now: m.now(), skew: m.skew,
		contexts: m.options.acceptedContexts(), forceAuthn: m.options.ForceAuthn, decrypt: m.decryptID,
	}
}

func (m *mechanism) signIn(ctx context.Context, req sdk.ContinueRequest) (sdk.Identity, error) {
	want, provider := m.expectation(m.callback), ""
	want.unsolicited = req.Unsolicited
	if !req.Unsolicited {
		var mem memory
		if err := json.Unmarshal(req.Memory, &mem); err != nil || mem.RequestID == "" {
			return sdk.Identity{}, sdk.InvalidResponse(reasonUnsolicited, "the login has no memory that can be read")
		}
		want.requestID, want.begun, provider = mem.RequestID, mem.Begun, mem.Provider
	}
	p, err := m.source.get(ctx)
	if err != nil {
		return sdk.Identity{}, err
	}
	if !req.Unsolicited && provider != p.entityID && provider != fingerprint(p.entityID) {
		return sdk.Identity{}, sdk.InvalidResponse(reasonProviderChanged, "the login was started with another provider")
	}
	want.provider = p.entityID
	msg, err := readPost(req.Response)
	if err != nil {
		return sdk.Identity{}, err
	}
	if msg.request {
		return sdk.Identity{}, sdk.InvalidResponse(reasonMessageMissing, "a request in place of a response")
	}
	if !req.Unsolicited && msg.relayState != req.State {
		return sdk.Identity{}, sdk.InvalidResponse(reasonRelayState, "RelayState is not that of this login")
	}
	a, err := m.readResponse(ctx, p, msg.xml, want)
	if err != nil {
		return sdk.Identity{}, err
	}
	return m.identify(a, p)
}
