package config

import (
	"maps"
	"slices"
	"strings"
)

// withoutEffect are settings of the seed system that concern signing in and that
// this host does not have, by what to do instead. A name that ends in "_" stands
// for all that begin so.
var withoutEffect = map[string]string{
	"RATE_LIMITER_":            "it is no setting of the limits here; docs/limits.md has them all",
	"CORS_":                    "cross-origin requests with cookies are refused: serve the application from the same origin, or use mode json",
	"LOGIN_STALL_TIME":         "there are no local passwords to guess",
	"IP_CUSTOM_HEADER":         "name the proxies in IP_TRUST_PROXY; they say who the client is in X-Forwarded-For",
	"AUTH_ALLOWED_PUBLIC_URLS": "all URLs are made from PUBLIC_URL",
	"CROSS_ORIGIN_OPENER_":     "the header is always same-origin",
}

// warnOfIgnored names settings that somebody who comes from the seed system may
// count on.
func (l *loader) warnOfIgnored() {
	for _, layer := range l.layers {
		for _, name := range slices.Sorted(maps.Keys(layer)) {
			if _, setting := settingsSchema.Lookup(strings.ToLower(strings.TrimSuffix(name, "_FILE"))); setting {
				continue
			}
			for known, advice := range withoutEffect {
				if name == known || strings.HasSuffix(known, "_") && strings.HasPrefix(name, known) {
					l.warnOnce("%s has no effect: %s", name, advice)
				}
			}
		}
	}
}
