package plugin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

func outboundToWire(s outbound.Settings) *doorwardv1.Outbound {
	return &doorwardv1.Outbound{
		Proxy: s.Proxy.Reveal(), GlobalAgent: proxyRulesToWire(s.GlobalAgent), Standard: proxyRulesToWire(s.Standard),
		Deny: s.Deny, Allow: s.Allow,
		ExtraCa: s.ExtraCA, Ca: s.CA, Certificate: s.Certificate, Key: s.Key.Reveal(), TlsMinVersion: s.MinVersion,
		Names: s.Names,
	}
}

func proxyRulesToWire(r outbound.ProxyRules) *doorwardv1.ProxyRules {
	return &doorwardv1.ProxyRules{Http: r.HTTP.Reveal(), Https: r.HTTPS.Reveal(), NoProxy: r.NoProxy}
}

func outboundFromWire(o *doorwardv1.Outbound) outbound.Settings {
	return outbound.Settings{
		Proxy: options.Secret(o.GetProxy()), GlobalAgent: proxyRulesFromWire(o.GetGlobalAgent()), Standard: proxyRulesFromWire(o.GetStandard()),
		Deny: o.GetDeny(), Allow: o.GetAllow(),
		ExtraCA: o.GetExtraCa(), CA: o.GetCa(), Certificate: o.GetCertificate(), Key: options.Secret(o.GetKey()), MinVersion: o.GetTlsMinVersion(),
		Names: o.GetNames(),
	}
}

func proxyRulesFromWire(r *doorwardv1.ProxyRules) outbound.ProxyRules {
	return outbound.ProxyRules{HTTP: options.Secret(r.GetHttp()), HTTPS: options.Secret(r.GetHttps()), NoProxy: r.GetNoProxy()}
}

// ReasonOutbound is the reason for settings of connections that cannot be used.
const ReasonOutbound sdk.Reason = "outbound"

// dialerOf makes the dialer of a provider. The host has checked the settings, so an error
// concerns settings that only a newer host has.
func dialerOf(s outbound.Settings) (*outbound.Dialer, error) {
	dialer, err := outbound.New(s)
	if err != nil {
		return nil, sdk.Misconfigured(ReasonOutbound, "reading the settings of outbound connections: %v", err)
	}
	return dialer, nil
}

// tooManyCertificates names the settings that fill a message that is too large. Nothing
// else in the settings can be long.
func tooManyCertificates(s outbound.Settings) error {
	var names []string
	for key, text := range map[string]string{outbound.KeyExtraCA: s.ExtraCA, outbound.KeyCA: s.CA, outbound.KeyCertificate: s.Certificate} {
		if text != "" {
			names = append(names, s.Names[key])
		}
	}
	slices.Sort(names)
	return sdk.Misconfigured(ReasonOutbound, "%s and the options together have more than the %d MiB that a plugin accepts: leave out certificates that are not needed",
		strings.Join(names, ", "), MaxMessage>>20)
}

// obeys refuses a plugin that would make connections that the operator forbade. It accepts
// a plugin that has not described itself.
func (d *described) obeys(s outbound.Settings) error {
	if d == nil || slices.Contains(d.features, sdk.FeatureOutbound) {
		return nil
	}
	demands := s.Demands()
	if len(demands) == 0 {
		return nil
	}
	return sdk.Misconfigured(ReasonOutbound, "%s", fmt.Sprintf(
		"the plugin %s %s was built with an SDK that does not support %s, and would connect without it: rebuild it with the SDK of this host%s",
		d.mechanism, d.version, strings.Join(demands, ", "), s.Otherwise()))
}
