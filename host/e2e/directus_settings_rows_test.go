package e2e

import (
	"net/http"
	"slices"
	"strings"

	"github.com/doorward/doorward/host/internal/config"
)

// directusSettings are the names of all settings that Directus 12 has for signing in:
// of the host, and of the providers of each driver.
var directusSettings = map[string]string{
	"": `AUTH_PROVIDERS AUTH_DISABLE_DEFAULT AUTH_ALLOWED_PUBLIC_URLS PUBLIC_URL CONFIG_PATH
		SECRET ACCESS_TOKEN_TTL REFRESH_TOKEN_TTL
		REFRESH_TOKEN_COOKIE_NAME REFRESH_TOKEN_COOKIE_DOMAIN REFRESH_TOKEN_COOKIE_SECURE REFRESH_TOKEN_COOKIE_SAME_SITE
		SESSION_COOKIE_TTL SESSION_COOKIE_NAME SESSION_COOKIE_DOMAIN SESSION_COOKIE_SECURE SESSION_COOKIE_SAME_SITE SESSION_REFRESH_GRACE_PERIOD
		LOGIN_STALL_TIME REGISTER_STALL_TIME EMAIL_VERIFICATION_TOKEN_TTL USER_INVITE_TOKEN_TTL
		PASSWORD_RESET_URL_ALLOW_LIST USER_INVITE_URL_ALLOW_LIST USER_REGISTER_URL_ALLOW_LIST
		IP_TRUST_PROXY IP_CUSTOM_HEADER
		RATE_LIMITER_ENABLED RATE_LIMITER_POINTS RATE_LIMITER_DURATION RATE_LIMITER_STORE
		RATE_LIMITER_GLOBAL_ENABLED RATE_LIMITER_GLOBAL_POINTS RATE_LIMITER_GLOBAL_DURATION
		RATE_LIMITER_REGISTRATION_ENABLED RATE_LIMITER_REGISTRATION_POINTS RATE_LIMITER_REGISTRATION_DURATION
		CROSS_ORIGIN_OPENER_POLICY_ENABLED CROSS_ORIGIN_OPENER_POLICY
		CORS_ENABLED CORS_ORIGIN CORS_METHODS CORS_ALLOWED_HEADERS CORS_EXPOSED_HEADERS CORS_CREDENTIALS CORS_MAX_AGE
		HASH_MEMORY_COST CACHE_ENABLED CACHE_TTL QUERYSTRING_MAX_PARSE_DEPTH QUERYSTRING_ARRAY_LIMIT
		KEY ADMIN_EMAIL ADMIN_PASSWORD ADMIN_TOKEN ROOT_REDIRECT REDIS REDIS_HOST NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED
		GLOBAL_AGENT_HTTP_PROXY GLOBAL_AGENT_HTTPS_PROXY GLOBAL_AGENT_NO_PROXY GLOBAL_AGENT_ENVIRONMENT_VARIABLE_NAMESPACE
		GLOBAL_AGENT_FORCE_GLOBAL_AGENT GLOBAL_AGENT_SOCKET_CONNECTION_TIMEOUT
		EMAIL_FROM STORAGE_LOCATIONS ASSETS_CACHE_TTL EXTENSIONS_PATH WEBSOCKETS_ENABLED PM2_INSTANCES LICENSE_KEY TELEMETRY
		LOG_LEVEL LOG_STYLE LOG_HTTP_IGNORE_PATHS LOGGER_LEVELS RETENTION_ENABLED ACTIVITY_RETENTION HOST PORT`,
	"openid": `DRIVER MODE LABEL ICON REDIRECT_ALLOW_LIST DEFAULT_ROLE_ID ALLOW_PUBLIC_REGISTRATION SYNC_USER_INFO IDENTIFIER_KEY
		ROLE_MAPPING GROUP_CLAIM_NAME SCOPE PARAMS PARAMS__CLAIMS PARAMS__RESPONSE_MODE PLAIN_CODE_CHALLENGE COOKIE_SECURE CLIENT_ID CLIENT_SECRET
		CLIENT_TOKEN_ENDPOINT_AUTH_METHOD CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG CLIENT_USERINFO_SIGNED_RESPONSE_ALG CLIENT_TOKEN_ENDPOINT_AUTH_SIGNING_ALG
		CLIENT_RESPONSE_TYPES
		ISSUER_URL ISSUER_DISCOVERY_MUST_SUCCEED CLIENT_PRIVATE_KEYS PRIVATE_KEYS REQUIRE_VERIFIED_EMAIL LOGIN_TIMEOUT
		CLIENT_HTTP_AGENT CLIENT_HTTP_CA CLIENT_HTTP_CERT CLIENT_HTTP_CRL CLIENT_HTTP_HEADERS CLIENT_HTTP_KEY CLIENT_HTTP_LOOKUP
		CLIENT_HTTP_PASSPHRASE CLIENT_HTTP_PFX CLIENT_HTTP_TIMEOUT`,
	"oauth2": `DRIVER MODE LABEL ICON REDIRECT_ALLOW_LIST DEFAULT_ROLE_ID ALLOW_PUBLIC_REGISTRATION SYNC_USER_INFO IDENTIFIER_KEY EMAIL_KEY
		ROLE_MAPPING GROUP_CLAIM_NAME SCOPE PARAMS PLAIN_CODE_CHALLENGE COOKIE_SECURE CLIENT_ID CLIENT_SECRET CLIENT_TOKEN_ENDPOINT_AUTH_METHOD
		AUTHORIZE_URL ACCESS_URL PROFILE_URL FIRST_NAME_KEY LAST_NAME_KEY`,
	"ldap": `DRIVER LABEL ICON DEFAULT_ROLE_ID ALLOW_PUBLIC_REGISTRATION SYNC_USER_INFO
		CLIENT_URL CLIENT__TIMEOUT CLIENT__CONNECT_TIMEOUT CLIENT__STRICT_DN CLIENT__SOCKET_PATH
		CLIENT__TLS_OPTIONS__REJECT_UNAUTHORIZED CLIENT__TLS_OPTIONS__CA CLIENT__TLS_OPTIONS__SERVERNAME CLIENT__TLS_OPTIONS__MIN_VERSION
		BIND_DN BIND_PASSWORD USER_DN USER_ATTRIBUTE USER_SCOPE MAIL_ATTRIBUTE FIRST_NAME_ATTRIBUTE LAST_NAME_ATTRIBUTE
		GROUP_DN GROUP_ATTRIBUTE GROUP_SCOPE`,
	"saml": `DRIVER MODE LABEL ICON REDIRECT_ALLOW_LIST DEFAULT_ROLE_ID ALLOW_PUBLIC_REGISTRATION IDENTIFIER_KEY EMAIL_KEY GIVEN_NAME_KEY FAMILY_NAME_KEY
		SP_metadata SP_privateKey SP_privateKeyPass SP_encPrivateKey SP_encPrivateKeyPass SP_authnRequestsSigned SP_wantAssertionsSigned SP_wantMessageSigned
		SP_allowCreate SP_relayState SP_clockDrifts SP_requestSignatureAlgorithm SP_entityID SP_nameIDFormat
		IDP_metadata IDP_isAssertionEncrypted IDP_messageSigningOrder IDP_requestSignatureAlgorithm IDP_entityID`,
}

