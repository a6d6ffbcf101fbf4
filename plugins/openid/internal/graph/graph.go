// Package graph asks Microsoft Graph for the groups of whoever signed in. Entra ID has
// no room for more than 200 groups in a token, and puts a reference in their place
// (learn.microsoft.com/entra/identity-platform/id-token-claims-reference, "Groups
// overage claim"). The reference is never followed: it is part of what a provider sent,
// and names a service that is gone. Where Graph is, the operator says, or the cloud of
// the issuer; the token is that of the login.
package graph

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// The reasons of refused answers.
const (
	ReasonUnreachable sdk.Reason = "graph_unreachable"
	ReasonStatus      sdk.Reason = "graph_status"
	ReasonMalformed   sdk.Reason = "graph_malformed"
	ReasonPages       sdk.Reason = "graph_pages"
)

// maxPages is enough for sdk.MaxGroups, at 999 a page, and for pages that are half
// empty.
const maxPages = 25

const (
	version   = "/v1.0/"
	membersOf = version + "me/transitiveMemberOf?$select=id&$top=999"
	groupType = "#microsoft.graph.group"
)

// Groups lists the IDs of all groups that the owner of the token is in, by other groups
// too (learn.microsoft.com/graph/api/user-list-transitivememberof). It is all of them
// or an error.
func Groups(ctx context.Context, client *http.Client, base, token string) ([]string, error) {
	first, err := url.Parse(strings.TrimSuffix(base, "/") + membersOf)
	if err != nil {
		return nil, sdk.Misconfigured("options", "graph_url cannot be parsed")
	}
	ids := []string{}
	at := first
	for range maxPages {
		object, err := ask(ctx, client, at, token)
		if err != nil {
			return nil, err
		}
		if ids, err = appendGroups(ids, object); err != nil {
			return nil, err
		}
		if at, err = next(first, object); err != nil {
			return nil, err
		}
		if at == nil {
			return ids, nil
		}
	}
	return nil, sdk.InvalidResponse(ReasonPages, "Microsoft Graph: more than %d pages of groups", maxPages)
}

func ask(ctx context.Context, client *http.Client, at *url.URL, token string) (claims.Object, error) {
	answer, err := upstream.Get(ctx, client, at.String(), http.Header{"Accept": {"application/json"}, "Authorization": {"Bearer " + token}})
	if err != nil {
		return nil, sdk.Unavailable(ReasonUnreachable, "Microsoft Graph: %w", err)
	}
	switch {
	case answer.Status == http.StatusOK:
	case answer.Status < 300 || answer.Passing():
		return nil, sdk.Unavailable(ReasonStatus, "Microsoft Graph %s", answer.Problem())
	default:
		return nil, sdk.Misconfigured(ReasonStatus,
			"Microsoft Graph %s: has the application the delegated permission GroupMember.Read.All, with the consent of an administrator, and does scope ask for it?", answer.Problem())
	}
	object, err := claims.DecodeFor(answer.JSON(), "value", "id", "@odata.type", "@odata.nextLink")
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonMalformed, "Microsoft Graph: %w", err)
	}
	return object, nil
}

// appendGroups leaves out roles and administrative units, which are no groups.
func appendGroups(ids []string, object claims.Object) ([]string, error) {
	list, ok := object["value"].([]any)
	if !ok {
		return nil, sdk.InvalidResponse(ReasonMalformed, "Microsoft Graph: an answer without a list")
	}
	for _, item := range list {
		member, _ := item.(map[string]any)
		kind, _ := member["@odata.type"].(string)
		id, _ := member["id"].(string)
		if kind == "" || id == "" {
			return nil, sdk.InvalidResponse(ReasonMalformed, "Microsoft Graph: a member of the list has no type or no ID")
		}
		if kind == groupType {
			ids = append(ids, id)
		}
	}
	if len(ids) > sdk.MaxGroups {
		return nil, sdk.InvalidResponse(ReasonPages, "Microsoft Graph: more than %d groups", sdk.MaxGroups)
	}
	return ids, nil
}

// next is where the next page is, or nil. The token goes nowhere but to where the first
// page was.
func next(first *url.URL, object claims.Object) (*url.URL, error) {
	link, err := object.String("@odata.nextLink")
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonMalformed, "Microsoft Graph: %w", err)
	}
	if link == "" {
		return nil, nil
	}
	at, err := url.Parse(link)
	root := first.Path[:strings.LastIndex(first.Path, version)+len(version)]
	if err != nil || at.Scheme != first.Scheme || at.Host != first.Host || at.User != nil || !strings.HasPrefix(at.Path, root) || strings.Contains(at.Path, "..") {
		return nil, sdk.InvalidResponse(ReasonPages, "Microsoft Graph: the next page is not below %s://%s%s", first.Scheme, first.Host, root)
	}
	return at, nil
}
