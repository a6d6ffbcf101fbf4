package config

import (
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/doorward/doorward/sdk/options"
)

// Config is what the host is set to do, checked.
type Config struct {
	Host string
	Port int // 0: the system chooses

	// PublicURL is https, or http on loopback. Its host is in lower case, a
	// default port and a slash at the end are left out, and there is no user,
	// query or fragment.
	PublicURL *url.URL

	Secret         options.Secret // at least 32 bytes
	SecretPrevious options.Secret // the same, or empty: none
	DBFilename     string
	PluginDir      string
	PluginLock     string // path of the lock file

	ControlSocket  string // path of a unix socket
	MetricsAddress string // host:port; empty: none

	AccessTokenTTL            time.Duration
	RefreshTokenTTL           time.Duration
	SessionCookieTTL          time.Duration
	SessionRefreshGracePeriod time.Duration // 0: none

	RefreshCookie Cookie
	SessionCookie Cookie

	// TrustedProxies may say who the client is. Empty: nobody may.
	TrustedProxies []netip.Prefix

	LogLevel string // trace, debug, info, warn, error
	LogStyle string // pretty, json

	// Providers are in the order of AUTH_PROVIDERS, then those that only the
	// YAML file has, in its order.
	Providers []Provider

	// Files are the paths of all that was read, or would have been had it been
	// there: if one changes, the configuration may.
	Files []string

	// Sources are the paths of the files that say which providers there are: .env
	// and the YAML file, if they are there.
	Sources []string

	// Warnings are for the log: what works, but probably not as it is meant.
	Warnings []string
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
	File       string   // YAML file; empty: CONFIG_PATH, or none
	Executable string   // path of the host's binary: plugins are beside it by default
}

// Load reads and checks the configuration. The error is an [*Error] that lists all
// that is wrong, or says why a source cannot be read.
func Load(in Input) (*Config, error) {
	l, err := newLoader(in)
	if err != nil {
		return nil, err
	}
	config := &Config{}
	listed := l.loadSettings(config, in.Executable)
	config.Providers = l.loadProviders(listed)
	if len(l.problems) > 0 {
		return nil, &Error{Problems: l.problems, Notes: l.notes}
	}
	l.warnOfIgnored()
	config.Files, config.Sources, config.Warnings = l.files, l.sources, l.warnings
	return config, nil
}
