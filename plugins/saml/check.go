package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// Check reads the metadata and compares it with the options. Nobody is signed in: problems
// that only a login reveals are reported from the last refused response.
func (m *mechanism) Check(ctx context.Context) ([]sdk.Finding, error) {
	findings := append(m.options.HTTPOptions.Findings(m.now()),
		checkRefused("last refused response", &m.refusedResponses), checkRefused("last refused logout message", &m.refusedLogouts))
	var unread error
	if m.source.FromURL {
		if unread = m.source.Reload(ctx); unread != nil {
			findings = append(findings, upstream.Failed("idp_metadata_url", unread))
		}
	}
	p, err := m.source.Get(ctx)
	if err != nil && unread != nil {
		err = errors.New("there is no valid metadata, and every login is refused until it can be read")
	}
	if err != nil {
		return append(findings, upstream.Failed("metadata of the provider", err)), nil
	}
	signed := m.own.Signer != nil
	findings = append(findings, checkMetadata(p, m.source))
	if m.source.FromURL {
		findings = append(findings, checkClock(m.source.LoadedAt(), p.Date, m.skew))
	}
	findings = append(findings, checkProviderKeys(p, m.now(), m.options.AllowExpiredCerts)...)
	findings = append(findings, checkSignIn(p, m.options.RequestBinding), checkLogout(p, signed), checkSigning(p, signed), m.checkNameID(), m.checkOptions())
	for _, location := range p.LeftOut {
		findings = append(findings, upstream.Warning("logout", "the endpoint %s of the identity provider is ignored, because it is not https: have the identity provider publish an https endpoint", upstream.Shown(location)))
	}
	for _, setting := range m.ignored {
		findings = append(findings, upstream.Warning("sp_metadata", "this setting has no effect: %s", setting))
	}
	return append(findings, m.checkOwnCertificates()...), nil
}

func (m *mechanism) checkOwnCertificates() []sdk.Finding {
	signing, encryption := m.own.SignerCert, m.own.CryptCert
	var findings []sdk.Finding
	if signing != nil {
		findings = append(findings, checkCertificate("our certificate", signing, m.now()))
	}
	if encryption != nil && !encryption.Equal(signing) {
		findings = append(findings, checkCertificate("our certificate", encryption, m.now()))
	}
	return findings
}

// checkMetadata warns of the end of metadata that is not renewed. Metadata at a URL is read
// again before it ends.
func checkMetadata(p *idp.Provider, s *idp.Source) sdk.Finding {
	f := upstream.Fine("metadata of the provider", "entity ID %s, read at %s", upstream.Shown(p.EntityID), s.LoadedAt().UTC().Format(time.RFC3339))
	if !p.ValidUntil.IsZero() && !s.FromURL {
		f.ExpiresAt = p.ValidUntil
		f.Severity = sdk.SeverityWarning
		f.Text += fmt.Sprintf("; it is valid until %s, after which every login is refused: set idp_metadata_url instead of idp_metadata", p.ValidUntil.Format(time.RFC3339))
	}
	return f
}

// checkClock compares the clock of the host with that of the server that publishes the
// metadata, which is usually the identity provider.
func checkClock(ours, theirs time.Time, skew time.Duration) sdk.Finding {
	return upstream.Clock("the provider", ours, theirs, skew, fmt.Sprintf("at %v or more (clock_skew), logins are refused", skew))
}

func checkProviderKeys(p *idp.Provider, now time.Time, allowExpired bool) []sdk.Finding {
	const subject = "certificate of the provider"
	var findings []sdk.Finding
	for _, k := range p.Keys {
		if k.Certificate != nil {
			findings = append(findings, checkCertificate(subject, k.Certificate, now))
		}
	}
	if p.WeakKeys > 0 {
		findings = append(findings, upstream.Warning(subject, "%d keys in the metadata cannot be used: they are too short, or neither RSA nor ECDSA", p.WeakKeys))
	}
	if usable, _ := p.UsableKeys(now, allowExpired); len(usable) == 0 {
		findings = append(findings, upstream.Failed(subject, errors.New("no certificate is currently valid, and every login is refused: have the identity provider renew it")))
	}
	return findings
}

func checkCertificate(subject string, c *x509.Certificate, now time.Time) sdk.Finding {
	return upstream.Certificate(subject, upstream.Shown(c.Subject.String()), c, now)
}

func checkSignIn(p *idp.Provider, wanted string) sdk.Finding {
	binding, location, err := ssoEndpoint(p, wanted)
	if err != nil {
		return upstream.Failed("sign-in", err)
	}
	return upstream.Fine("sign-in", "%s to %s", short(binding), upstream.Shown(location))
}

func checkLogout(p *idp.Provider, signed bool) sdk.Finding {
	const subject = "logout"
	binding, to, ok := sloEndpoint(p, saml2.BindingRedirect)
	switch {
	case !ok:
		return upstream.Fine(subject, "the identity provider has no logout endpoint: a logout from Doorward does not log out there")
	case !signed:
		return upstream.Warning(subject, "a logout from Doorward does not log out at the identity provider, because sp_private_key is not set")
	}
	return upstream.Fine(subject, "%s to %s", short(binding), upstream.Shown(to.Location))
}

func short(binding string) string {
	return binding[strings.LastIndex(binding, ":")+1:]
}

func checkSigning(p *idp.Provider, signed bool) sdk.Finding {
	const subject = "signing of our requests"
	switch {
	case p.WantSigned && !signed:
		return upstream.Failed(subject, errors.New("the identity provider requires signed requests, and every login fails: set sp_private_key, and give the identity provider Doorward's metadata"))
	case signed && !p.WantSigned:
		return upstream.Fine(subject, "requests are signed, although the identity provider does not require it")
	case signed:
		return upstream.Fine(subject, "requests are signed, as the identity provider requires")
	}
	return upstream.Fine(subject, "requests are not signed, and the identity provider does not require it")
}

func (m *mechanism) checkOptions() sdk.Finding {
	const subject = "options"
	if insecure := m.options.insecure(); len(insecure) > 0 {
		return upstream.Warning(subject, "%s is set: configure the identity provider to use current algorithms, and then remove the option", strings.Join(insecure, " and "))
	}
	return upstream.Fine(subject, "the entity ID of Doorward is %s, its assertion consumer service is %s", m.entityID, m.callback)
}

// checkRefused reports the last message that this process refused.
func checkRefused(subject string, r *refusals) sdk.Finding {
	at, text, reason := r.last()
	if at.IsZero() {
		return upstream.Fine(subject, "none since the plugin was started")
	}
	return upstream.Warning(subject, "at %s (%s): %s", at.UTC().Format(time.RFC3339), reason, text)
}

// refusals remembers the last refused message and its error, for Check. It is not shared with
// other nodes, and is lost when the process ends.
type refusals struct {
	mu   sync.Mutex
	at   time.Time
	text string
	kind sdk.Reason
}

func (r *refusals) remember(now time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.text, r.kind = now, upstream.Clip(err.Error(), maxText), sdk.ReasonOf(err)
}

// last returns zero values if no message was refused.
func (r *refusals) last() (at time.Time, text string, reason sdk.Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at, r.text, r.kind
}

// maxText limits the stored text of a refusal.
const maxText = 2 << 10