// rows are all settings, by the driver whose providers have them; the empty one is the
// host.
func (b *directusBench) rows() map[string][]settingRow {
	return map[string][]settingRow{
		"":       slices.Concat(hostRows, corsRows, b.trustRows(), cookieRows, ignoredRows),
		"openid": slices.Concat(providerRows(true), upstreamRows, b.openidRows()),
		"oauth2": slices.Concat(providerRows(true), upstreamRows, oauth2Rows),
		"ldap":   slices.Concat(providerRows(false), b.ldapRows()),
		"saml": slices.Concat(slices.DeleteFunc(providerRows(true), func(r settingRow) bool {
			return r.name == "SYNC_USER_INFO" || r.name == "COOKIE_SECURE" || r.name == "ROLE_MAPPING"
		}), b.samlRows()),
	}
}

var hostRows = []settingRow{
	{name: "AUTH_PROVIDERS", value: "a, b", class: settingWorks, want: []string{"a", "b"}, with: []string{"AUTH_A_DRIVER=ldap", "AUTH_B_DRIVER=ldap"}, of: func(c *config.Config) any { return c.Settings.Providers }},
	{name: "AUTH_PROVIDERS", value: "default", class: settingRefused, want: "cannot be the name of a provider"},
	{name: "AUTH_DISABLE_DEFAULT", value: "true", class: settingWorks, want: true, of: func(c *config.Config) any { return c.DisableDefault }},
	{name: "AUTH_DISABLE_DEFAULT", value: "false", class: settingWarned, want: "no local passwords"},
	{name: "AUTH_ALLOWED_PUBLIC_URLS", value: "https://a.example", class: settingWorks, want: []string{"https://a.example"}, of: func(c *config.Config) any { return c.Settings.AllowedPublicURLs }},
	{name: "PUBLIC_URL", value: "https://Login.example.org/sub/", class: settingWorks, want: "https://login.example.org/sub", of: func(c *config.Config) any { return c.PublicURL.String() }},
	{name: "PUBLIC_URL", value: "/", class: settingRefused, want: "must be an absolute URL"},
	{name: "CONFIG_PATH", value: "config.js", class: settingRefused, want: "write what it exports as a .json or .yaml file", noFile: true},
	{name: "SECRET", value: "another one of at least 32 bytes, yes", class: settingDiffers, want: "another one of at least 32 bytes, yes", of: func(c *config.Config) any { return c.Secret.Reveal() }},
	{name: "SECRET", value: "short", class: settingRefused, want: "at least 32 random bytes"},
	{name: "ACCESS_TOKEN_TTL", value: "1.5h", class: settingWorks, want: int64(5400e9), of: func(c *config.Config) any { return c.AccessTokenTTL }},
	{name: "ACCESS_TOKEN_TTL", value: "900000", class: settingWorks, want: int64(900e9), of: func(c *config.Config) any { return c.AccessTokenTTL }},
	{name: "ACCESS_TOKEN_TTL", value: "900", class: settingRefused, want: "a plain number is in milliseconds: write 900s for seconds"},
	{name: "ACCESS_TOKEN_TTL", value: "3600", class: settingWarned, want: "is 3.6s, because a plain number is in milliseconds; write 3600s if you mean seconds"},
	{name: "ACCESS_TOKEN_TTL", value: "-5m", class: settingRefused, want: "must be a duration such as"},
	{name: "REFRESH_TOKEN_TTL", value: "2 weeks", class: settingWorks, want: int64(14 * 24 * 3600e9), of: func(c *config.Config) any { return c.RefreshTokenTTL }},
	{name: "REFRESH_TOKEN_TTL", value: "1y", class: settingWorks, want: int64(365*24*3600e9 + 6*3600e9), of: func(c *config.Config) any { return c.RefreshTokenTTL }},
	{name: "SESSION_COOKIE_TTL", value: "7 days", class: settingWorks, want: int64(7 * 24 * 3600e9), of: func(c *config.Config) any { return c.SessionCookieTTL }},
	{name: "SESSION_REFRESH_GRACE_PERIOD", value: "20s", class: settingDiffers, want: int64(20e9), of: func(c *config.Config) any { return c.SessionRefreshGracePeriod }},
	{name: "SESSION_REFRESH_GRACE_PERIOD", value: "10", class: settingWarned, want: "write 10s if you mean seconds"},
	{name: "IP_TRUST_PROXY", value: "loopback,10.0.0.0/8", class: settingWorks, want: []string{"127.0.0.0/8", "::1/128", "10.0.0.0/8"}, of: func(c *config.Config) any { return c.IPTrustProxy }},
	{name: "IP_TRUST_PROXY", value: "false", class: settingWorks, want: nil, of: func(c *config.Config) any { return c.IPTrustProxy }},
	{name: "IP_TRUST_PROXY", value: "true", class: settingRefused, want: "write false, or the addresses of your proxies, such as 10.0.0.0/8 or loopback"},
	{name: "IP_TRUST_PROXY", value: "1", class: settingRefused, want: "the addresses of your proxies"},
	{name: "IP_CUSTOM_HEADER", value: "X-Real-IP", class: settingWarned, want: "name the proxies in IP_TRUST_PROXY"},
	{name: "IP_CUSTOM_HEADER", value: "false", class: settingWorks, want: nil, of: nothing, noFile: true},
	{name: "RATE_LIMITER_ENABLED", value: "true", class: settingDiffers, want: true, of: func(c *config.Config) any { return c.LimiterEnabled }},
	{name: "RATE_LIMITER_ENABLED", value: "false", class: settingWarned, want: "passwords can be guessed"},
	{name: "RATE_LIMITER_POINTS", value: "90", class: settingDiffers, want: 90, of: func(c *config.Config) any { return c.LimiterPoints }},
	{name: "RATE_LIMITER_DURATION", value: "500", class: settingDiffers, want: 500, of: func(c *config.Config) any { return c.LimiterDuration }},
	{name: "RATE_LIMITER_STORE", value: "memory", class: settingWorks, want: "memory", of: func(c *config.Config) any { return c.LimiterStore }},
	{name: "RATE_LIMITER_STORE", value: "redis", class: settingWarned, want: "has no effect"},
	{name: "RATE_LIMITER_GLOBAL_ENABLED", value: "true", class: settingDiffers, want: true, of: func(c *config.Config) any { return c.LimiterGlobalEnabled }},
	{name: "RATE_LIMITER_GLOBAL_POINTS", value: "4000", class: settingDiffers, want: 4000, of: func(c *config.Config) any { return c.LimiterGlobalPoints }},
	{name: "RATE_LIMITER_GLOBAL_DURATION", value: "300", class: settingDiffers, want: 300, of: func(c *config.Config) any { return c.LimiterGlobalDuration }},
	{name: "GLOBAL_AGENT_HTTP_PROXY", value: "http://proxy.example:3128", class: settingWorks, want: "http://proxy.example:3128", of: func(c *config.Config) any { return c.GlobalAgentHTTP.Reveal() }},
	{name: "GLOBAL_AGENT_HTTPS_PROXY", value: "http://proxy.example:3128", class: settingWorks, want: "http://proxy.example:3128", of: func(c *config.Config) any { return c.GlobalAgentHTTPS.Reveal() }},
	{name: "GLOBAL_AGENT_NO_PROXY", value: "*.example.org", class: settingWorks, want: "*.example.org", with: []string{"GLOBAL_AGENT_HTTPS_PROXY=http://proxy.example:3128"}, of: func(c *config.Config) any { return c.GlobalAgentNoProxy }},
	{
		name: "GLOBAL_AGENT_ENVIRONMENT_VARIABLE_NAMESPACE", value: "MINE_", class: settingWorks, want: "http://proxy.example:3128",
		with: []string{"MINE_HTTPS_PROXY=http://proxy.example:3128"}, of: func(c *config.Config) any { return c.GlobalAgentHTTPS.Reveal() },
	},
	{name: "GLOBAL_AGENT_FORCE_GLOBAL_AGENT", value: "false", class: settingWarned, want: "has no effect"},
	{name: "GLOBAL_AGENT_SOCKET_CONNECTION_TIMEOUT", value: "5000", class: settingWarned, want: "has no effect"},
	{name: "LOG_LEVEL", value: "DEBUG", class: settingWorks, want: "debug", of: func(c *config.Config) any { return c.LogLevel }},
	{name: "LOG_LEVEL", value: "fatal", class: settingDiffers, want: "error", of: func(c *config.Config) any { return c.LogLevel }},
	{name: "LOG_LEVEL", value: "silent", class: settingDiffers, want: "error", of: func(c *config.Config) any { return c.LogLevel }},
	{name: "LOG_LEVEL", value: "verbose", class: settingRefused, want: "must be one of trace, debug, info, warn, error"},
	{name: "LOG_HTTP_IGNORE_PATHS", value: "/server/ping", class: settingWarned, want: "set LOG_LEVEL"},
	{name: "LOGGER_LEVELS", value: "info:INFO", class: settingWarned, want: "LOG_LEVEL and LOG_STYLE"},
	{name: "RETENTION_ENABLED", value: "true", class: settingWarned, want: "AUDIT_RETENTION"},
	{name: "ACTIVITY_RETENTION", value: "90d", class: settingWarned, want: "AUDIT_RETENTION"},
	{name: "LOG_STYLE", value: "raw", class: settingWorks, want: "json", of: func(c *config.Config) any { return c.LogStyle }},
	{name: "HOST", value: "0.0.0.0", class: settingWorks, want: "0.0.0.0", of: func(c *config.Config) any { return c.Host }},
	{name: "PORT", value: "8056", class: settingWorks, want: 8056, of: func(c *config.Config) any { return c.Port }},
}

