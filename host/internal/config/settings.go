package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk/options"
)

// Settings are the host's own options. This is the only place with the name, default and
// description of each. In the environment the names are in capitals. In a loaded [Config]
// the values are those in force: checked, with defaults, and with paths that can be
// opened.
//
// A reload applies only settings with the tag reload:"yes"; for others the host reports
// that it must be restarted ([NeedRestart]). The tag dangerous is the value with which
// somebody may get access that they should not have; doc says how, and [Explain] reports
// it.
type Settings struct {
	Host              string         `option:"host" default:"127.0.0.1" doc:"The address to listen on. 0.0.0.0 or :: listens on all addresses."`
	Port              int            `option:"port" default:"8055" doc:"The TCP port to listen on. With 0 the system chooses one, and PUBLIC_URL is required."`
	PublicURL         string         `option:"public_url" doc:"The URL under which browsers reach Doorward: https, or http on loopback. It can have a path. Default: http://localhost: and the port."`
	AllowedPublicURLs []string       `option:"auth_allowed_public_urls" doc:"Further URLs under which browsers reach Doorward, separated by commas. The rules of PUBLIC_URL apply. A login returns to the URL where it began. See directus.md."`
	Secret            options.Secret `option:"secret,required" doc:"At least 32 bytes that nobody else knows. Make one with: openssl rand -base64 32"`
	SecretPrevious    options.Secret `option:"secret_previous" doc:"The old SECRET, for as long as anything is still sealed under it. See below."`

	DatabaseSettings

	PluginDir  string `option:"plugin_dir" doc:"The folder of the plugins. Default: plugins next to the executable."`
	PluginLock string `option:"plugin_lock" doc:"The file with the digests of the plugins that may run. Default: plugins.lock in the plugin folder."`

	ControlSocket  string `option:"control_socket" doc:"The Unix socket over which doorward reload, plugins and check reach the running host. Default: DB_FILENAME followed by .sock."`
	MetricsAddress string `option:"metrics_address" doc:"The host:port on which /metrics and /health are served without authentication, such as 127.0.0.1:9464. Default: off."`

	AdminAddress                string `option:"admin_address" doc:"The host:port on which the administration is served to clients that have a key, such as 127.0.0.1:8057. The port must differ from PORT. See administration.md. Default: off."`
	AdminInsecureBeyondLoopback bool   `option:"admin_insecure_beyond_loopback" dangerous:"true" doc:"Allow an ADMIN_ADDRESS that other machines can reach. It uses http: keys and administration data cross that network as plain text, unless a proxy with TLS is in front of it."`

	Providers      []string `option:"auth_providers" reload:"yes" doc:"The names of the providers, separated by commas."`
	DisableDefault bool     `option:"auth_disable_default" reload:"yes" default:"true" doc:"Accepted for compatibility, without effect: there are no local passwords."`

	AccountLinking bool `option:"account_linking" default:"false" dangerous:"true" doc:"Signed-in users can link other ways to sign in to their account, and unlink them, at /account. Anyone who can sign in through any provider can then keep access to an account that was left open. See account.md."`

	AccessTokenTTL            time.Duration `option:"access_token_ttl" default:"15m" doc:"The lifetime of access tokens, 1s to 30d."`
	AccessTokenGroups         bool          `option:"access_token_groups" default:"false" doc:"Put the groups of the session into access tokens, as the claim groups (RFC 9068). If there are too many, or they are not known, hasgroups is true instead, and GET /users/me returns them."`
	AccessTokenAlgorithm      string        `option:"access_token_algorithm" default:"EdDSA" oneof:"EdDSA|ES256|RS256" doc:"The algorithm that signs access tokens, in any case. Use ES256 or RS256 for verifiers that do not support EdDSA, such as HAProxy 2.6."`
	RefreshTokenTTL           time.Duration `option:"refresh_token_ttl" default:"7d" doc:"How long a refresh token is valid, and with it a session of mode json or cookie that is not refreshed. 1s to 400d."`
	RefreshTokenAbsoluteTTL   time.Duration `option:"refresh_token_absolute_ttl" default:"90d" doc:"How long after the login a session of mode json or cookie ends permanently, however often it is refreshed. 1s to 400d. The default is never less than REFRESH_TOKEN_TTL."`
	SessionCookieTTL          time.Duration `option:"session_cookie_ttl" default:"1d" doc:"How long a session token is valid, and with it a session of mode session that is not refreshed. 1s to 400d."`
	SessionCookieAbsoluteTTL  time.Duration `option:"session_cookie_absolute_ttl" default:"30d" doc:"How long after the login a session of mode session ends permanently, however often it is refreshed. 1s to 400d. The default is never less than SESSION_COOKIE_TTL."`
	SessionRefreshGracePeriod time.Duration `option:"session_refresh_grace_period" default:"10s" doc:"How long a token of any mode that was replaced still leads to its replacement, and a session cookie is still accepted. After that, a refresh with it ends the session. 0 to 5m."`

	RefreshCookieName     string `option:"refresh_token_cookie_name" default:"directus_refresh_token" doc:"The name of the cookie with the refresh token. With https and without a cookie domain, __Host-refresh_token is safer: no other host of the domain can set that cookie."`
	RefreshCookieDomain   string `option:"refresh_token_cookie_domain" doc:"The domain of the refresh cookie, for all hosts below it. Default: only the host of PUBLIC_URL."`
	RefreshCookieSecure   bool   `option:"refresh_token_cookie_secure" doc:"Send the refresh cookie over https only. Always true when PUBLIC_URL uses https; otherwise false by default."`
	RefreshCookieSameSite string `option:"refresh_token_cookie_same_site" default:"lax" oneof:"lax|strict|none" doc:"SameSite of the refresh cookie. none requires https."`

	SessionCookieName     string `option:"session_cookie_name" default:"directus_session_token" doc:"The name of the cookie with the session token. With https and without a cookie domain, __Host-session_token is safer: no other host of the domain can set that cookie."`
	SessionCookieDomain   string `option:"session_cookie_domain" doc:"The domain of the session cookie, for all hosts below it. Default: only the host of PUBLIC_URL."`
	SessionCookieSecure   bool   `option:"session_cookie_secure" doc:"Send the session cookie over https only. Always true when PUBLIC_URL uses https; otherwise false by default."`
	SessionCookieSameSite string `option:"session_cookie_same_site" default:"lax" oneof:"lax|strict|none" doc:"SameSite of the session cookie. none requires https."`

	IPTrustProxy []string `option:"ip_trust_proxy" default:"false" doc:"Proxies whose statement about the client's address is trusted: IP addresses, CIDR blocks, loopback, linklocal, uniquelocal; or false."`

	CORSSettings

	LimitSettings

	AuditRetention time.Duration `option:"audit_retention" default:"400d" doc:"How long the audit log keeps changes, including client addresses. 1d to 3650d. See audit.md."`

	HTTPSProxy           options.Secret `option:"https_proxy" reload:"yes" doc:"The proxy for requests to providers: http://user:password@proxy:3128, https://, socks5:// or socks5h://. The variable in lower case takes precedence. See proxies.md."`
	HTTPProxy            options.Secret `option:"http_proxy" reload:"yes" doc:"Accepted for compatibility, without effect: requests to providers use https, and HTTPS_PROXY applies to these."`
	NoProxy              string         `option:"no_proxy" reload:"yes" doc:"Exceptions to HTTPS_PROXY, separated by commas: names, which include all names below them, addresses and CIDR blocks, each with or without a port. * stands for everything."`
	GlobalAgentHTTPS     options.Secret `option:"global_agent_https_proxy" reload:"yes" doc:"The proxy for requests to providers, by the rules of Directus. HTTPS_PROXY and NO_PROXY then have no effect."`
	GlobalAgentHTTP      options.Secret `option:"global_agent_http_proxy" reload:"yes" doc:"The same, if GLOBAL_AGENT_HTTPS_PROXY is not set."`
	GlobalAgentNoProxy   string         `option:"global_agent_no_proxy" reload:"yes" doc:"Exceptions to these two, as Directus reads them: globs that match whole names, each with or without a port."`
	GlobalAgentNamespace string         `option:"global_agent_environment_variable_namespace" default:"GLOBAL_AGENT_" reload:"yes" doc:"The prefix of the names of the three variables above. If it is set to an empty value, HTTPS_PROXY, HTTP_PROXY and NO_PROXY are read by the rules of Directus."`

	OutboundDeny  []string `option:"outbound_deny" reload:"yes" default:"metadata,link-local,unspecified,multicast" doc:"Addresses to which connections of providers are never made, checked after names are resolved: these words, loopback, private, CIDR blocks; or none."`
	OutboundAllow []string `option:"outbound_allow" reload:"yes" doc:"Exceptions to OUTBOUND_DENY: CIDR blocks, addresses and complete host names."`

	TrustSettings

	ForwardAuthSettings

	ShutdownDelay time.Duration `option:"shutdown_delay" default:"5s" doc:"How long the host continues after SIGTERM while /server/health answers 503, so that load balancers notice. 0 to 5m."`

	LogLevel string `option:"log_level" default:"info" oneof:"trace|debug|info|warn|error" doc:"The lowest level that is logged."`
	LogStyle string `option:"log_style" default:"pretty" oneof:"pretty|json|raw" doc:"pretty for people, json for programs. raw is the same as json."`
}

