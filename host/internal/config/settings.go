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

// Settings are the host's own options, each named here and nowhere else: what it is
// called, its default and what it is for. In the environment the names stand in
// capitals. In a loaded [Config] the values are those in force: checked, with
// defaults, and paths that can be opened.
//
// A running host does not take over a change, and says so ([NeedRestart]), unless the
// tag says reload:"yes". The tag dangerous has the value by which somebody may get in, or
// get at what is not theirs; doc says how, and [Explain] tells it.
type Settings struct {
	Host              string         `option:"host" default:"127.0.0.1" doc:"address to listen on; 0.0.0.0 or :: for all"`
	Port              int            `option:"port" default:"8055" doc:"TCP port to listen on; 0 lets the system choose and needs PUBLIC_URL"`
	PublicURL         string         `option:"public_url" doc:"URL under which browsers reach the host: https, or http on loopback; a path is allowed. Default: http://localhost: and the port"`
	AllowedPublicURLs []string       `option:"auth_allowed_public_urls" doc:"further URLs under which browsers reach the host, by the rules of PUBLIC_URL and with commas between them: a login comes back to the one where it began. See directus.md"`
	Secret            options.Secret `option:"secret,required" doc:"at least 32 bytes that nobody else knows; make one with: openssl rand -base64 32"`
	SecretPrevious    options.Secret `option:"secret_previous" doc:"the old SECRET, for as long as something is sealed under it; see below"`

	DatabaseSettings

	PluginDir  string `option:"plugin_dir" doc:"folder of the plugins. Default: plugins beside the executable"`
	PluginLock string `option:"plugin_lock" doc:"file with the digests of the plugins that may run. Default: plugins.lock in the plugin folder"`

	ControlSocket  string `option:"control_socket" doc:"unix socket by which doorward reload, plugins and check reach the running host. Default: DB_FILENAME and .sock"`
	MetricsAddress string `option:"metrics_address" doc:"host:port on which /metrics and /health are served to whoever reaches it, such as 127.0.0.1:9464. Default: nowhere"`

	AdminAddress                string `option:"admin_address" doc:"host:port on which the administration is served to whoever has a key, such as 127.0.0.1:8057; never the port of PORT. See administration.md. Default: nowhere"`
	AdminInsecureBeyondLoopback bool   `option:"admin_insecure_beyond_loopback" dangerous:"true" doc:"ADMIN_ADDRESS may be reached from other machines. It speaks http: keys and what they are used for cross that network as plain text, unless a proxy with TLS stands before it"`

	Providers      []string `option:"auth_providers" reload:"yes" doc:"names of the providers, with commas between them"`
	DisableDefault bool     `option:"auth_disable_default" reload:"yes" default:"true" doc:"accepted and without effect: there are no local passwords"`

	AccountLinking bool `option:"account_linking" default:"false" dangerous:"true" doc:"people who are signed in may link another way to sign in to their account, and unlink it, at /account. Whoever may sign in by any provider can then keep access to an account that was left open. See account.md"`

	AccessTokenTTL            time.Duration `option:"access_token_ttl" default:"15m" doc:"lifetime of access tokens; 1s to 30d"`
	AccessTokenGroups         bool          `option:"access_token_groups" default:"false" doc:"put the groups of the session into access tokens (RFC 9068), as the claim groups. Where they are too many or not known, hasgroups is true instead, and GET /users/me tells them"`
	AccessTokenAlgorithm      string        `option:"access_token_algorithm" default:"EdDSA" oneof:"EdDSA|ES256|RS256" doc:"algorithm that signs access tokens, in any case; ES256 or RS256 for verifiers that know no EdDSA, such as HAProxy 2.6"`
	RefreshTokenTTL           time.Duration `option:"refresh_token_ttl" default:"7d" doc:"how long a refresh token is good for, and with it a session of the modes json and cookie that is not refreshed; 1s to 400d"`
	RefreshTokenAbsoluteTTL   time.Duration `option:"refresh_token_absolute_ttl" default:"90d" doc:"how long after the login such a session ends for good, however often it is refreshed; 1s to 400d. Default: not less than REFRESH_TOKEN_TTL"`
	SessionCookieTTL          time.Duration `option:"session_cookie_ttl" default:"1d" doc:"how long a session token is good for, and with it a session of mode session that is not refreshed; 1s to 400d"`
	SessionCookieAbsoluteTTL  time.Duration `option:"session_cookie_absolute_ttl" default:"30d" doc:"how long after the login such a session ends for good, however often it is refreshed; 1s to 400d. Default: not less than SESSION_COOKIE_TTL"`
	SessionRefreshGracePeriod time.Duration `option:"session_refresh_grace_period" default:"10s" doc:"how long after it was replaced a token, of any mode, still leads to the one that replaced it, and a session cookie is still accepted; after that a refresh with it ends the session; 0 to 5m"`

	RefreshCookieName     string `option:"refresh_token_cookie_name" default:"directus_refresh_token" doc:"name of the cookie with the refresh token. Over https and without a cookie domain, __Host-refresh_token is better: no other host below the domain can set that"`
	RefreshCookieDomain   string `option:"refresh_token_cookie_domain" doc:"domain of that cookie, for all hosts below it. Default: the host of PUBLIC_URL only"`
	RefreshCookieSecure   bool   `option:"refresh_token_cookie_secure" doc:"send that cookie over https only. Default, and always so: true if PUBLIC_URL is https"`
	RefreshCookieSameSite string `option:"refresh_token_cookie_same_site" default:"lax" oneof:"lax|strict|none" doc:"SameSite of that cookie; none needs https"`

	SessionCookieName     string `option:"session_cookie_name" default:"directus_session_token" doc:"name of the cookie with the session token. Over https and without a cookie domain, __Host-session_token is better: no other host below the domain can set that"`
	SessionCookieDomain   string `option:"session_cookie_domain" doc:"domain of that cookie, for all hosts below it. Default: the host of PUBLIC_URL only"`
	SessionCookieSecure   bool   `option:"session_cookie_secure" doc:"send that cookie over https only. Default, and always so: true if PUBLIC_URL is https"`
	SessionCookieSameSite string `option:"session_cookie_same_site" default:"lax" oneof:"lax|strict|none" doc:"SameSite of that cookie; none needs https"`

	IPTrustProxy []string `option:"ip_trust_proxy" default:"false" doc:"proxies that may say who the client is: IP addresses, CIDR blocks, loopback, linklocal, uniquelocal; or false"`

	CORSSettings

	LimitSettings

	AuditRetention time.Duration `option:"audit_retention" default:"400d" doc:"how long the audit keeps what was changed, and with it addresses of clients; 1d to 3650d. See audit.md"`

	HTTPSProxy           options.Secret `option:"https_proxy" reload:"yes" doc:"proxy for requests to providers, http://user:password@proxy:3128 or https://, socks5://, socks5h://; also in lower case, which comes first. See proxies.md"`
	HTTPProxy            options.Secret `option:"http_proxy" reload:"yes" doc:"accepted and without effect: requests to providers are https, for which HTTPS_PROXY is"`
	NoProxy              string         `option:"no_proxy" reload:"yes" doc:"exceptions to HTTPS_PROXY, with commas between them: names with all below them, addresses, CIDR blocks, each with a port or without; * for all"`
	GlobalAgentHTTPS     options.Secret `option:"global_agent_https_proxy" reload:"yes" doc:"proxy for requests to providers, by the rules of Directus; HTTPS_PROXY and NO_PROXY are without effect then"`
	GlobalAgentHTTP      options.Secret `option:"global_agent_http_proxy" reload:"yes" doc:"the same, if GLOBAL_AGENT_HTTPS_PROXY is not set"`
	GlobalAgentNoProxy   string         `option:"global_agent_no_proxy" reload:"yes" doc:"exceptions to these two, as Directus reads them: globs for whole names, each with a port or without"`
	GlobalAgentNamespace string         `option:"global_agent_environment_variable_namespace" default:"GLOBAL_AGENT_" reload:"yes" doc:"what the names of the three variables before begin with; set to nothing: HTTPS_PROXY, HTTP_PROXY and NO_PROXY are read by the rules of Directus"`

	OutboundDeny  []string `option:"outbound_deny" reload:"yes" default:"metadata,link-local,unspecified,multicast" doc:"addresses to which providers' connections are never made, checked after names are resolved: these words, loopback, private, CIDR blocks; none for none"`
	OutboundAllow []string `option:"outbound_allow" reload:"yes" doc:"exceptions to OUTBOUND_DENY: CIDR blocks, addresses and whole names of hosts"`

	TrustSettings

	ForwardAuthSettings

	ShutdownDelay time.Duration `option:"shutdown_delay" default:"5s" doc:"how long the host goes on after SIGTERM while /server/health answers 503, so that load balancers notice; 0 to 5m"`

	LogLevel string `option:"log_level" default:"info" oneof:"trace|debug|info|warn|error" doc:"least level that is logged"`
	LogStyle string `option:"log_style" default:"pretty" oneof:"pretty|json|raw" doc:"lines for people or JSON; raw is JSON, too"`
}