func (b *directusBench) trustRows() []settingRow {
	return []settingRow{
		{
			name: "NODE_EXTRA_CA_CERTS", value: b.pem.caFile, class: settingWorks, want: b.pem.ca, noFile: true,
			with: []string{"AUTH_PROVIDERS=a", "AUTH_A_DRIVER=openid"}, of: func(c *config.Config) any { return c.Providers[0].Outbound.ExtraCA },
		},
		{name: "NODE_EXTRA_CA_CERTS", value: "gone.pem", class: settingWarned, want: "is ignored, as in Node.js"},
		{name: "NODE_TLS_REJECT_UNAUTHORIZED", value: "0", class: settingRefused, want: "AUTH_<PROVIDER>_CA_FILE"},
		{name: "NODE_TLS_REJECT_UNAUTHORIZED", value: "1", class: settingWorks, want: nil, of: nothing, noFile: true},
	}
}

// nothing is the effect of what turns off something that is not here.
func nothing(*config.Config) any { return nil }

var cookieRows = []settingRow{
	{name: "REFRESH_TOKEN_COOKIE_NAME", value: "r", class: settingWorks, want: "r", of: func(c *config.Config) any { return c.RefreshCookie.Name }},
	{name: "REFRESH_TOKEN_COOKIE_DOMAIN", value: "example.org", class: settingWorks, want: "example.org", of: func(c *config.Config) any { return c.RefreshCookie.Domain }},
	{name: "REFRESH_TOKEN_COOKIE_DOMAIN", value: "org", class: settingRefused, want: "must be the host name of PUBLIC_URL"},
	{name: "REFRESH_TOKEN_COOKIE_SECURE", value: "true", class: settingWorks, want: true, of: func(c *config.Config) any { return c.RefreshCookie.Secure }},
	{name: "REFRESH_TOKEN_COOKIE_SECURE", value: "false", class: settingWarned, want: "stay Secure"},
	{name: "REFRESH_TOKEN_COOKIE_SAME_SITE", value: "Strict", class: settingWorks, want: http.SameSiteStrictMode, of: func(c *config.Config) any { return c.RefreshCookie.SameSite }},
	{name: "REFRESH_TOKEN_COOKIE_SAME_SITE", value: "true", class: settingWorks, want: http.SameSiteStrictMode, of: func(c *config.Config) any { return c.RefreshCookie.SameSite }},
	{name: "REFRESH_TOKEN_COOKIE_SAME_SITE", value: "false", class: settingWarned, want: "counts as lax"},
	{name: "SESSION_COOKIE_NAME", value: "s", class: settingWorks, want: "s", of: func(c *config.Config) any { return c.SessionCookie.Name }},
	{name: "SESSION_COOKIE_DOMAIN", value: ".example.org", class: settingWorks, want: "example.org", of: func(c *config.Config) any { return c.SessionCookie.Domain }},
	{name: "SESSION_COOKIE_DOMAIN", value: "co.uk", class: settingRefused, want: "browsers reject cookies for it", with: []string{"PUBLIC_URL=https://login.example.co.uk"}},
	{name: "SESSION_COOKIE_DOMAIN", value: "github.io", class: settingRefused, want: "browsers reject cookies for it", with: []string{"PUBLIC_URL=https://somebody.github.io"}},
	{name: "SESSION_COOKIE_DOMAIN", value: "com", class: settingRefused, want: "must be the host name of PUBLIC_URL", with: []string{"PUBLIC_URL=https://example.com"}},
	{name: "SESSION_COOKIE_DOMAIN", value: "localhost", class: settingRefused, want: "must be the host name of PUBLIC_URL"},
	{name: "SESSION_COOKIE_SECURE", value: "true", class: settingWorks, want: true, of: func(c *config.Config) any { return c.SessionCookie.Secure }},
	{name: "SESSION_COOKIE_SAME_SITE", value: "None", class: settingWorks, want: http.SameSiteNoneMode, of: func(c *config.Config) any { return c.SessionCookie.SameSite }},
	{name: "SESSION_COOKIE_SAME_SITE", value: "", class: settingWarned, want: "is empty and counts as lax, where Directus uses strict"},
	{name: "SESSION_COOKIE_SAME_SITE", value: "sometimes", class: settingRefused, want: "must be one of lax, strict, none"},
}

