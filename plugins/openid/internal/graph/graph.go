// Package graph asks Microsoft Graph for the groups of the end user. Entra ID has no room
// for more than 200 groups in a token, and puts a reference in their place
// (learn.microsoft.com/entra/identity-platform/id-token-claims-reference, "Groups overage
// claim"). The reference is never followed: the provider sent it, and it names a service
// that no longer exists. The URL of Graph comes from the options or from the cloud of the
// issuer; the token is that of the login.
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

// The reasons of refused responses.
const (
	ReasonUnreachable sdk.Reason = "graph_unreachable"
	ReasonStatus      sdk.Reason = "graph_status"
	ReasonMalformed   sdk.Reason = "graph_malformed"
	ReasonPages       sdk.Reason = "graph_pages"
)

// maxPages is enough for sdk.MaxGroups, with 999 groups on a page, and for half-empty pages.
const maxPages = 25

const (
	version   = "/v1.0/"
	membersOf = version + "me/transitiveMemberOf?$select=id&$top=999"
	groupType = "#microsoft.graph.group"
)

// Groups lists the IDs of all groups that the owner of the token is in, directly or through
// other groups (learn.microsoft.com/graph/api/user-list-transitivememberof). The list is
// complete, or there is an error.
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
			"Microsoft Graph %s: does the application have the delegated permission GroupMember.Read.All, with the consent of an administrator, and does scope request it?", answer.Problem())
	}
	object, err := claims.DecodeFor(answer.JSON(), "value", "id", "@odata.type", "@odata.nextLink")
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonMalformed, "Microsoft Graph: %w", err)
	}
	return object, nil
}

// appendGroups leaves out directory roles and administrative units.
func appendGroups(ids []string, object claims.Object) ([]string, error) {
	list, ok := object["value"].([]any)
	if !ok {
		return nil, sdk.InvalidResponse(ReasonMalformed, "Microsoft Graph: the response has no list")
	}
	for _, item := range list {
		member, _ := item.(map[string]any)
		kind, _ := member["@odata.type"].(string)
		id, _ := member["id"].(string)
		if kind == "" || id == "" {
			return nil, sdk.InvalidResponse(ReasonMalformed, "Microsoft Graph: an element of the list has no type or no ID")
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

// next is the URL of the next page, or nil. It must be at the same server as the first page,
// so that nobody else gets the token.
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
