package main

import (
	"cmp"
	"encoding/json"
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
	o.Client = withObjects(o.Client)
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
			o.readTLSOptions("client__"+key, value, problems)
		default:
			problems.Addf("client__"+key, "is no client option that this host has: those are timeout, connect_timeout and tls_options")
		}
		if err != nil {
			problems.Addf("client__"+key, "%s %v", key, err)
		}
	}
}

// withObjects reads the values that are objects in JSON, which Directus takes in the place
// of one variable for each key.
func withObjects(client map[string]any) map[string]any {
	client = maps.Clone(client)
	for key, value := range client {
		var object map[string]any
		if text, ok := value.(string); ok && json.Unmarshal([]byte(text), &object) == nil && object != nil {
			client[key] = object
		}
	}
	return client
}

// readTLSOptions reads tls_options, by the name that it was given by.
func (o *Options) readTLSOptions(name string, value any, problems *options.Problems) {
	object, ok := value.(map[string]any)
	if !ok {
		problems.Addf(name, "tls_options must be a mapping of keys to values")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		text := fmt.Sprint(object[key])
		switch directusKey(key) {
		case "rejectunauthorized": // insecure reads it
			if !isBoolean(text) {
				problems.Addf(name+"__"+key, "tls_options.reject_unauthorized must be true or false")
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
				problems.Addf(name+"__"+key, "tls_options.min_version must name version 1.2 or 1.3 of TLS: older ones are broken")
				continue
			}
			o.TLSMinVersion = version
		default:
			problems.Addf(name+"__"+key, "tls_options has the key %q; it may have reject_unauthorized, ca, cert, key, servername and min_version", key)
		}
	}
}

// ofClient maps each option that a client option sets to the name of that client option,
// so that a problem names what the operator wrote.
func (o Options) ofClient() map[string]string {
	names := map[string]string{}
	for key, value := range o.Client {
		switch directusKey(key) {
		case "timeout":
			names["operation_timeout"] = "client__" + key
		case "connecttimeout":
			names["connect_timeout"] = "client__" + key
		}
		object, _ := value.(map[string]any)
		if directusKey(key) != "tlsoptions" {
			continue
		}
		own := map[string]bool{
			"tls_ca": o.TLSCA != "", "tls_cert": o.TLSCert != "", "tls_key": o.TLSKey != "",
			"tls_server_name": o.TLSServerName != "",
		}
		for inner := range object {
			if option := ofTLSOptions[directusKey(inner)]; option != "" && !own[option] {
				names[option] = "client__" + key + "__" + inner
			}
		}
	}
	return names
}

// ofTLSOptions maps the keys of tls_options to our options.
var ofTLSOptions = map[string]string{
	"ca": "tls_ca", "cert": "tls_cert", "key": "tls_key", "servername": "tls_server_name", "minversion": "tls_min_version",
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

// tlsClient returns the TLS settings for all servers. ofClient is what the operator calls
// some of the options.
func (o Options) tlsClient(env sdk.Env, ofClient map[string]string) (*sdk.TLSClient, error) {
	client, err := o.TLS.ClientNamed(env, ofClient)
	if err != nil {
		return nil, err
	}
	// tls_options.reject_unauthorized of Directus; open and Check warn about it.
	client.Config.InsecureSkipVerify = o.insecure()
	return client, nil
}
