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
	"DB_SEARCH_PATH":           "the tables are in the schema doorward of the database, whatever the search path",
	"DB_POOL_":                 "of the pool, DB_POOL__MIN and DB_POOL__MAX count",
	"DB_SSL_":                  "of TLS, DB_SSL, DB_SSL__CA, DB_SSL__CERT, DB_SSL__KEY and DB_SSL__REJECT_UNAUTHORIZED count",
	"DB_EXCLUDE_TABLES":        "no tables but ours are looked at",
	"DB_CHARSET":               "the database must have the encoding UTF8",
	"DB_VERSION":               "the version of the server makes no difference",
	"DB_HEALTHCHECK_THRESHOLD": "health says whether the database works, and not how fast",
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
				if isSetting(name) {
					continue
				}
				if name == known || strings.HasSuffix(known, "_") && strings.HasPrefix(name, known) {
					l.warnOnce("%s has no effect: %s", name, advice)
				}
			}
		}
	}
}
