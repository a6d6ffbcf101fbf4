package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
)

// warnAhead is how long before a certificate expires an operator is warned.
const warnAhead = 30 * 24 * time.Hour

// Check reads the metadata, and holds it against the options. Nobody is signed in:
// what only shows at a login is told by the last response that was refused.
func (m *mechanism) Check(ctx context.Context) ([]sdk.Finding, error) {
	findings := []sdk.Finding{
		checkRefused("last refused response", &m.refused), checkRefused("last refused logout message", &m.refusedOut),
	}
	p, err := m.checkSource(ctx, &findings)
	if err != nil {
		return append(findings, finding(sdk.SeverityError, "metadata of the provider", err.Error())), nil
	}
	findings = append(findings, m.checkProviderKeys(p)...)
	findings = append(findings, m.checkEndpoints(p)...)
	findings = append(findings, m.checkSigning(p), m.checkOptions())
	for _, own := range []*x509.Certificate{m.own.signerCert, m.own.cryptCert} {
		if own != nil {
			findings = append(findings, m.checkCertificate("our certificate", own))
		}
	}
	return findings, nil
}

func finding(severity sdk.Severity, subject, text string) sdk.Finding {
	return sdk.Finding{Severity: severity, Subject: subject, Text: text}
}

// checkSource reads the metadata anew where it is read from a URL.
func (m *mechanism) checkSource(ctx context.Context, findings *[]sdk.Finding) (*provider, error) {
	if m.options.IDPMetadataURL != "" {
		doc, err := fetch(ctx, m.client, m.options.IDPMetadataURL)
		if err == nil {
			*findings = append(*findings, m.checkClock(doc.date))
			err = m.source.reload(ctx)
		}
		if err != nil {
			*findings = append(*findings, finding(sdk.SeverityError, "idp_metadata_url", err.Error()))
		}
	}
	p, err := m.source.get(ctx)
	if err != nil {
		return nil, err
	}
	loadedAt, _ := m.source.state()
	f := finding(sdk.SeverityOK, "metadata of the provider", fmt.Sprintf("entity ID %s, read at %s", shown(p.entityID), loadedAt.UTC().Format(time.RFC3339)))
	if !p.validUntil.IsZero() && m.options.IDPMetadata != "" { // else it is read anew before
		f.ExpiresAt = p.validUntil
		f.Severity = sdk.SeverityWarning
		f.Text += fmt.Sprintf("; it is valid until %s, and then every login is refused: set idp_metadata_url in place of idp_metadata", p.validUntil.Format(time.RFC3339))
	}
	*findings = append(*findings, f)
	return p, nil
}

// checkClock compares our clock with that of the server which has the metadata,
// most often the provider.
func (m *mechanism) checkClock(theirs time.Time) sdk.Finding {
	if theirs.IsZero() {
		return finding(sdk.SeverityOK, "clock", "the provider does not say what time it is")
	}
	ahead := m.now().Sub(theirs).Truncate(time.Second)
	f := finding(sdk.SeverityOK, "clock", fmt.Sprintf("ours is %v ahead of the provider's", ahead))
	if ahead.Abs() >= m.skew/2 {
		f.Severity = sdk.SeverityWarning
		f.Text += fmt.Sprintf("; from %v on (clock_skew), logins are refused: set both by NTP", m.skew)
	}
	return f
}

func (m *mechanism) checkProviderKeys(p *provider) []sdk.Finding {
	var findings []sdk.Finding
	for _, k := range p.keys {
		findings = append(findings, m.checkCertificate("certificate of the provider", k.certificate))
	}
	if p.weakKeys > 0 {
		findings = append(findings, finding(sdk.SeverityWarning, "certificate of the provider", fmt.Sprintf("%d in its metadata cannot be used: too short, or of another kind than RSA and ECDSA", p.weakKeys)))
	}
	if usable, _ := p.usableKeys(m.now(), m.options.AllowExpiredCerts); len(usable) == 0 {
		findings = append(findings, finding(sdk.SeverityError, "certificate of the provider", "none is good today, and every login is refused: have the provider renew it"))
	}
	return findings
}

func (m *mechanism) checkCertificate(subject string, c *x509.Certificate) sdk.Finding {
	left := c.NotAfter.Sub(m.now())
	f := finding(sdk.SeverityOK, subject, fmt.Sprintf("%s, good until %s", shown(c.Subject.String()), c.NotAfter.UTC().Format(time.DateOnly)))
	f.ExpiresAt = c.NotAfter
	switch {
	case left <= 0:
		f.Severity, f.Text = sdk.SeverityWarning, f.Text+", which is over"
	case left < warnAhead:
		f.Severity, f.Text = sdk.SeverityWarning, f.Text+fmt.Sprintf(": %d days are left to replace it", int(left.Hours()/24))
	}
	return f
}

func (m *mechanism) checkEndpoints(p *provider) []sdk.Finding {
	var findings []sdk.Finding
	if binding, location, err := m.ssoEndpoint(p); err != nil {
		findings = append(findings, finding(sdk.SeverityError, "sign-in", err.Error()))
	} else {
		findings = append(findings, finding(sdk.SeverityOK, "sign-in", short(binding)+" to "+shown(location)))
	}
	binding, to, ok := sloEndpoint(p, bindingRedirect)
	switch {
	case !ok:
		findings = append(findings, finding(sdk.SeverityOK, "logout", "the provider has no endpoint for it: a logout here does not log out there"))
	case m.own.signer == nil:
		findings = append(findings, finding(sdk.SeverityWarning, "logout", "a logout here does not log out at the provider, because sp_private_key is not set"))
	default:
		findings = append(findings, finding(sdk.SeverityOK, "logout", short(binding)+" to "+shown(to.location)))
	}
	return findings
}

func short(binding string) string {
	return binding[strings.LastIndex(binding, ":")+1:]
}

func (m *mechanism) checkSigning(p *provider) sdk.Finding {
	const subject = "signing of our requests"
	switch signed := m.own.signer != nil; {
	case p.wantSigned && !signed:
		return finding(sdk.SeverityError, subject, "the provider wants them signed, and every login fails: set sp_private_key, and give the provider our metadata")
	case signed && !p.wantSigned:
		return finding(sdk.SeverityOK, subject, "they are signed, though the provider does not ask for it")
	case signed:
		return finding(sdk.SeverityOK, subject, "they are signed, as the provider wants")
	}
	return finding(sdk.SeverityOK, subject, "they are not signed, and the provider does not ask for it")
}

func (m *mechanism) checkOptions() sdk.Finding {
	var insecure []string
	for name, set := range map[string]bool{
		"insecure_allow_sha1": m.options.InsecureAllowSHA1, "insecure_allow_cbc": m.options.InsecureAllowCBC,
	} {
		if set {
			insecure = append(insecure, name)
		}
	}
	if len(insecure) > 0 {
		return finding(sdk.SeverityWarning, "options", strings.Join(insecure, " and ")+" is set: have the provider use what is good today, and leave it out")
	}
	return finding(sdk.SeverityOK, "options", "our entity ID is "+m.entityID+", our assertion consumer service is "+m.callback)
}

// checkRefused tells what the last refused message lacked, since this process
// runs.
func checkRefused(subject string, r *refusals) sdk.Finding {
	at, text, reason := r.last()
	if at.IsZero() {
		return finding(sdk.SeverityOK, subject, "none since the plugin was started")
	}
	return finding(sdk.SeverityWarning, subject, fmt.Sprintf("at %s (%s): %s", at.UTC().Format(time.RFC3339), reason, text))
}
