package config

import (
	"net/http"
	"net/netip"
	"net/url"

	"github.com/doorward/doorward/sdk/outbound"
)

// Config is what the host is set to do, checked: its settings, and what is made of
// some of them. The tag of says of which, or "-" for what no setting says.
type Config struct {
	Settings

	// PublicURL is https, or http on loopback. Its host is in lower case, a
	// default port and a slash at the end are left out, and there is no user,
	// query or fragment.
	PublicURL *url.URL `of:"public_url"`

	// AllowedPublicURLs are as PublicURL is, and each has a host and port of its own.
	AllowedPublicURLs []*url.URL `of:"auth_allowed_public_urls"`

	// Database is checked, but for what only its server knows.
	Database Database `of:"db_client,db_filename,db_connection_string,db_host,db_port,db_user,db_password,db_database,db_ssl,db_ssl__ca,db_ssl__cert,db_ssl__key,db_ssl__reject_unauthorized,db_pool__min,db_pool__max"`

	RefreshCookie Cookie `of:"refresh_token_cookie_name,refresh_token_cookie_domain,refresh_token_cookie_secure,refresh_token_cookie_same_site"`
	SessionCookie Cookie `of:"session_cookie_name,session_cookie_domain,session_cookie_secure,session_cookie_same_site"`

	// CORS is what pages of other origins may do.
	CORS CORS `of:"cors_enabled,cors_origin,cors_methods,cors_allowed_headers,cors_exposed_headers,cors_credentials,cors_max_age"`

	// TrustedProxies may say who the client is. Empty: nobody may.
	TrustedProxies []netip.Prefix `of:"ip_trust_proxy"`

	// ForwardAuthProxies may ask about requests to applications. Empty: nobody may.
	ForwardAuthProxies []netip.Prefix `of:"forward_auth_trust_proxy,ip_trust_proxy"`

	// Apps are those of the environment, then those of the YAML file.
	Apps []App `of:"forward_auth_apps"`

	// Providers are in the order of AUTH_PROVIDERS, then those that only the
	// YAML file has, in its order.
	Providers []Provider `of:"auth_providers"`

	// Files are the paths of all that was read, or would have been had it been
	// there: if one changes, the configuration may.
	Files []string `of:"-"`

	// Sources are the paths of the files that say which providers there are: .env
	// and that of CONFIG_PATH, if they are there.
	Sources []string `of:"-"`

	// Warnings are for the log: what works, but probably not as it is meant.
	Warnings []string `of:"-"`

	loader     *loader           // with all that it read, but files of values, which Renewed reads anew
	trustFiles []string          // that hold settings of trust
	outbound   outbound.Settings // of all providers
}

// Cookie is how a cookie is set.
type Cookie struct {
	Name     string
	Domain   string // empty: this host only
	Secure   bool
	SameSite http.SameSite
}

// Input is where the configuration comes from.
type Input struct {
	Environ    []string // as of os.Environ
	Dir        string   // folder of .env, and base of relative paths outside the YAML file; empty: the working directory
	File       string   // read besides .env, by its extension; empty: that of CONFIG_PATH, or none
	Executable string   // path of the host's binary: plugins are beside it by default
}

// Load reads and checks the configuration. The error is an [*Error] that lists all
// that is wrong, or says why a source cannot be read.
func Load(in Input) (*Config, error) {
	l, err := newLoader(in)
	if err != nil {
		return nil, err
	}
	config := l.load(in.Executable)
	if len(l.problems) > 0 {
		return nil, &Error{Problems: l.problems, Notes: l.notes}
	}
	config.Files, config.Sources, config.Warnings = l.files, l.sources, textsOf(l.warnings)
	config.loader, config.outbound = l, l.outbound
	again := l.again()
	again.trust(l.outbound)
	config.trustFiles = again.files
	return config, nil
}

// load goes on behind what is wrong, so that everything is told.
func (l *loader) load(executable string) *Config {
	config := &Config{}
	listed := l.loadSettings(config, executable)
	config.Providers = l.loadProviders(listed)
	l.loadApps(config)
	l.warnOfSlips()
	l.warnOfIgnored()
	return config
}
