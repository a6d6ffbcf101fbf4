package config

import (
	"net/http"
	"net/netip"
	"net/url"

	"github.com/doorward/doorward/sdk/outbound"
)

// Config is the checked configuration of the host: its settings, and values derived from
// them. The tag of names the settings that a value depends on, or is "-" for none.
type Config struct {
	Settings

	// PublicURL is https, or http on loopback. Its host is in lower case. It has no
	// default port, trailing slash, user, query or fragment.
	PublicURL *url.URL `of:"public_url"`

	// AllowedPublicURLs follow the rules of PublicURL. Each has a different host and port.
	AllowedPublicURLs []*url.URL `of:"auth_allowed_public_urls"`

	// Database is checked as far as possible without its server.
	Database Database `of:"db_client,db_filename,db_connection_string,db_host,db_port,db_user,db_password,db_database,db_ssl,db_ssl__ca,db_ssl__cert,db_ssl__key,db_ssl__reject_unauthorized,db_pool__min,db_pool__max"`

	RefreshCookie Cookie `of:"refresh_token_cookie_name,refresh_token_cookie_domain,refresh_token_cookie_secure,refresh_token_cookie_same_site"`
	SessionCookie Cookie `of:"session_cookie_name,session_cookie_domain,session_cookie_secure,session_cookie_same_site"`

	// CORS is what pages of other origins are allowed to do.
	CORS CORS `of:"cors_enabled,cors_origin,cors_methods,cors_allowed_headers,cors_exposed_headers,cors_credentials,cors_max_age"`

	// TrustedProxies are trusted to name the client. Empty: none are.
	TrustedProxies []netip.Prefix `of:"ip_trust_proxy"`

	// ForwardAuthProxies are allowed to ask about requests to applications. Empty: none
	// are.
	ForwardAuthProxies []netip.Prefix `of:"forward_auth_trust_proxy,ip_trust_proxy"`

	// Apps are those of the environment, followed by those of the YAML file.
	Apps []App `of:"forward_auth_apps"`

	// Providers are in the order of AUTH_PROVIDERS, followed by those that only the YAML
	// file has, in its order.
	Providers []Provider `of:"auth_providers"`

	// Files are the paths of all files that were read or looked for. If one of them
	// changes, the configuration may change.
	Files []string `of:"-"`

	// Sources are the paths of the files that list providers: .env and the file of
	// CONFIG_PATH, if they exist.
	Sources []string `of:"-"`

	// Warnings are for the log: settings that work, but probably not as intended.
	Warnings []string `of:"-"`

	loader     *loader           // with everything that it read, except files of values, which Renewed reads again
	trustFiles []string          // that contain settings of trust
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
	File       string   // read in addition to .env, by its extension; empty: that of CONFIG_PATH, or none
	Executable string   // path of the host's binary: by default, plugins are next to it
}

// Load reads and checks the configuration. The error is an [*Error] that lists everything
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
	reread := l.rereading()
	reread.trust(l.outbound)
	config.trustFiles = reread.files
	return config, nil
}

// load continues after problems, so that all of them are reported.
func (l *loader) load(executable string) *Config {
	config := &Config{}
	listed := l.loadSettings(config, executable)
	config.Providers = l.loadProviders(listed)
	l.loadApps(config)
	l.warnOfTypos()
	l.warnOfDirectusSettings()
	return config
}