// A listing is AUTH_PROVIDERS, by the name that the operator gave it.
type listing struct {
	names  []string
	origin string
}

// loadSettings fills the config and returns which providers it lists.
func (l *loader) loadSettings(config *Config, executable string) listing {
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
	config.CORS = g.cors(s, config.PublicURL)
	config.TrustedProxies = g.proxies("ip_trust_proxy", s.IPTrustProxy)
	config.ForwardAuthProxies = g.forwardAuth(config)
	l.outbound = g.outbound(*s)
	config.settle()
	l.read.settings = g.given
	if g.isGiven("auth_disable_default") && g.ok("auth_disable_default") && !s.DisableDefault {
		l.warnOnce("%s has no effect: there are no local passwords to sign in with", g.spell("auth_disable_default"))
	}
	return listing{s.Providers, g.spell("auth_providers")}
}

// givenSettings finds what is given for each setting, in the environment first.
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
	// The settings are lists, but false is how not to have one, and true is any origin.
	for _, name := range []string{"ip_trust_proxy", "forward_auth_trust_proxy", "cors_origin"} {
		if found := values[name]; found.value == true || found.value == false {
			found.value = strconv.FormatBool(found.value == true)
			values[name] = found
		}
	}
	return values
}

// givenSetting finds what is given for one setting.
func (l *loader) givenSetting(option options.Option) (given, bool) {
	if found, ok := l.setting(strings.ToUpper(option.Name)); ok {
		return found, true
	}
	if entry, ok := l.document.setting(option.Name); ok {
		return l.givenBy(entry, entry.key, option.Type), true
	}
	return given{}, false
}