var (
	corsOn   = []string{"CORS_ENABLED=true", "CORS_ORIGIN=https://app.example.org"}
	corsRows = []settingRow{
		{name: "CORS_ENABLED", value: "true", class: settingWorks, want: true, with: corsOn, of: func(c *config.Config) any { return c.CORSEnabled }},
		{name: "CORS_ENABLED", value: "true", class: settingWarned, want: "no other origin is allowed"},
		{name: "CORS_ORIGIN", value: "https://a.example.org,https://b.example.org", class: settingWorks, want: []string{"https://a.example.org", "https://b.example.org"}, with: corsOn, of: func(c *config.Config) any { return c.CORSOrigin }},
		{name: "CORS_ORIGIN", value: "true", class: settingRefused, want: "name the origins of your applications", with: corsOn},
		{name: "CORS_ORIGIN", value: "https://a.example.org", class: settingWarned, want: "without CORS_ENABLED=true"},
		{name: "CORS_METHODS", value: "GET,POST", class: settingWorks, want: []string{"GET", "POST"}, with: corsOn, of: func(c *config.Config) any { return c.CORSMethods }},
		{name: "CORS_ALLOWED_HEADERS", value: "X-A", class: settingWorks, want: []string{"X-A"}, with: corsOn, of: func(c *config.Config) any { return c.CORSAllowedHeaders }},
		{name: "CORS_EXPOSED_HEADERS", value: "X-B", class: settingWorks, want: []string{"X-B"}, with: corsOn, of: func(c *config.Config) any { return c.CORSExposedHeaders }},
		{name: "CORS_CREDENTIALS", value: "false", class: settingWorks, want: false, with: corsOn, of: func(c *config.Config) any { return c.CORSCredentials }},
		{name: "CORS_MAX_AGE", value: "600", class: settingWorks, want: 600, with: corsOn, of: func(c *config.Config) any { return c.CORSMaxAge }},
	}
)

