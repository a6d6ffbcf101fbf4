package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Advice for several settings of Directus that Doorward does not have.
const (
	noPasswords = "there are no local passwords and no registration; users are created at their first login (AUTH_<PROVIDER>_ALLOW_PUBLIC_REGISTRATION), " +
		"by doorward user invite or by doorward user import"
	noFirstAdmin = "the environment does not create an administrator; use the command doorward, or a key from doorward key add"
	noMail       = "Doorward sends no mail; doorward user invite prints the link of an invitation"
	oneHost      = "hosts synchronize through the database (DB_CLIENT=pg)"
	fixedHeaders = "every response has fixed strict headers; set others in the proxy in front"
	keepsAudit   = "the audit log is kept for AUDIT_RETENTION, and there are no revisions or flows"
	ownTimeouts  = "the time limits of connections are fixed; SHUTDOWN_DELAY is how long the host continues after SIGTERM"

	// Nobody misses these in a login host, so they are reported in one line.
	otherThings = "content, files and the like stay with Directus"
)

// ignoredSettings are settings of Directus that Doorward does not have, with what to do
// instead. A name that ends in "_" stands for all names that begin with it.
var ignoredSettings = map[string]string{
	"RATE_LIMITER_":            "it is not a limit of Doorward; docs/limits.md lists them all",
	"CORS_":                    "it is not a CORS setting of Doorward; docs/settings.md lists them all",
	"LOGIN_STALL_TIME":         noPasswords,
	"IP_CUSTOM_HEADER":         "name the proxies in IP_TRUST_PROXY; they name the client in X-Forwarded-For",
	"DB_SEARCH_PATH":           "the tables are in the schema doorward of the database, regardless of the search path",
	"DB_POOL_":                 "for the pool, only DB_POOL__MIN and DB_POOL__MAX count",
	"DB_SSL_":                  "for TLS, only DB_SSL, DB_SSL__CA, DB_SSL__CERT, DB_SSL__KEY and DB_SSL__REJECT_UNAUTHORIZED count",
	"DB_EXCLUDE_TABLES":        "Doorward reads only its own tables",
	"DB_CHARSET":               "the database must have the encoding UTF8",
	"DB_VERSION":               "the version of the server makes no difference",
	"DB_HEALTHCHECK_THRESHOLD": "health says whether the database works, not how fast",
	"CROSS_ORIGIN_OPENER_":     "the header is always same-origin",

	"ROOT_REDIRECT":         "GET / shows who is signed in; link to the sign-in page with /login?redirect=, or let the proxy in front redirect /",
	"LOG_HTTP_IGNORE_PATHS": "all requests are logged at one level; set LOG_LEVEL",
	"LOGGER_":               "they are options of a library that Doorward does not use; LOG_LEVEL and LOG_STYLE set what is logged, and how",
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

// platformVariable matches variables that Kubernetes and Docker set for each service,
// whatever its name is (REDIS_SERVICE_HOST, CACHE_PORT_6379_TCP_ADDR), and that systemd
// sets for a folder of its service.
var platformVariable = regexp.MustCompile(`_SERVICE_(HOST|PORT)(_|$)|_PORT_[0-9]+_(TCP|UDP|SCTP)(_|$)|^CACHE_DIRECTORY$`)

func isSetByPlatform(name, value string) bool {
	return platformVariable.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://")
}

// ignoredEntry returns the entry of ignoredSettings for a name, the longest one that matches.
func ignoredEntry(name string) (known string, ok bool) {
	name = strings.TrimSuffix(name, fileSuffix)
	if _, ok := ignoredSettings[name]; ok {
		return name, true
	}
	for prefix := range ignoredSettings {
		if strings.HasSuffix(prefix, "_") && strings.HasPrefix(name, prefix) && len(prefix) > len(known) {
			known = prefix
		}
	}
	return known, known != ""
}

// isOff reports whether a setting turns off what Doorward does not have anyway.
func isOff(name, value string) bool {
	switch {
	case strings.HasPrefix(name, "CROSS_ORIGIN_"), strings.HasPrefix(name, "HSTS_"), strings.HasPrefix(name, "CONTENT_SECURITY_"):
		return false // Doorward always has these
	case strings.HasSuffix(name, "_ENABLED"), name == "IP_CUSTOM_HEADER", name == "ROOT_REDIRECT", name == "TELEMETRY", name == "SERVE_APP":
		return isFalse(withoutCast(value))
	}
	return false
}

// warnOfDirectusSettings names the settings of Directus that are given but have no effect. There is
// one line for all settings with the same advice, because an environment of Directus has
// dozens.
func (l *loader) warnOfDirectusSettings() {
	byAdvice := map[string]map[string][]string{} // advice, entry, names
	for _, layer := range l.layers {
		for _, name := range slices.Sorted(maps.Keys(layer)) {
			known, ok := ignoredEntry(name)
			value := layer[name].value
			if !ok || value == "" || isSetting(name) || isOff(name, value) || isSetByPlatform(name, value) {
				continue
			}
			advice := ignoredSettings[known]
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
		subject, several := joinNames(names, advice == otherThings)
		if several {
			lines = append(lines, subject+" have no effect: "+advice)
		} else {
			lines = append(lines, subject+" has no effect: "+advice)
		}
	}
	slices.Sort(lines)
	for _, line := range lines {
		l.warnOfNoEffect("%s", line)
	}
}

// joinNames lists names, and combines those of a family if they are many or the list should
// be short.
func joinNames(byEntry map[string][]string, short bool) (text string, several bool) {
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