func (g *group) checkLifetimes(s *Settings) {
	const most = 400 * 24 * time.Hour // browsers keep no cookie for longer
	g.warnOfShort(time.Minute, map[string]time.Duration{
		"access_token_ttl": s.AccessTokenTTL, "refresh_token_ttl": s.RefreshTokenTTL, "refresh_token_absolute_ttl": s.RefreshTokenAbsoluteTTL,
		"session_cookie_ttl": s.SessionCookieTTL, "session_cookie_absolute_ttl": s.SessionCookieAbsoluteTTL,
	})
	g.warnOfShort(time.Second, map[string]time.Duration{"session_refresh_grace_period": s.SessionRefreshGracePeriod})
	// Signing keys are kept for as long as a token that they signed may live.
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
			g.loader.warnOnce("%s is longer than %s, which ends each session before it", g.spell(session.idle), g.spell(session.absolute))
		}
	}
	// While it lasts, a stolen token that was replaced still works.
	g.within("session_refresh_grace_period", s.SessionRefreshGracePeriod, 0, 5*time.Minute, "from 0 to 5m")
}

// warnOfShort warns of durations without a unit that are so short that seconds are
// meant: Directus has its milliseconds, and takes some of them for seconds at times.
func (g *group) warnOfShort(least time.Duration, given map[string]time.Duration) {
	for _, option := range slices.Sorted(maps.Keys(given)) {
		number, plain := g.plainNumber(option)
		if d := given[option]; g.ok(option) && plain && 0 < d && d < least {
			g.loader.warnOnce("%s is %v, since a plain number is milliseconds; write %ss if seconds are meant", g.spell(option), d, number)
		}
	}
}

