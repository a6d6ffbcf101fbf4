package plugin

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
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
	default:
		return nil, fmt.Errorf("%w: a step of type %T", ErrFault, step)
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

func identityToWire(i sdk.Identity) (*doorwardv1.Identity, error) {
	var claims []byte
	if i.Claims != nil {
		var err error
		if claims, err = json.Marshal(i.Claims); err != nil {
			return nil, fmt.Errorf("encoding the claims: %w", err)
		}
	}
	return &doorwardv1.Identity{
		Subject: i.Subject, Username: i.Username, Email: i.Email, EmailVerified: i.EmailVerified,
		GivenName: i.GivenName, FamilyName: i.FamilyName, Name: i.Name, Groups: i.Groups,
		AuthTime: timeToWire(i.AuthTime), Amr: i.AMR, Acr: i.ACR, ClaimsJson: claims, Grant: i.Grant,
		ExpiresAt: timeToWire(i.ExpiresAt), OnceId: i.OnceID, OnceUntil: timeToWire(i.OnceUntil),
	}, nil
}

func identityFromWire(w *doorwardv1.Identity) (sdk.Identity, error) {
	i := sdk.Identity{
		Subject: w.GetSubject(), Username: w.GetUsername(), Email: w.GetEmail(), EmailVerified: w.GetEmailVerified(),
		GivenName: w.GetGivenName(), FamilyName: w.GetFamilyName(), Name: w.GetName(), Groups: w.GetGroups(),
		AuthTime: timeFromWire(w.GetAuthTime()), AMR: w.GetAmr(), ACR: w.GetAcr(), Grant: w.GetGrant(),
		ExpiresAt: timeFromWire(w.GetExpiresAt()), OnceID: w.GetOnceId(), OnceUntil: timeFromWire(w.GetOnceUntil()),
	}
	data := w.GetClaimsJson()
	if len(data) > sdk.MaxClaims {
		return sdk.Identity{}, fmt.Errorf("%w: %d bytes of claims, at most %d are allowed", ErrFault, len(data), sdk.MaxClaims)
	}
	if len(data) == 0 {
		return i, nil
	}
	claims, err := decodeObject(data)
	if err != nil {
		return sdk.Identity{}, fmt.Errorf("%w: reading the claims: %w", ErrFault, err)
	}
	i.Claims = claims
	return i, nil
}

func logoutToWire(l sdk.Logout) (*doorwardv1.ReceiveLogoutResponse, error) {
	resp := &doorwardv1.ReceiveLogoutResponse{
		Subject: l.Subject, SessionId: l.SessionID, OnceId: l.OnceID, OnceUntil: timeToWire(l.OnceUntil),
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
		Subject: w.GetSubject(), SessionID: w.GetSessionId(), OnceID: w.GetOnceId(), OnceUntil: timeFromWire(w.GetOnceUntil()),
	}
	if w.GetReply() == nil {
		return l, nil
	}
	var err error
	l.Reply, err = stepFromWire(w.GetReply())
	return l, err
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
		if a.GetName() < b.GetName() {
			return -1
		}
		return 1
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

func findingsToWire(findings []sdk.Finding) []*doorwardv1.Finding {
	var list []*doorwardv1.Finding
	for _, f := range findings {
		list = append(list, &doorwardv1.Finding{Severity: string(f.Severity), Subject: f.Subject, Text: f.Text})
	}
	return list
}

func findingsFromWire(list []*doorwardv1.Finding) []sdk.Finding {
	var findings []sdk.Finding
	for _, f := range list {
		findings = append(findings, sdk.Finding{
			Severity: sdk.Severity(bounded(f.GetSeverity())), Subject: bounded(f.GetSubject()), Text: bounded(f.GetText()),
		})
	}
	return findings
}

func optionsToWire(schema options.Schema) []*doorwardv1.Option {
	var list []*doorwardv1.Option
	for _, o := range schema.Options {
		list = append(list, &doorwardv1.Option{
			Name: o.Name, Type: string(o.Type), DefaultValue: o.Default, Required: o.Required,
			Secret: o.Secret, Values: o.Values, Doc: o.Doc,
		})
	}
	return list
}

func optionsFromWire(list []*doorwardv1.Option) options.Schema {
	var schema options.Schema
	for _, o := range list {
		schema.Options = append(schema.Options, options.Option{
			Name: o.GetName(), Type: options.Type(o.GetType()), Default: o.GetDefaultValue(), Required: o.GetRequired(),
			Secret: o.GetSecret(), Values: o.GetValues(), Doc: o.GetDoc(),
		})
	}
	return schema
}

func timeToWire(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func timeFromWire(t *timestamppb.Timestamp) time.Time {
	if t == nil || t.CheckValid() != nil {
		return time.Time{}
	}
	return t.AsTime()
}
