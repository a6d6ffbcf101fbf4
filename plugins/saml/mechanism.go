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

	"github.com/doorward/doorward/plugins/saml/internal/bindings"
	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/internal/ownkeys"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/upstream"
)

// mechanism signs in through one configured SAML identity provider.
type mechanism struct {
	options          Options
	entityID         string
	nameIDFormat     string   // to request, or empty
	callback         string   // the URL that we publish and request
	consumers        []string // all URLs of the assertion consumer service
	logoutURL        string
	skew             time.Duration
	own              ownkeys.Keys
	source           *idp.Source
	client           *http.Client
	now              func() time.Time
	logger           *slog.Logger
	refusedResponses refusals // of responses
	refusedLogouts   refusals // of logout messages, which anybody can send at any time
	formats          formats  // of NameIDs, if none is requested
	ignored          []string // settings of sp_metadata without effect, and what to set instead
}

var (
	_ sdk.Mechanism         = (*mechanism)(nil)
	_ sdk.LogoutBeginner    = (*mechanism)(nil)
	_ sdk.LogoutReceiver    = (*mechanism)(nil)
	_ sdk.MetadataPublisher = (*mechanism)(nil)
	_ sdk.Checker           = (*mechanism)(nil)
	_ io.Closer             = (*mechanism)(nil)
)

