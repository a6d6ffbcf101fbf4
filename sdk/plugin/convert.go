package plugin

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/options"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
	"github.com/doorward/doorward/sdk/redact"
)

func stepToWire(step sdk.Step) (*doorwardv1.Step, error) {
	switch s := step.(type) {
	case sdk.Redirect:
		kind := &doorwardv1.Step_Redirect{Redirect: &doorwardv1.Redirect{Url: s.URL}}
		return &doorwardv1.Step{Memory: s.Memory, Kind: kind}, nil
	case sdk.FormPost:
		post := &doorwardv1.FormPost{Url: s.URL}
		for _, f := range s.Fields {
			post.Fields = append(post.Fields, &doorwardv1.FormField{Name: f.Name, Value: f.Value})
		}
		return &doorwardv1.Step{Memory: s.Memory, Kind: &doorwardv1.Step_FormPost{FormPost: post}}, nil
	case sdk.Prompt:
		prompt := &doorwardv1.Prompt{Reason: string(s.Reason)}
		for _, f := range s.Fields {
			prompt.Fields = append(prompt.Fields, &doorwardv1.PromptField{
				Name: f.Name, Kind: string(f.Kind), Label: f.Label, Optional: f.Optional,
			})
		}
		return &doorwardv1.Step{Memory: s.Memory, Kind: &doorwardv1.Step_Prompt{Prompt: prompt}}, nil
	case sdk.Authenticated:
		identity, err := identityToWire(s.Identity)
		return &doorwardv1.Step{Kind: &doorwardv1.Step_Authenticated{Authenticated: identity}}, err
	case nil:
		return nil, errors.New("neither a step nor an error")
	default:
		return nil, fmt.Errorf("a step of type %T: return the struct itself, not a pointer to it", step)
	}
}

func stepFromWire(wire *doorwardv1.Step) (sdk.Step, error) {
	switch kind := wire.GetKind().(type) {
	case *doorwardv1.Step_Redirect:
		return sdk.Redirect{URL: kind.Redirect.GetUrl(), Memory: wire.GetMemory()}, nil
	case *doorwardv1.Step_FormPost:
		post := sdk.FormPost{URL: kind.FormPost.GetUrl(), Memory: wire.GetMemory()}
		for _, f := range kind.FormPost.GetFields() {
			post.Fields = append(post.Fields, sdk.FormField{Name: f.GetName(), Value: f.GetValue()})
		}
		return post, nil
	case *doorwardv1.Step_Prompt:
		prompt := sdk.Prompt{Reason: sdk.Reason(kind.Prompt.GetReason()), Memory: wire.GetMemory()}
		for _, f := range kind.Prompt.GetFields() {
			prompt.Fields = append(prompt.Fields, sdk.PromptField{
				Name: f.GetName(), Kind: sdk.FieldKind(f.GetKind()), Label: f.GetLabel(), Optional: f.GetOptional(),
			})
		}
		return prompt, nil
	case *doorwardv1.Step_Authenticated:
		identity, err := identityFromWire(kind.Authenticated)
		return sdk.Authenticated{Identity: identity}, err
	default:
		return nil, fmt.Errorf("%w: a step of no known kind", ErrFault)
	}
}

// replyFromWire reads the next step of a logout: nil, or a step that sends the browser
// to the provider.
func replyFromWire(wire *doorwardv1.Step) (sdk.Step, error) {
	if wire == nil {
		return nil, nil
	}
	switch wire.GetKind().(type) {
	case *doorwardv1.Step_Redirect, *doorwardv1.Step_FormPost:
		return stepFromWire(wire)
	default:
		return nil, fmt.Errorf("%w: %w", ErrFault, contract.CheckReply(nil))
	}
}

func logoutToWire(l sdk.Logout) (*doorwardv1.ReceiveLogoutResponse, error) {
	resp := &doorwardv1.ReceiveLogoutResponse{
		Subject: l.Subject, SessionIds: l.SessionIDs, OnceId: l.OnceID, OnceUntil: timeToWire(l.OnceUntil),
		Outcome: string(l.Outcome), Framed: l.Framed,
	}
	if l.Reply == nil {
		return resp, nil
	}
	var err error
	resp.Reply, err = stepToWire(l.Reply)
	return resp, err
}

func logoutFromWire(w *doorwardv1.ReceiveLogoutResponse) (sdk.Logout, error) {
	l := sdk.Logout{
		Subject: w.GetSubject(), SessionIDs: w.GetSessionIds(), OnceID: w.GetOnceId(), OnceUntil: timeFromWire(w.GetOnceUntil()),
		Outcome: sdk.LogoutOutcome(w.GetOutcome()), Framed: w.GetFramed(),
	}
	if err := checkTimes(w.GetOnceUntil()); err != nil {
		return sdk.Logout{}, err
	}
	if err := contract.CheckOutcome(l.Outcome); err != nil {
		return sdk.Logout{}, fmt.Errorf("%w: %w", ErrFault, err)
	}
	var err error
	if l.Reply, err = replyFromWire(w.GetReply()); err != nil {
		return sdk.Logout{}, err
	}
	return l, nil
}

