package plugintest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk/options"
)

// canary replaces every secret. It has a comma and a control character, and is not a
// number, to make parsers fail.
const canary = "canary-2f6b,\x01 not-a-number"

func (c *conformance) secretsInErrors(t *testing.T) {
	schema := c.schema(t)
	bad := c.options()
	for _, o := range schema.Options {
		if o.Secret {
			bad[o.Name] = canary
		}
	}
	c.refusesWithoutCanary(t, bad, "with bad secrets", false)
	bad["no_such_option"] = canary
	c.refusesWithoutCanary(t, bad, "with bad secrets and an unknown option", true)
	for _, o := range schema.Options {
		if o.Secret && o.Type == options.TypeMap {
			mapped := c.options()
			mapped[o.Name] = map[string]any{"key": canary}
			c.refusesWithoutCanary(t, mapped, "with a bad secret in "+o.Name, false)
		}
	}
}

func (c *conformance) refusesWithoutCanary(t *testing.T, opts map[string]any, what string, mustFail bool) {
	t.Helper()
	p, err := c.client.Open(t.Context(), Request(opts))
	if err != nil {
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("opening %s: the error shows a secret: %v", what, err)
		}
		return
	}
	if mustFail {
		t.Errorf("opening %s: accepted", what)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// secretsInLog looks for the valid secrets and the canary in everything that the plugin
// logged while the other checks ran.
func (c *conformance) secretsInLog(t *testing.T) {
	log := c.log.String()
	if strings.Contains(log, "canary") {
		t.Error("a secret of a refused provider is in the log")
	}
	for name, secret := range c.secrets {
		if strings.Contains(log, secret) || strings.Contains(log, jsonText(secret)) {
			t.Errorf("the secret option %s is in the log", name)
		}
	}
}

// secretTexts returns the secrets among the options that are long enough not to be
// confused with other words.
func secretTexts(schema options.Schema, opts map[string]any) map[string]string {
	texts := map[string]string{}
	for name, value := range opts {
		option, _, _ := strings.Cut(name, "__") // seeds__alice is a part of seeds
		o, ok := schema.Lookup(name)
		if !ok {
			o, _ = schema.Lookup(option)
		}
		for name, text := range textsIn(name, value) {
			if o.Secret && len(text) >= 6 {
				texts[name] = text
			}
		}
	}
	return texts
}

func textsIn(name string, value any) map[string]string {
	texts := map[string]string{}
	switch v := value.(type) {
	case string:
		texts[name] = v
	case options.Secret:
		texts[name] = v.Reveal()
	case map[string]string:
		for key, text := range v {
			texts[name+"__"+key] = text
		}
	case map[string]any:
		for key, text := range v {
			texts[name+"__"+key] = fmt.Sprint(text)
		}
	}
	return texts
}

// jsonText returns a text as it is encoded in a log line.
func jsonText(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return strings.Trim(string(data), `"`)
}