// ignoredRows have no effect, which is said with what to do.
var ignoredRows = []settingRow{
	{name: "LOGIN_STALL_TIME", value: "500", class: settingWarned, want: "no local passwords"},
	{name: "REGISTER_STALL_TIME", value: "750", class: settingWarned, want: "no local passwords"},
	{name: "EMAIL_VERIFICATION_TOKEN_TTL", value: "7d", class: settingWarned, want: "no local passwords"},
	{name: "USER_INVITE_TOKEN_TTL", value: "7d", class: settingWarned, want: "doorward user invite"},
	{name: "PASSWORD_RESET_URL_ALLOW_LIST", value: "https://a.example", class: settingWarned, want: "no local passwords"},
	{name: "USER_INVITE_URL_ALLOW_LIST", value: "https://a.example", class: settingWarned, want: "doorward user invite"},
	{name: "USER_REGISTER_URL_ALLOW_LIST", value: "https://a.example", class: settingWarned, want: "no local passwords"},
	{name: "RATE_LIMITER_REGISTRATION_ENABLED", value: "true", class: settingWarned, want: "docs/limits.md"},
	{name: "RATE_LIMITER_REGISTRATION_POINTS", value: "5", class: settingWarned, want: "docs/limits.md"},
	{name: "RATE_LIMITER_REGISTRATION_DURATION", value: "60", class: settingWarned, want: "docs/limits.md"},
	{name: "CROSS_ORIGIN_OPENER_POLICY_ENABLED", value: "false", class: settingWarned, want: "always same-origin"},
	{name: "CROSS_ORIGIN_OPENER_POLICY", value: "unsafe-none", class: settingWarned, want: "always same-origin"},
	{name: "HASH_MEMORY_COST", value: "65536", class: settingWarned, want: "no local passwords"},
	{name: "CACHE_ENABLED", value: "true", class: settingWarned, want: "stay with Directus"},
	{name: "CACHE_ENABLED", value: "false", class: settingWorks, want: nil, of: nothing, noFile: true},
	{name: "CACHE_TTL", value: "30m", class: settingWarned, want: "stay with Directus"},
	{name: "QUERYSTRING_MAX_PARSE_DEPTH", value: "10", class: settingWarned, want: "stay with Directus"},
	{name: "QUERYSTRING_ARRAY_LIMIT", value: "500", class: settingWarned, want: "stay with Directus"},
	{name: "KEY", value: "x", class: settingWarned, want: "stay with Directus"},
	{name: "ADMIN_EMAIL", value: "a@example.org", class: settingWarned, want: "doorward key add"},
	{name: "ADMIN_PASSWORD", value: "x", class: settingWarned, want: "doorward key add"},
	{name: "ADMIN_TOKEN", value: "x", class: settingWarned, want: "doorward key add"},
	{name: "ROOT_REDIRECT", value: "./admin", class: settingWarned, want: "/login?redirect="},
	{name: "REDIS", value: "redis://cache", class: settingWarned, want: "DB_CLIENT=pg"},
	{name: "REDIS_HOST", value: "cache", class: settingWarned, want: "DB_CLIENT=pg"},
	{name: "EMAIL_FROM", value: "a@example.org", class: settingWarned, want: "sends no mail"},
	{name: "STORAGE_LOCATIONS", value: "local", class: settingWarned, want: "stay with Directus"},
	{name: "ASSETS_CACHE_TTL", value: "30d", class: settingWarned, want: "stay with Directus"},
	{name: "EXTENSIONS_PATH", value: "./extensions", class: settingWarned, want: "stay with Directus"},
	{name: "WEBSOCKETS_ENABLED", value: "true", class: settingWarned, want: "stay with Directus"},
	{name: "PM2_INSTANCES", value: "2", class: settingWarned, want: "stay with Directus"},
	{name: "LICENSE_KEY", value: "x", class: settingWarned, want: "stay with Directus"},
	{name: "TELEMETRY", value: "true", class: settingWarned, want: "stay with Directus"},
}

