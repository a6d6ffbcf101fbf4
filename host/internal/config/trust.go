package config

import (
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/tlsoptions"
)

// TrustSettings are whom the connections of all providers trust, and their client
// certificate.
type TrustSettings struct {
	OutboundExtraCA       string         `option:"outbound_extra_ca" reload:"yes" doc:"PEM certificates of authorities to trust in addition to the system's, for all providers. OUTBOUND_EXTRA_CA_FILE names a file, which is watched. See trust.md."`
	OutboundCert          string         `option:"outbound_cert" reload:"yes" doc:"The PEM client certificate, with its chain, for the servers of all providers that do not have their own."`
	OutboundKey           options.Secret `option:"outbound_key" reload:"yes" doc:"The PEM key of OUTBOUND_CERT."`
	OutboundTLSMinVersion string         `option:"outbound_tls_min_version" reload:"yes" default:"1.2" oneof:"1.2|1.3" doc:"The lowest TLS version for connections to servers of providers."`

	NodeExtraCACerts          string `option:"node_extra_ca_certs" reload:"yes" doc:"The path of a file with more certificates, like OUTBOUND_EXTRA_CA. As in Node.js, a file that cannot be read causes a warning and is ignored."`
	NodeTLSRejectUnauthorized string `option:"node_tls_reject_unauthorized" reload:"yes" doc:"Refused if it is 0, which makes Node.js accept any certificate. Otherwise without effect."`
}

// trust adds the settings of trust to those of connections.
func (g *optionGroup) trust(settings *outbound.Settings, s TrustSettings) {
	settings.ExtraCA, settings.Certificate, settings.Key = s.OutboundExtraCA, s.OutboundCert, s.OutboundKey
	settings.MinVersion = s.OutboundTLSMinVersion
	settings.Names = maps.Clone(settings.Names)
	settings.Names[outbound.KeyExtraCA] = g.spell("outbound_extra_ca")
	// Node.js turns its checks off only for this value. Refusing other values would protect
	// nobody.
	if s.NodeTLSRejectUnauthorized == "0" {
		g.refuse("node_tls_reject_unauthorized", "is 0, which would accept any certificate from anyone on the network; remove it, "+
			"and give the certificate of the authority (PEM) as AUTH_<PROVIDER>_CA_FILE, or as OUTBOUND_EXTRA_CA_FILE for all providers")
	}
}

// checkPEM refuses files that are empty or not text, before the group is decoded.
//
// A file that is empty, perhaps only for a moment, must not count as not given: the
// system's authorities would be trusted instead of the operator's.
func (g *optionGroup) checkPEM(options map[string]func(text string) error) {
	for option, check := range options {
		found := g.given[option]
		text, ok := found.value.(string)
		switch {
		case !ok || found.broken:
		case text == "" && found.file != "":
			g.refuse(option, "names a file that is empty")
		case !utf8.ValidString(text) || strings.Contains(text, "\x00"):
			if err := check(text); err != nil {
				g.refuse(option, "%v", err)
			}
		}
	}
}

// certificates and key are checks for checkPEM.
func certificates(text string) error {
	_, _, err := tlsoptions.Certificates(text)
	return err
}

var (
	trustPEM         = map[string]func(string) error{"outbound_extra_ca": certificates, "outbound_cert": certificates, "outbound_key": tlsoptions.CheckKey}
	providerTrustPEM = map[string]func(string) error{"ca": certificates, "cert": certificates, "key": tlsoptions.CheckKey}
)

// nodeExtraCA adds the certificates of NODE_EXTRA_CA_CERTS. As in Node.js, a file that
// cannot be read does not prevent a start: an environment that works there must work here,
// and without a certificate servers are refused, not accepted. Certificates in force are
// not removed because of such a file: it may be half written.
func (g *optionGroup) nodeExtraCA(settings *outbound.Settings, name string) {
	const option = "node_extra_ca_certs"
	if name == "" || !g.ok(option) {
		return
	}
	text, err := g.readNodesFile(option, name)
	switch {
	case !g.ok(option):
		return
	case err != nil && g.loader.nodesFile:
		g.refuse(option, "%v", err)
		return
	case err != nil:
		g.loader.warnOfNoEffect("%s %v; it is ignored, as in Node.js, and servers that need it are refused", g.spell(option), err)
		return
	}
	g.loader.nodesFile = true
	g.warnOfOutbound(outbound.Settings{ExtraCA: text}, func(string) string { return g.spell(option) })
	names := maps.Clone(settings.Names)
	if names[outbound.KeyExtraCA] = g.spell(option); settings.ExtraCA != "" {
		settings.ExtraCA += "\n"
		names[outbound.KeyExtraCA] = settings.Names[outbound.KeyExtraCA] + " and " + g.spell(option)
	}
	settings.ExtraCA += text
	settings.Names = names
}

// readNodesFile returns an error that follows the name of the option.
func (g *optionGroup) readNodesFile(option, name string) (string, error) {
	path := under(g.base(option), name)
	g.loader.files = append(g.loader.files, path)
	text, mode, err := readFile(path)
	if err != nil {
		return "", fmt.Errorf("names a file that cannot be read: %w", err)
	}
	if err := checkWritable(path, mode); err != nil {
		g.refuse(option, "%v", err)
		return "", nil
	}
	if _, _, err := tlsoptions.Certificates(text); err != nil {
		return "", fmt.Errorf("names %s, which %w", path, err)
	}
	return text, nil
}