// A providerList is the list of AUTH_PROVIDERS, and the name under which the operator gave it.
type providerList struct {
	names  []string
	origin string
}

// loadSettings fills the config and returns which providers it lists.
func (l *loader) loadSettings(config *Config, executable string) providerList {
	g := newSettings(l, l.givenSettings())
	g.checkPEM(trustPEM)
	g.checkPEM(databasePEM)
	config.Settings = decode[Settings](g)
	s := &config.Settings
	s.GlobalAgentNamespace, _ = l.namespace(g.given)
	s.LogStyle = strings.ReplaceAll(s.LogStyle, "raw", "json")
	g.checkListen(*s)
	g.checkSecret("secret", s.Secret)
	s.SecretPrevious = g.secretPrevious(*s)
	g.checkLifetimes(s)
	g.shutdownDelay(s.ShutdownDelay)
	config.Database = g.database(&s.DatabaseSettings)
	s.PluginDir = g.pluginDir(*s, executable)
	s.PluginLock = g.pluginLock(*s, s.PluginDir)
	s.ControlSocket = g.controlSocket(*s, s.DBFilename)
	g.checkAddress("metrics_address", s.MetricsAddress, "127.0.0.1:9464")
	g.adminAddress(*s)
	g.checkLimits(&s.LimitSettings)
	g.within("audit_retention", s.AuditRetention, 24*time.Hour, 3650*24*time.Hour, "from 1d to 3650d")
	if config.PublicURL = g.publicURL(*s); config.PublicURL != nil {
		l.public = config.PublicURL.Scheme
	}
	config.AllowedPublicURLs = g.allowedPublicURLs(*s, config.PublicURL)
	config.RefreshCookie, config.SessionCookie = g.cookies(*s, config.PublicURL)
	g.warnOfLinking(*s)
	g.warnOfPrefixes(config)
	config.CORS = g.cors(s, config.PublicURL, config.AllowedPublicURLs)
	config.TrustedProxies = g.proxies("ip_trust_proxy", s.IPTrustProxy)
	config.ForwardAuthProxies = g.forwardAuth(config)
	l.outbound = g.outbound(*s)
	config.normalize()
	l.read.settings = g.given
	if g.isGiven("auth_disable_default") && g.ok("auth_disable_default") && !s.DisableDefault {
		l.warnOfNoEffect("%s has no effect: there are no local passwords to sign in with", g.spell("auth_disable_default"))
	}
	return providerList{s.Providers, g.spell("auth_providers")}
}