// providerRows are what providers of several drivers have.
func providerRows(redirects bool) []settingRow {
	rows := []settingRow{
		{name: "LABEL", value: "Corp, Inc.", class: settingWorks, want: "Corp, Inc.", of: func(c *config.Config) any { return c.Providers[0].Label }},
		{name: "ICON", value: "key", class: settingWorks, want: "key", of: func(c *config.Config) any { return c.Providers[0].Icon }},
		{name: "DEFAULT_ROLE_ID", value: "null", class: settingWorks, want: "", of: func(c *config.Config) any { return c.Providers[0].DefaultRole }},
		{name: "DEFAULT_ROLE_ID", value: "0d0fe2d9", class: settingWorks, want: "0d0fe2d9", of: func(c *config.Config) any { return c.Providers[0].DefaultRole }},
		{name: "ALLOW_PUBLIC_REGISTRATION", value: "yes", class: settingWorks, want: true, of: func(c *config.Config) any { return c.Providers[0].AllowPublicRegistration }},
		{name: "ALLOW_PUBLIC_REGISTRATION", value: "no", class: settingDiffers, want: false, of: func(c *config.Config) any { return c.Providers[0].AllowPublicRegistration }},
		{name: "SYNC_USER_INFO", value: "true", class: settingWorks, want: true, of: func(c *config.Config) any { return c.Providers[0].SyncUserInfo }},
		{name: "DRIVER", value: "local", class: settingRefused, want: "there are no local passwords"},
	}
	if !redirects {
		return rows
	}
	return append(rows,
		settingRow{name: "MODE", value: "Cookie", class: settingWorks, want: "cookie", of: func(c *config.Config) any { return c.Providers[0].Mode }},
		settingRow{name: "MODE", value: "token", class: settingRefused, want: "must be one of session, json, cookie"},
		settingRow{name: "REDIRECT_ALLOW_LIST", value: "https://a.example/x,https://b.example/", class: settingWorks, want: []string{"https://a.example/x", "https://b.example/"}, of: func(c *config.Config) any { return c.Providers[0].RedirectAllowList }},
		settingRow{name: "ROLE_MAPPING", value: `{"z":"1","a":"2"}`, class: settingWorks, want: []any{map[string]string{"Group": "z", "Role": "1"}, map[string]string{"Group": "a", "Role": "2"}}, of: func(c *config.Config) any { return c.Providers[0].RoleMapping }},
		settingRow{name: "COOKIE_SECURE", value: "true", class: settingWorks, want: "https", of: func(c *config.Config) any { return c.PublicURL.Scheme }},
		settingRow{name: "COOKIE_SECURE", value: "false", class: settingWarned, want: "has no effect"},
	)
}

// upstreamRows are what OpenID Connect and OAuth 2.0 have.
var upstreamRows = []settingRow{
	{name: "DRIVER", value: "local", class: settingRefused, want: "local is not supported"},
	{name: "IDENTIFIER_KEY", value: "uid", class: settingWorks, want: "uid"},
	{name: "GROUP_CLAIM_NAME", value: "roles", class: settingWorks, want: "roles"},
	{name: "SCOPE", value: "one two", class: settingWorks, want: "one two"},
	{name: "PARAMS", value: `{"prompt":"login","hd":"example.org"}`, class: settingWorks, want: map[string]string{"prompt": "login", "hd": "example.org"}},
	{name: "PLAIN_CODE_CHALLENGE", value: "true", class: settingWorks, want: true},
	{name: "CLIENT_ID", value: "123456789012345678", class: settingDiffers, want: "123456789012345678"},
	{name: "CLIENT_SECRET", value: "string:a,b", class: settingWorks, want: "a,b"},
	{name: "CLIENT_TOKEN_ENDPOINT_AUTH_METHOD", value: "client_secret_post", class: settingWorks, want: "client_secret_post"},
}

const privateJWKS = `[{"kty":"EC","crv":"P-256","kid":"1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}]`

