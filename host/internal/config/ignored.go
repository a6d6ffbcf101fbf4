package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Advice on several settings of Directus that this host does not have.
const (
	noPasswords = "there are no local passwords, and nobody registers with one; users are made at their first login (AUTH_<PROVIDER>_ALLOW_PUBLIC_REGISTRATION), " +
		"by doorward user invite, or by doorward user import"
	noFirstAdmin = "nobody is made an administrator by the environment; administrate with the command doorward, or with a key of doorward key add"
	noMail       = "this host sends no mail; doorward user invite prints the link of an invitation"
	oneHost      = "hosts exchange what they must by the database (DB_CLIENT=pg)"
	fixedHeaders = "every answer has strict headers of its own; let the proxy in front set others"
	keepsAudit   = "who did what is kept for AUDIT_RETENTION, and there are no revisions and flows"
	ownTimeouts  = "the time limits of connections are fixed; SHUTDOWN_DELAY is how long the host goes on after SIGTERM"

	// Nothing that anybody misses in a login host: told in one line.
	otherThings = "content, files and the like stay with Directus"
)

// withoutEffect are settings of Directus that this host does not have, by what to do
// instead. A name that ends in "_" stands for all that begin so.
var withoutEffect = map[string]string{
	"RATE_LIMITER_":            "it is no setting of the limits here; docs/limits.md has them all",
	"CORS_":                    "it is no setting of what pages of other origins may do; docs/settings.md has them all",
	"LOGIN_STALL_TIME":         noPasswords,
	"IP_CUSTOM_HEADER":         "name the proxies in IP_TRUST_PROXY; they say who the client is in X-Forwarded-For",
	"DB_SEARCH_PATH":           "the tables are in the schema doorward of the database, whatever the search path",
	"DB_POOL_":                 "of the pool, DB_POOL__MIN and DB_POOL__MAX count",
	"DB_SSL_":                  "of TLS, DB_SSL, DB_SSL__CA, DB_SSL__CERT, DB_SSL__KEY and DB_SSL__REJECT_UNAUTHORIZED count",
	"DB_EXCLUDE_TABLES":        "no tables but ours are looked at",
	"DB_CHARSET":               "the database must have the encoding UTF8",
	"DB_VERSION":               "the version of the server makes no difference",
	"DB_HEALTHCHECK_THRESHOLD": "health says whether the database works, and not how fast",
	"CROSS_ORIGIN_OPENER_":     "the header is always same-origin",

	"ROOT_REDIRECT":         "GET / is the page of who is signed in; link to the sign-in page with /login?redirect=, or let the proxy in front redirect /",
	"LOG_HTTP_IGNORE_PATHS": "all requests are logged at one level; set LOG_LEVEL",
	"LOGGER_":               "they are options of a library that is not here; LOG_LEVEL and LOG_STYLE say what is logged, and how",
	"RETENTION_":            keepsAudit, "ACTIVITY_RETENTION": keepsAudit, "REVISIONS_RETENTION": keepsAudit, "FLOW_LOGS_RETENTION": keepsAudit,
	"UNIX_SOCKET_PATH":              "the host listens on TCP only: HOST and PORT",
	"METRICS_":                      "metrics are at METRICS_ADDRESS, all of them and without a token",
	"REGISTER_STALL_TIME":           noPasswords,
	"HASH_":                         noPasswords,
	"EMAIL_VERIFICATION_TOKEN_TTL":  noPasswords,
	"USER_INVITE_TOKEN_TTL":         "doorward user invite has --expires",
	"PASSWORD_RESET_URL_ALLOW_LIST": noPasswords, "USER_INVITE_URL_ALLOW_LIST": noPasswords, "USER_REGISTER_URL_ALLOW_LIST": noPasswords,
	"ADMIN_EMAIL": noFirstAdmin, "ADMIN_PASSWORD": noFirstAdmin, "ADMIN_TOKEN": noFirstAdmin,
	"EMAIL_": noMail,
	"REDIS":  oneHost, "REDIS_": oneHost, "SYNCHRONIZATION_": oneHost, "MESSENGER_": oneHost,
	"CONTENT_SECURITY_POLICY_": fixedHeaders, "HSTS_": fixedHeaders,
	"SERVER_KEEP_ALIVE_TIMEOUT": ownTimeouts, "SERVER_HEADERS_TIMEOUT": ownTimeouts, "SERVER_REQUEST_TIMEOUT": ownTimeouts, "SERVER_SHUTDOWN_TIMEOUT": ownTimeouts,

	"ACCEPT_TERMS": otherThings, "AI_": otherThings, "ASSETS_": otherThings, "CACHE_": otherThings, "EXTENSIONS_": otherThings,
	"EXPORT_BATCH_SIZE": otherThings, "FILES_": otherThings, "FILE_METADATA_ALLOW_LIST": otherThings, "FLOWS_": otherThings, "GRAPHQL_": otherThings,
	"IMPORT_IP_DENY_LIST": otherThings, "IMPORT_TIMEOUT": otherThings, "IMPORT_MAX_CONCURRENCY": otherThings, "KEY": otherThings, "LICENSE_KEY": otherThings, "LICENSE_TOKEN": otherThings,
	"MARKETPLACE_": otherThings, "MAX_BATCH_MUTATION": otherThings, "MAX_IMPORT_ERRORS": otherThings, "MAX_PAYLOAD_SIZE": otherThings,
	"MAX_RELATIONAL_DEPTH": otherThings, "MCP_": otherThings, "MIGRATIONS_PATH": otherThings, "PACKAGE_FILE_LOCATION": otherThings, "PM2_": otherThings,
	"PRESSURE_LIMITER_": otherThings, "PROJECT_OWNER": otherThings, "QUERYSTRING_": otherThings, "QUERY_LIMIT_": otherThings,
	"RELATIONAL_BATCH_SIZE": otherThings, "ROBOTS_TXT": otherThings, "SERVE_APP": otherThings, "STORAGE_": otherThings, "TELEMETRY": otherThings,
	"TELEMETRY_": otherThings, "TEMP_PATH": otherThings, "TUS_": otherThings, "USERS_": otherThings, "WEBSOCKETS_": otherThings,
}