// open returns a mechanism for one provider. Metadata at a URL is read in the background.
func open(_ context.Context, env sdk.Env, o Options) (sdk.Mechanism, error) {
	own, err := o.keys()
	if err != nil {
		return nil, err
	}
	client, err := o.Client(env, idp.MaxMetadata)
	if err != nil {
		return nil, err
	}
	m := &mechanism{
		options: o, own: own, client: client, callback: env.CallbackURL, logoutURL: env.LogoutURL,
		now: env.Now, logger: env.Logger,
	}
	m.skew, _ = o.skew()
	m.warnOfIdle()
	var problems options.Problems
	m.configureSP(env, &problems)
	pins, err := ownkeys.ParseCertificates(o.IDPMetadataCertificate)
	if err != nil {
		problems.Addf("idp_metadata_certificate", "%v", err)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return m, m.openSource(idp.Selection{EntityID: o.IDPEntityID, Pins: pins, Policy: o.policy()})
}

// warnOfIdle warns of Directus options that are set and have no effect.
func (m *mechanism) warnOfIdle() {
	if m.options.RelayState != "" {
		m.logger.Warn("sp_relay_state has no effect: the host uses RelayState for a token of its own; the link that starts a login says where it returns")
	}
	if m.options.MessageSigningOrder == "sign-then-encrypt" {
		m.logger.Warn("idp_message_signing_order has no effect: a response must be signed after encryption; change that at the provider, or have it sign the assertion")
	}
}

// configureSP determines the names and URLs of Doorward as a service provider.
func (m *mechanism) configureSP(env sdk.Env, problems *options.Problems) {
	replaced, err := readReplacedSP(m.options.SPMetadata)
	if err != nil {
		problems.Addf("sp_metadata", "%v", err)
	}
	for _, setting := range replaced.ignored(m.options) {
		m.ignored = append(m.ignored, setting)
		m.logger.Warn("a setting in sp_metadata has no effect", "setting", setting)
	}
	m.entityID = firstOf(m.options.EntityID, replaced.entityID, env.MetadataURL)
	if len(m.entityID) > idp.MaxEntityID || !upstream.IsPrintable(m.entityID) {
		problems.Addf("entity_id", "must be at most %d printable ASCII characters", idp.MaxEntityID)
	}
	m.consumers = []string{m.callback}
	// The host also serves the assertion consumer service under the name that Directus uses.
	// An identity provider may know only that name, and messages for either name are
	// accepted.
	if base, ok := strings.CutSuffix(env.CallbackURL, "/callback"); ok {
		alias := base + "/acs"
		if slices.Contains(replaced.consumers, alias) {
			m.callback = alias
		}
		m.consumers = []string{m.callback, env.CallbackURL, alias}
	}
	m.nameIDFormat = firstOf(longFormat(m.options.NameIDFormat), replaced.nameIDFormat)
	if !upstream.IsPrintable(m.nameIDFormat) {
		problems.Addf("name_id_format", "must be a URN in printable ASCII characters")
	}
	if q := m.options.SPNameQualifier; len(q) > idp.MaxEntityID || !upstream.IsPrintable(q) {
		problems.Addf("sp_name_qualifier", "must be at most %d printable ASCII characters", idp.MaxEntityID)
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

func (m *mechanism) openSource(s idp.Selection) error {
	if m.options.IDPMetadata != "" {
		s.Now = m.now()
		p, err := idp.ReadProvider([]byte(m.options.IDPMetadata), s)
		if err != nil {
			return fmt.Errorf("idp_metadata: %w", err)
		}
		m.source = idp.FixedSource(p, m.now, m.logger)
		return nil
	}
	m.source = idp.SourceAt(m.options.IDPMetadataURL, m.client, m.options.IDPMetadataRefresh, s, m.now, m.logger)
	return nil
}

// Close ends the reading of metadata in the background.
func (m *mechanism) Close() error {
	m.source.Close()
	m.client.CloseIdleConnections()
	return nil
}

// memory is the state between Begin and Continue, sealed by the host.
type memory struct {
	RequestID string    `json:"r"`
	Provider  string    `json:"p"`
	Begun     time.Time `json:"t"`
}

// maxRemembered is the maximum length of an entity ID in a memory; a longer one is replaced
// by its fingerprint.
const maxRemembered = 256

// Begin sends the browser to the identity provider with an AuthnRequest (profiles section
// 4.1.4.1).
func (m *mechanism) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	p, err := m.source.Get(ctx)
	if err != nil {
		return nil, err
	}
	if p.WantSigned && m.own.Signer == nil {
		return nil, sdk.Misconfigured(reasonKeyMissing, "the identity provider requires signed requests: set sp_private_key, and give the identity provider Doorward's metadata")
	}
	binding, location, err := ssoEndpoint(p, m.options.RequestBinding)
	if err != nil {
		return nil, err
	}
	now := m.now()
	mem := memory{RequestID: newID(), Provider: p.EntityID, Begun: now.UTC().Truncate(time.Second)}
	if len(mem.Provider) > maxRemembered {
		mem.Provider = validation.Fingerprint(mem.Provider)
	}
	data, err := json.Marshal(mem)
	if err != nil {
		return nil, fmt.Errorf("encoding the state of the login: %w", err)
	}
	element := m.requestElement(m.authnRequest(mem.RequestID, location, now))
	return m.send(element, binding, bindings.Sending{To: location, Request: true, RelayState: req.State, Memory: data})
}

// ssoEndpoint selects the destination of the request.
func ssoEndpoint(p *idp.Provider, wanted string) (binding, location string, err error) {
	order := []string{saml2.BindingRedirect, saml2.BindingPost}
	switch wanted {
	case "redirect":
		order = order[:1]
	case "post":
		order = order[1:]
	}
	for _, binding := range order {
		if location, ok := p.SSO[binding]; ok {
			return binding, location, nil
		}
	}
	return "", "", sdk.Misconfigured(idp.ReasonMetadataEndpoint, "the identity provider does not accept requests by the binding in request_binding: do not set it")
}

// Continue reads the response and checks it according to profiles section 4.1.4.3.
func (m *mechanism) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	identity, err := m.signIn(ctx, req)
	if err != nil {
		m.refusedResponses.remember(m.now(), err)
		return nil, err
	}
	return sdk.Authenticated{Identity: identity}, nil
}

// expectation is what every message to these URLs must match.
func (m *mechanism) expectation(recipients []string) validation.Expectation {
	return validation.Expectation{
		OwnEntityID: m.entityID, Recipients: recipients, Now: m.now(), Skew: m.skew,
		Contexts: m.options.acceptedContexts(), ForceAuthn: m.options.ForceAuthn, Decrypt: m.decryptID,
	}
}

func (m *mechanism) signIn(ctx context.Context, req sdk.ContinueRequest) (sdk.Identity, error) {
	want, provider := m.expectation(m.consumers), ""
	want.Unsolicited = req.Unsolicited
	if !req.Unsolicited {
		var mem memory
		if err := json.Unmarshal(req.Memory, &mem); err != nil || mem.RequestID == "" {
			return sdk.Identity{}, sdk.InvalidResponse(reasonUnsolicited, "the state of the login cannot be read")
		}
		want.RequestID, want.Begun, provider = mem.RequestID, mem.Begun, mem.Provider
	}
	p, err := m.source.Get(ctx)
	if err != nil {
		return sdk.Identity{}, err
	}
	if !req.Unsolicited && provider != p.EntityID && provider != validation.Fingerprint(p.EntityID) {
		return sdk.Identity{}, sdk.InvalidResponse(reasonProviderChanged, "the login was started with another identity provider")
	}
	want.Provider = p.EntityID
	msg, err := bindings.ReadPost(req.Response)
	if err != nil {
		return sdk.Identity{}, err
	}
	if msg.Request {
		return sdk.Identity{}, sdk.InvalidResponse(bindings.ReasonMessageMissing, "a request instead of a response")
	}
	if !req.Unsolicited && msg.RelayState != req.State {
		return sdk.Identity{}, sdk.InvalidResponse(reasonRelayState, "RelayState does not belong to this login")
	}
	a, err := m.readResponse(ctx, p, msg.XML, want)
	if err != nil {
		return sdk.Identity{}, err
	}
	return m.identify(a, p)
}