func (b *directusBench) openidRows() []settingRow {
	return []settingRow{
		{name: "DRIVER", value: "OpenID", class: settingWorks, want: "openid", of: func(c *config.Config) any { return c.Providers[0].Driver }},
		{name: "PARAMS__CLAIMS", value: `string:{"id_token":{"email":null}}`, class: settingWorks, want: map[string]string{"claims": `{"id_token":{"email":null}}`}, option: "params"},
		{name: "PARAMS__RESPONSE_MODE", value: "form_post", class: settingDiffers, want: map[string]string{"response_mode": "form_post"}, option: "params"},
		{name: "CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG", value: "ES256", class: settingWorks, want: "ES256"},
		{name: "CLIENT_USERINFO_SIGNED_RESPONSE_ALG", value: "rs256", class: settingWorks, want: "RS256"},
		{name: "CLIENT_TOKEN_ENDPOINT_AUTH_SIGNING_ALG", value: "HS256", class: settingWorks, want: "HS256", with: []string{"CLIENT_TOKEN_ENDPOINT_AUTH_METHOD=client_secret_jwt", "CLIENT_SECRET=" + strings.Repeat("not a secret ", 3)}},
		{name: "CLIENT_RESPONSE_TYPES", value: "code", class: settingRefused, want: "no such option"},
		{name: "ISSUER_URL", value: "https://idp.example.org/.well-known/openid-configuration", class: settingWorks, want: "https://idp.example.org/.well-known/openid-configuration"},
		{name: "ISSUER_DISCOVERY_MUST_SUCCEED", value: "false", class: settingDiffers, want: false},
		{name: "CLIENT_PRIVATE_KEYS", value: "json:" + privateJWKS, class: settingWorks, want: privateJWKS, with: []string{"CLIENT_TOKEN_ENDPOINT_AUTH_METHOD=private_key_jwt"}},
		{name: "PRIVATE_KEYS", value: "json:" + privateJWKS, class: settingRefused, want: "did you mean client_private_keys"},
		{name: "REQUIRE_VERIFIED_EMAIL", value: "true", class: settingWorks, want: true, of: func(c *config.Config) any { return c.Providers[0].RequireVerifiedEmail }},
		{name: "LOGIN_TIMEOUT", value: "10m", class: settingWorks, want: int64(600e9), of: func(c *config.Config) any { return c.Providers[0].LoginTimeout }},
		{name: "CLIENT_HTTP_TIMEOUT", value: "5000", class: settingWorks, want: 5000},
		{name: "CLIENT_HTTP_CA", value: b.pem.ca, class: settingWorks, want: b.pem.ca},
		{name: "CLIENT_HTTP_CERT", value: b.pem.certificate, class: settingWorks, want: b.pem.certificate, with: []string{"CLIENT_HTTP_KEY=" + b.pem.key}},
		{name: "CLIENT_HTTP_KEY", value: b.pem.key, class: settingWorks, want: b.pem.key, with: []string{"CLIENT_HTTP_CERT=" + b.pem.certificate}},
		{name: "CLIENT_HTTP_HEADERS", value: `{"X-Tenant":"a"}`, class: settingWorks, want: map[string]string{"X-Tenant": "a"}},
		{name: "CLIENT_HTTP_AGENT", value: "x", class: settingRefused, want: "no such option"},
		{name: "CLIENT_HTTP_CRL", value: "x", class: settingRefused, want: "no such option"},
		{name: "CLIENT_HTTP_LOOKUP", value: "x", class: settingRefused, want: "no such option"},
		{name: "CLIENT_HTTP_PASSPHRASE", value: "x", class: settingRefused, want: "no such option"},
		{name: "CLIENT_HTTP_PFX", value: "x", class: settingRefused, want: "no such option"},
	}
}

var oauth2Rows = []settingRow{
	{name: "EMAIL_KEY", value: "mail", class: settingWorks, want: "mail"},
	{name: "AUTHORIZE_URL", value: "https://idp.example.org/a", class: settingWorks, want: "https://idp.example.org/a"},
	{name: "ACCESS_URL", value: "https://idp.example.org/t", class: settingWorks, want: "https://idp.example.org/t"},
	{name: "PROFILE_URL", value: "https://idp.example.org/p", class: settingWorks, want: "https://idp.example.org/p"},
	{name: "FIRST_NAME_KEY", value: "name.first", class: settingWorks, want: "name.first"},
	{name: "LAST_NAME_KEY", value: "name.last", class: settingWorks, want: "name.last"},
}