// givenSettings finds the value of each setting; the environment comes first.
func (l *loader) givenSettings() map[string]given {
	values := map[string]given{}
	for _, option := range settingsSchema.Options {
		if found, ok := l.givenSetting(option); ok {
			values[option.Name] = found
		}
	}
	l.findProxies(values)
	l.readSameSites(values)
	l.readLogLevel(values)
	// These settings are lists, but false means none, and true means any origin.
	for _, name := range []string{"ip_trust_proxy", "forward_auth_trust_proxy", "cors_origin"} {
		if found := values[name]; found.value == true || found.value == false {
			found.value = strconv.FormatBool(found.value == true)
			values[name] = found
		}
	}
	return values
}

// givenSetting finds the value of one setting.
func (l *loader) givenSetting(option options.Option) (given, bool) {
	if found, ok := l.setting(strings.ToUpper(option.Name)); ok {
		return found, true
	}
	if entry, ok := l.document.setting(option.Name); ok {
		return l.givenBy(entry, entry.key, option.Type), true
	}
	return given{}, false
}

func (g *optionGroup) checkLifetimes(s *Settings) {
	const most = 400 * 24 * time.Hour // browsers keep no cookie for longer
	g.warnOfShort(time.Minute, map[string]time.Duration{
		"access_token_ttl": s.AccessTokenTTL, "refresh_token_ttl": s.RefreshTokenTTL, "refresh_token_absolute_ttl": s.RefreshTokenAbsoluteTTL,
		"session_cookie_ttl": s.SessionCookieTTL, "session_cookie_absolute_ttl": s.SessionCookieAbsoluteTTL,
	})
	g.warnOfShort(time.Second, map[string]time.Duration{"session_refresh_grace_period": s.SessionRefreshGracePeriod})
	// Signing keys are kept for the lifetime of the tokens that they signed.
	g.within("access_token_ttl", s.AccessTokenTTL, time.Second, 30*24*time.Hour, "from 1s to 30d")
	for _, session := range []struct {
		idle, absolute  string
		lasts           time.Duration
		lastsAbsolutely *time.Duration
	}{
		{"refresh_token_ttl", "refresh_token_absolute_ttl", s.RefreshTokenTTL, &s.RefreshTokenAbsoluteTTL},
		{"session_cookie_ttl", "session_cookie_absolute_ttl", s.SessionCookieTTL, &s.SessionCookieAbsoluteTTL},
	} {
		g.within(session.idle, session.lasts, time.Second, most, "from 1s to 400d")
		g.within(session.absolute, *session.lastsAbsolutely, time.Second, most, "from 1s to 400d")
		switch {
		case !g.isGiven(session.absolute):
			*session.lastsAbsolutely = max(*session.lastsAbsolutely, session.lasts)
		case g.isGiven(session.idle) && session.lasts > *session.lastsAbsolutely:
			g.loader.warnOfDoubt("%s is longer than %s, which ends each session earlier", g.spell(session.idle), g.spell(session.absolute))
		}
	}
	// During this period, a stolen token that was replaced still works.
	g.within("session_refresh_grace_period", s.SessionRefreshGracePeriod, 0, 5*time.Minute, "from 0 to 5m")
}