func (g *group) shutdownDelay(delay time.Duration) {
	const option = "shutdown_delay"
	g.within(option, delay, 0, 5*time.Minute, "from 0 to 5m")
	if 0 < delay && delay < time.Second {
		g.loader.warnOnce("%s is %v, which no load balancer notices; a plain number is milliseconds, write 5s for seconds", g.spell(option), delay)
	}
}

// published are the values of SECRET in the manual of Directus. Many environments have
// them as they stand there.
var published = []string{"replace-with-secure-random-value", "6116487b-cda1-52c2-b5b5-c8022c45e263"}

func (g *group) checkSecret(option string, secret options.Secret) {
	const least, leastDistinct = 32, 8
	if !g.ok(option) {
		return
	}
	if len(secret) < least {
		g.refuse(option, "must be at least %d random bytes; make one with: openssl rand -base64 32", least)
		return
	}
	if slices.Contains(published, secret.Reveal()) {
		g.loader.warnOfDanger("%s is the example in the manual of Directus, which everybody knows, and whoever knows it signs in as anybody; make one with: openssl rand -base64 32", g.spell(option))
	}
	distinct := map[byte]bool{}
	for _, b := range []byte(secret.Reveal()) {
		distinct[b] = true
	}
	if len(distinct) < leastDistinct {
		g.loader.warnOfDanger("%s is easy to guess, and whoever guesses it signs in as anybody; make one with: openssl rand -base64 32", g.spell(option))
	}
}

// secretPrevious is empty if there is none, or none that differs from SECRET.
func (g *group) secretPrevious(s Settings) options.Secret {
	switch {
	case s.SecretPrevious == "":
		return ""
	case s.SecretPrevious == s.Secret:
		g.loader.warnOnce("%s is the same as %s, and has no effect; it is for the SECRET of before", g.spell("secret_previous"), g.spell("secret"))
		return ""
	}
	g.checkSecret("secret_previous", s.SecretPrevious)
	return s.SecretPrevious
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (g *group) pluginDir(s Settings, executable string) string {
	if s.PluginDir != "" {
		return g.path("plugin_dir", s.PluginDir)
	}
	if executable == "" {
		return under(g.loader.dir, "plugins")
	}
	return filepath.Join(filepath.Dir(executable), "plugins")
}

func (g *group) pluginLock(s Settings, dir string) string {
	if s.PluginLock != "" {
		return g.path("plugin_lock", s.PluginLock)
	}
	return filepath.Join(dir, "plugins.lock")
}

// maxSocketPath is how long the path of a unix socket may be everywhere, in bytes.
const maxSocketPath = 103

func (g *group) controlSocket(s Settings, database string) string {
	path := database + ".sock"
	if s.ControlSocket != "" {
		path = under(g.base("control_socket"), s.ControlSocket)
	}
	if len(path) > maxSocketPath && g.ok("db_filename") {
		g.refuse("control_socket", "must be a path of at most %d bytes, and %s is longer; write a shorter one, such as /run/doorward/control.sock",
			maxSocketPath, path)
	}
	return path
}
