package provider

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/plugin"
)

// Reading is how a plugin reads the options of a provider. Its texts are in the words of
// the operator.
type Reading struct {
	Provider sso.Provider // with what the plugin decides
	Version  string       // of the plugin
	Schema   *options.Schema

	Values    map[string]any // by option, as the mechanism would get them
	Refused   []string       // options among those given
	Wrong     []string
	Missing   []string // what is to be given
	Dangers   []string // what may hurt somebody
	Unchecked string   // why not everything could be looked at; empty: it was

	// Capabilities are what the mechanism announced. Nil: it could not be opened.
	Capabilities []sdk.Capability
}

// Lacks reports whether the mechanism was opened and has none of these.
func (r Reading) Lacks(wanted ...sdk.Capability) bool {
	return r.Capabilities != nil && !slices.ContainsFunc(wanted, func(c sdk.Capability) bool { return slices.Contains(r.Capabilities, c) })
}

// Read has a plugin that may run read the options of its providers, by name, and ends
// it. The providers are opened on trial with no way out: nothing connects, not even to
// resolve a name. An error says why the plugin cannot be asked.
func (s Binaries) Read(ctx context.Context, mechanism, hostVersion, publicURL string, list []Configured) (map[string]Reading, error) {
	binary, err := s.Open(mechanism)
	if err != nil {
		return nil, err
	}
	defer binary.Close()
	p, end, err := startAlone(ctx, binary, hostVersion)
	if err != nil {
		return nil, err
	}
	defer end()
	readings := map[string]Reading{}
	for _, c := range list {
		readings[c.Name] = read(ctx, p, publicURL, c)
	}
	return readings, nil
}

func read(ctx context.Context, p *process.Process, publicURL string, c Configured) Reading {
	r := Reading{Provider: c.provider(&p.Description), Version: p.Description.Version, Schema: &p.Schema}
	values, err := options.Declared(p.Schema, c.Options)
	r.Values = values
	if !r.add(c, err) && publicURL != "" { // which is told elsewhere
		r.try(ctx, p, publicURL, c)
	}
	r.Dangers = slices.Concat(dangers(c, p.Schema, values), weakSecrets(c, p.Schema))
	return r
}

// add adds what an error says of single options; false if it says nothing of them.
func (r *Reading) add(c Configured, err error) bool {
	problems, ok := errors.AsType[options.Problems](err)
	for _, problem := range problems {
		r.Refused = append(r.Refused, problem.Option)
		if text := c.explained(problem); problem.Option != "" && !c.gives(problem.Option) {
			r.Missing = append(r.Missing, text)
		} else {
			r.Wrong = append(r.Wrong, text)
		}
	}
	return ok
}

// closedProxy is where nobody is, and what closed denies: a connection through it is
// refused before it is begun, and the name behind it resolved by nobody.
const closedProxy = "http://169.254.0.1:9"

// inTrial is what the settings of closed are called in errors, which so are told from
// those that a host would have.
const inTrial = "a trial that connects to nobody"

// closed are settings with which no connection is made.
func closed(s outbound.Settings) outbound.Settings {
	s.Proxy = closedProxy
	s.GlobalAgent, s.Standard = outbound.ProxyRules{}, outbound.ProxyRules{}
	s.Deny, s.Allow = append(outbound.Classes(), "0.0.0.0/0", "::/0"), nil
	names := map[string]string{outbound.KeyProxy: inTrial, outbound.KeyDeny: inTrial, outbound.KeyAllow: inTrial}
	for key, name := range s.Names {
		if _, ours := names[key]; !ours {
			names[key] = name
		}
	}
	s.Names = names
	return s
}

// try opens the provider with no way out, for what the mechanism finds in its options
// together. What it would ask a server is not told.
func (r *Reading) try(ctx context.Context, p *process.Process, publicURL string, c Configured) {
	ctx, cancel := context.WithTimeout(ctx, defaultLimits.open)
	defer cancel()
	request := openRequest(publicURL, c)
	request.Outbound = closed(request.Outbound)
	redactSecrets(p, map[string]*spec{c.Name: {configured: c, request: request}})
	opened, err := p.Client().Open(ctx, request)
	switch {
	case err == nil:
		r.Capabilities = append([]sdk.Capability{}, opened.Capabilities()...)
		_ = opened.Close(ctx) // the process ends after it
	case r.add(c, err):
	case sdk.ReasonOf(err) == plugin.ReasonOutbound:
		r.notWhole(c, "its plugin was built with an SDK with which it could connect during this check; build it again with the SDK of this host")
	case strings.Contains(err.Error(), inTrial): // it would have connected
	case errors.Is(err, sdk.ErrMisconfigured):
		r.Wrong = append(r.Wrong, explain(c, err)...)
	default:
		r.notWhole(c, err.Error())
	}
}

func (r *Reading) notWhole(c Configured, why string) {
	r.Unchecked = fmt.Sprintf("of provider %s, single options were checked only: %s", c.Name, printable(why))
}

// riskyName is how options are called by which an operator gives up a protection.
var riskyName = regexp.MustCompile(`^allow_|(^|_)insecure(_|$)`)

func dangers(c Configured, schema options.Schema, values map[string]any) (texts []string) {
	for _, o := range schema.Options {
		if o.Type == options.TypeBool && riskyName.MatchString(o.Name) && c.gives(o.Name) && values[o.Name] == true {
			texts = append(texts, printable(c.spelled(o.Name)+" is true: "+o.Doc))
		}
	}
	return texts
}