// ofSurroundings are variables that Kubernetes and Docker make for each service,
// whatever its name is (REDIS_SERVICE_HOST, CACHE_PORT_6379_TCP_ADDR), and systemd for a
// folder of its service.
var ofSurroundings = regexp.MustCompile(`_SERVICE_(HOST|PORT)(_|$)|_PORT_[0-9]+_(TCP|UDP|SCTP)(_|$)|^CACHE_DIRECTORY$`)

func isOfSurroundings(name, value string) bool {
	return ofSurroundings.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://")
}

// entryOf returns the entry of withoutEffect that a name has, the longest one that fits.
func entryOf(name string) (known string, ok bool) {
	name = strings.TrimSuffix(name, fileSuffix)
	if _, ok := withoutEffect[name]; ok {
		return name, true
	}
	for prefix := range withoutEffect {
		if strings.HasSuffix(prefix, "_") && strings.HasPrefix(name, prefix) && len(prefix) > len(known) {
			known = prefix
		}
	}
	return known, known != ""
}

// isOff reports whether a setting turns off what is not here, so that nothing differs.
func isOff(name, value string) bool {
	switch {
	case strings.HasPrefix(name, "CROSS_ORIGIN_"), strings.HasPrefix(name, "HSTS_"), strings.HasPrefix(name, "CONTENT_SECURITY_"):
		return false // these are here, always
	case strings.HasSuffix(name, "_ENABLED"), name == "IP_CUSTOM_HEADER", name == "ROOT_REDIRECT", name == "TELEMETRY", name == "SERVE_APP":
		return isFalse(withoutCast(value))
	}
	return false
}

// warnOfIgnored names the settings of Directus that are given and without effect: one
// line for all with the same advice, since a whole environment of Directus has dozens.
func (l *loader) warnOfIgnored() {
	byAdvice := map[string]map[string][]string{} // advice, entry, names
	for _, layer := range l.layers {
		for _, name := range slices.Sorted(maps.Keys(layer)) {
			known, ok := entryOf(name)
			value := layer[name].value
			if !ok || value == "" || isSetting(name) || isOff(name, value) || isOfSurroundings(name, value) {
				continue
			}
			advice := withoutEffect[known]
			if byAdvice[advice] == nil {
				byAdvice[advice] = map[string][]string{}
			}
			if !slices.Contains(byAdvice[advice][known], name) {
				byAdvice[advice][known] = append(byAdvice[advice][known], name)
			}
		}
	}
	var lines []string
	for advice, names := range byAdvice {
		subject, several := families(names, advice == otherThings)
		if several {
			lines = append(lines, subject+" have no effect: "+advice)
		} else {
			lines = append(lines, subject+" has no effect: "+advice)
		}
	}
	slices.Sort(lines)
	for _, line := range lines {
		l.warnOnce("%s", line)
	}
}

// families writes names out, and those of a family as one if they are many or short.
func families(byEntry map[string][]string, short bool) (text string, several bool) {
	const most = 2
	var parts []string
	count := 0
	for entry, names := range byEntry {
		count += len(names)
		if len(names) > most || short && len(names) > 1 {
			parts = append(parts, fmt.Sprintf("%s… (%d)", entry, len(names)))
		} else {
			parts = append(parts, names...)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", "), count > 1
}
