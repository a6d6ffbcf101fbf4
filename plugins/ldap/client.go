package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

// readClient applies the client options of Directus (those of its LDAP library, and of
// tls.connect of Node.js) to ours.
func (o *Options) readClient(problems *options.Problems) {
	for _, key := range slices.Sorted(maps.Keys(o.Client)) {
		value := o.Client[key]
		var err error
		switch directusKey(key) {
		case "timeout":
			o.OperationTimeout, err = options.ParseDuration(fmt.Sprint(value))
		case "connecttimeout":
			o.ConnectTimeout, err = options.ParseDuration(fmt.Sprint(value))
		case "strictdn": // had no effect in Directus either
		case "tlsoptions":
			o.readTLSOptions(value, problems)
		default:
			problems.Addf("client", "has the key %q; it may have timeout, connect_timeout and tls_options", key)
		}
		if err != nil {
			problems.Addf("client", "%s %v", key, err)
		}
	}
}

func (o *Options) readTLSOptions(value any, problems *options.Problems) {
	object, ok := value.(map[string]any)
	if !ok {
		problems.Addf("client", "tls_options must be a mapping of keys to values")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		text := fmt.Sprint(object[key])
		switch directusKey(key) {
		case "rejectunauthorized": // insecure reads it
			if !isBoolean(text) {
				problems.Addf("client", "tls_options.reject_unauthorized must be true or false")
			}
		case "ca":
			o.TLSCA = cmp.Or(o.TLSCA, text)
		case "cert":
			o.TLSCert = cmp.Or(o.TLSCert, text)
		case "key":
			o.TLSKey = options.Secret(cmp.Or(o.TLSKey.Reveal(), text))
		case "servername":
			o.TLSServerName = cmp.Or(o.TLSServerName, text)
		case "minversion":
			version, ok := strings.CutPrefix(text, "TLSv")
			if !ok || version != "1.2" && version != "1.3" {
				problems.Addf("client", "tls_options.min_version must be TLSv1.2 or TLSv1.3: older versions are broken")
				continue
			}
			o.TLSMinVersion = version
		default:
			problems.Addf("client", "tls_options has the key %q; it may have reject_unauthorized, ca, cert, key, servername and min_version", key)
		}
	}
}

// directusKey normalizes tlsOptions, TLS_OPTIONS and tls_options to one spelling.
func directusKey(key string) string { return strings.ToLower(strings.ReplaceAll(key, "_", "")) }

func isBoolean(text string) bool {
	return slices.Contains([]string{"true", "yes", "on", "1", "false", "no", "off", "0"}, strings.ToLower(text))
}

func (o Options) tlsOption(name string) (any, bool) {
	for key, value := range o.Client {
		object, ok := value.(map[string]any)
		if !ok || directusKey(key) != "tlsoptions" {
			continue
		}
		for inner, setting := range object {
			if name == "" || directusKey(inner) == name {
				return setting, true
			}
		}
	}
	return nil, false
}

func (o Options) hasTLSOptions() bool {
	_, ok := o.tlsOption("")
	return ok
}

// insecure reports whether the operator has switched off certificate verification with the
// option of Directus.
func (o Options) insecure() bool {
	value, ok := o.tlsOption("rejectunauthorized")
	return ok && slices.Contains([]string{"false", "no", "off", "0"}, strings.ToLower(fmt.Sprint(value)))
}

// tlsClient returns the TLS settings for all servers.
func (o Options) tlsClient(env sdk.Env) (*sdk.TLSClient, error) {
	client, err := o.TLS.Client(env)
	if err != nil {
		return nil, err
	}
	// tls_options.reject_unauthorized of Directus; open and Check warn about it.
	client.Config.InsecureSkipVerify = o.insecure()
	return client, nil
}