func inboundToWire(r sdk.InboundRequest) *doorwardv1.InboundRequest {
	return &doorwardv1.InboundRequest{
		Method: r.Method, Query: parametersToWire(r.Query), Form: parametersToWire(r.Form), RawQuery: r.RawQuery,
	}
}

func inboundFromWire(w *doorwardv1.InboundRequest) sdk.InboundRequest {
	return sdk.InboundRequest{
		Method: w.GetMethod(), Query: parametersFromWire(w.GetQuery()), Form: parametersFromWire(w.GetForm()), RawQuery: w.GetRawQuery(),
	}
}

func parametersToWire(values url.Values) []*doorwardv1.Parameter {
	var list []*doorwardv1.Parameter
	for name, v := range values {
		list = append(list, &doorwardv1.Parameter{Name: name, Values: v})
	}
	slices.SortFunc(list, func(a, b *doorwardv1.Parameter) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
	return list
}

func parametersFromWire(list []*doorwardv1.Parameter) url.Values {
	if len(list) == 0 {
		return nil
	}
	values := url.Values{}
	for _, p := range list {
		values[p.GetName()] = append(values[p.GetName()], p.GetValues()...)
	}
	return values
}

func findingsToWire(findings []sdk.Finding, secrets *redact.Set) []*doorwardv1.Finding {
	var list []*doorwardv1.Finding
	for _, f := range findings {
		list = append(list, &doorwardv1.Finding{
			Severity: string(f.Severity), Subject: secrets.Text(f.Subject), Text: secrets.Text(f.Text), ExpiresAt: timeToWire(f.ExpiresAt),
			Target: secrets.Text(f.Target), Step: string(f.Step),
		})
	}
	return list
}

func findingsFromWire(list []*doorwardv1.Finding, secrets *redact.Set) []sdk.Finding {
	var findings []sdk.Finding
	for _, f := range list[:min(len(list), sdk.MaxFindings)] {
		findings = append(findings, sdk.Finding{
			Severity: severityFromWire(f.GetSeverity()),
			Subject:  printable(secrets.Text(f.GetSubject()), sdk.MaxOptionName), Text: printable(secrets.Text(f.GetText()), sdk.MaxDetail),
			ExpiresAt: expiryFromWire(f.GetExpiresAt()),
			Target:    printable(secrets.Text(f.GetTarget()), sdk.MaxTarget), Step: stepNameFromWire(f.GetStep()),
		})
	}
	return findings
}

// expiryFromWire leaves out a time that cannot be read, because the finding is still
// useful.
func expiryFromWire(t *timestamppb.Timestamp) time.Time {
	if checkTimes(t) != nil {
		return time.Time{}
	}
	return timeFromWire(t)
}

// stepNameFromWire keeps an unknown step, which a newer plugin may send.
func stepNameFromWire(text string) sdk.WayStep {
	return sdk.WayStep(printable(text, sdk.MaxOptionName))
}

// severityFromWire turns an unknown severity, which a newer plugin may send, into an
// error.
func severityFromWire(text string) sdk.Severity {
	switch severity := sdk.Severity(text); severity {
	case sdk.SeverityOK, sdk.SeverityWarning:
		return severity
	default:
		return sdk.SeverityError
	}
}

// maxCapabilities bounds what a plugin may announce.
const maxCapabilities = 50

// capabilitiesFromWire keeps unknown capabilities for the log. A newer plugin may
// announce more.
func capabilitiesFromWire(names []string) []sdk.Capability {
	var list []sdk.Capability
	for _, name := range names[:min(len(names), maxCapabilities)] {
		if contract.IsReason(sdk.Reason(name)) && !slices.Contains(list, sdk.Capability(name)) {
			list = append(list, sdk.Capability(name))
		}
	}
	return list
}

func schemaToWire(schema options.Schema) []*doorwardv1.Option {
	var list []*doorwardv1.Option
	for _, o := range schema.Options {
		list = append(list, &doorwardv1.Option{
			Name: o.Name, Type: string(o.Type), DefaultValue: o.Default, Required: o.Required,
			Secret: o.Secret, Values: o.Values, Doc: o.Doc,
		})
	}
	return list
}

func schemaFromWire(list []*doorwardv1.Option) options.Schema {
	var schema options.Schema
	for _, o := range list[:min(len(list), options.MaxValues)] {
		byDefault := printable(o.GetDefaultValue(), sdk.MaxDetail)
		if byDefault != o.GetDefaultValue() {
			byDefault = "" // the plugin applies its default itself
		}
		schema.Options = append(schema.Options, options.Option{
			Name: printable(o.GetName(), sdk.MaxOptionName), Type: options.Type(o.GetType()), Required: o.GetRequired(),
			Default: byDefault, Secret: o.GetSecret(), Values: o.GetValues(),
			Doc: printable(o.GetDoc(), sdk.MaxDetail),
		})
	}
	return schema
}