// warnOfShort warns of durations without a unit that are so short that seconds were
// probably meant: Directus uses milliseconds, but sometimes seconds.
func (g *optionGroup) warnOfShort(least time.Duration, given map[string]time.Duration) {
	for _, option := range slices.Sorted(maps.Keys(given)) {
		number, plain := g.plainNumber(option)
		if d := given[option]; g.ok(option) && plain && 0 < d && d < least {
			g.loader.warnOfDoubt("%s is %v, because a plain number is in milliseconds; write %ss if you mean seconds", g.spell(option), d, number)
		}
	}
}

func (g *optionGroup) shutdownDelay(delay time.Duration) {
	const option = "shutdown_delay"
	g.within(option, delay, 0, 5*time.Minute, "from 0 to 5m")
	if 0 < delay && delay < time.Second {
		g.loader.warnOfDoubt("%s is %v, which is too short for a load balancer to notice; a plain number is in milliseconds, write 5s for seconds", g.spell(option), delay)
	}
}

// publishedSecrets are the values of SECRET in the manual of Directus, which many environments
// copy.
var publishedSecrets = []string{"replace-with-secure-random-value", "6116487b-cda1-52c2-b5b5-c8022c45e263"}

func (g *optionGroup) checkSecret(option string, secret options.Secret) {
	const least, leastDistinct = 32, 8
	if !g.ok(option) {
		return
	}
	if len(secret) < least {
		g.refuse(option, "must be at least %d random bytes; make one with: openssl rand -base64 32", least)
		return
	}
	if slices.Contains(publishedSecrets, secret.Reveal()) {
		g.loader.warnOfDanger("%s is the example from the manual of Directus: everybody knows it, and anyone who does can sign in as anybody; make one with: openssl rand -base64 32", g.spell(option))
	}
	distinct := map[byte]bool{}
	for _, b := range []byte(secret.Reveal()) {
		distinct[b] = true
	}
	if len(distinct) < leastDistinct {
		g.loader.warnOfDanger("%s is easy to guess, and anyone who guesses it can sign in as anybody; make one with: openssl rand -base64 32", g.spell(option))
	}
}

// secretPrevious is empty if none is given, or if it is the same as SECRET.
func (g *optionGroup) secretPrevious(s Settings) options.Secret {
	switch {
	case s.SecretPrevious == "":
		return ""
	case s.SecretPrevious == s.Secret:
		g.loader.warnOfNoEffect("%s is the same as %s and has no effect; it is for the previous SECRET", g.spell("secret_previous"), g.spell("secret"))
		return ""
	}
	g.checkSecret("secret_previous", s.SecretPrevious)
	return s.SecretPrevious
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (g *optionGroup) pluginDir(s Settings, executable string) string {
	if s.PluginDir != "" {
		return g.path("plugin_dir", s.PluginDir)
	}
	if executable == "" {
		return under(g.loader.dir, "plugins")
	}
	return filepath.Join(filepath.Dir(executable), "plugins")
}

func (g *optionGroup) pluginLock(s Settings, dir string) string {
	if s.PluginLock != "" {
		return g.path("plugin_lock", s.PluginLock)
	}
	return filepath.Join(dir, "plugins.lock")
}

// maxSocketPath is the maximum length of the path of a Unix socket on all systems, in
// bytes.
const maxSocketPath = 103

func (g *optionGroup) controlSocket(s Settings, database string) string {
	path := database + ".sock"
	if s.ControlSocket != "" {
		path = under(g.base("control_socket"), s.ControlSocket)
	}
	if len(path) > maxSocketPath && g.ok("db_filename") {
		g.refuse("control_socket", "must be a path of at most %d bytes, but %s is longer; write a shorter one, such as /run/doorward/control.sock",
			maxSocketPath, path)
	}
	return path
}