func (b *directusBench) ldapRows() []settingRow {
	return []settingRow{
		{name: "CLIENT_URL", value: "ldaps://a.example.org:636", class: settingWorks, want: []string{"ldaps://a.example.org:636"}},
		{name: "CLIENT__TIMEOUT", value: "5000", class: settingWorks, want: map[string]any{"timeout": "5000"}, option: "client"},
		{name: "CLIENT__TIMEOUT", value: "120000", class: settingRefused, want: "must be from 1ms to 1m, not 2m0s"},
		{name: "CLIENT__CONNECT_TIMEOUT", value: "2000", class: settingWorks, want: map[string]any{"connect_timeout": "2000"}, option: "client"},
		{name: "CLIENT__STRICT_DN", value: "true", class: settingWorks, want: map[string]any{"strict_dn": "true"}, option: "client"},
		{name: "CLIENT__SOCKET_PATH", value: "/run/ldapi", class: settingRefused, want: "client option"},
		{name: "CLIENT__TLS_OPTIONS__REJECT_UNAUTHORIZED", value: "true", class: settingWorks, want: map[string]any{"tls_options": map[string]any{"reject_unauthorized": "true"}}, option: "client"},
		{name: "CLIENT__TLS_OPTIONS__CA", value: b.pem.ca, class: settingWorks, want: map[string]any{"tls_options": map[string]any{"ca": b.pem.ca}}, option: "client"},
		{name: "CLIENT__TLS_OPTIONS__SERVERNAME", value: "ldap.example.org", class: settingWorks, want: map[string]any{"tls_options": map[string]any{"servername": "ldap.example.org"}}, option: "client"},
		{name: "CLIENT__TLS_OPTIONS__MIN_VERSION", value: "TLSv1.3", class: settingWorks, want: map[string]any{"tls_options": map[string]any{"min_version": "TLSv1.3"}}, option: "client"},
		{name: "CLIENT__TLS_OPTIONS__MIN_VERSION", value: "TLSv1", class: settingRefused, want: "must name version 1.2 or 1.3 of TLS"},
		{name: "BIND_DN", value: "cn=a,dc=example,dc=org", class: settingWorks, want: "cn=a,dc=example,dc=org"},
		{name: "BIND_PASSWORD", value: "a,b", class: settingWorks, want: "a,b"},
		{name: "USER_DN", value: "ou=a,dc=example,dc=org", class: settingWorks, want: "ou=a,dc=example,dc=org"},
		{name: "USER_ATTRIBUTE", value: "uid", class: settingWorks, want: []string{"uid"}},
		{name: "USER_SCOPE", value: "SUB", class: settingWorks, want: "sub"},
		{name: "MAIL_ATTRIBUTE", value: "email", class: settingWorks, want: "email"},
		{name: "FIRST_NAME_ATTRIBUTE", value: "gn", class: settingWorks, want: "gn"},
		{name: "LAST_NAME_ATTRIBUTE", value: "surname", class: settingWorks, want: "surname"},
		{name: "GROUP_DN", value: "ou=groups,dc=example,dc=org", class: settingWorks, want: "ou=groups,dc=example,dc=org"},
		{name: "GROUP_ATTRIBUTE", value: "memberUid", class: settingWorks, want: []string{"memberUid"}},
		{name: "GROUP_SCOPE", value: "sub", class: settingWorks, want: "sub"},
	}
}

func (b *directusBench) samlRows() []settingRow {
	const rsaSHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
	key := "SP_privateKey=" + b.pem.rsaKey
	return []settingRow{
		{name: "IDENTIFIER_KEY", value: "uid", class: settingWorks, want: "uid"},
		{name: "EMAIL_KEY", value: "mail", class: settingWorks, want: "mail"},
		{name: "GIVEN_NAME_KEY", value: "givenName", class: settingWorks, want: "givenName"},
		{name: "FAMILY_NAME_KEY", value: "sn", class: settingWorks, want: "sn"},
		{name: "IDP_metadata", value: b.pem.metadata, class: settingWorks, want: b.pem.metadata, option: "idp_metadata"},
		{name: "SP_metadata", value: `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://old.example"><SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://old.example/acs" index="0"/></SPSSODescriptor></EntityDescriptor>`, class: settingDiffers, want: `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://old.example"><SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://old.example/acs" index="0"/></SPSSODescriptor></EntityDescriptor>`, option: "sp_metadata"},
		{name: "SP_privateKey", value: b.pem.rsaKey, class: settingWorks, want: b.pem.rsaKey, option: "sp_private_key"},
		{name: "SP_privateKeyPass", value: "x", class: settingWorks, want: "x", option: "sp_private_key_pass", with: []string{key}},
		{name: "SP_encPrivateKey", value: b.pem.rsaKey, class: settingWorks, want: b.pem.rsaKey, option: "sp_enc_private_key"},
		{name: "SP_encPrivateKeyPass", value: "x", class: settingWorks, want: "x", option: "sp_enc_private_key_pass"},
		{name: "SP_authnRequestsSigned", value: "true", class: settingWorks, want: true, option: "sp_authn_requests_signed", with: []string{key}},
		{name: "SP_wantAssertionsSigned", value: "true", class: settingWorks, want: true, option: "sp_want_assertions_signed"},
		{name: "SP_wantMessageSigned", value: "true", class: settingWorks, want: true, option: "sp_want_message_signed"},
		{name: "SP_allowCreate", value: "false", class: settingWorks, want: false, option: "sp_allow_create"},
		{name: "SP_relayState", value: "x", class: settingDiffers, want: "x", option: "sp_relay_state"},
		{name: "SP_clockDrifts", value: "-5000,5000", class: settingWorks, want: []string{"-5000", "5000"}, option: "sp_clock_drifts"},
		{name: "SP_requestSignatureAlgorithm", value: rsaSHA512, class: settingWorks, want: rsaSHA512, option: "sp_request_signature_algorithm", with: []string{key}},
		{name: "SP_entityID", value: "https://sp.example", class: settingRefused, want: "did you mean entity_id?"},
		{name: "SP_nameIDFormat", value: "urn:x", class: settingRefused, want: "did you mean name_id_format?"},
		{name: "IDP_isAssertionEncrypted", value: "true", class: settingWorks, want: true, option: "idp_is_assertion_encrypted", with: []string{key}},
		{name: "IDP_messageSigningOrder", value: "Encrypt-then-sign", class: settingDiffers, want: "encrypt-then-sign", option: "idp_message_signing_order"},
		{name: "IDP_requestSignatureAlgorithm", value: rsaSHA512, class: settingWorks, want: rsaSHA512, option: "idp_request_signature_algorithm", with: []string{key}},
		{name: "IDP_entityID", value: "https://idp.example.org/metadata", class: settingWorks, want: "https://idp.example.org/metadata", option: "idp_entity_id"},
	}
}
