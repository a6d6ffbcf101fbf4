package plugin

import (
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
