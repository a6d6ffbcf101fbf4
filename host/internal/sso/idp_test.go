package sso_test

import (
	"context"
	"errors"
	"net/url"

	"github.com/doorward/doorward/sdk"
)

// later is how the mechanism behaves after a login. With the zero value, it cannot
// refresh, logs out with a redirect and receives nothing.
type later struct {
	refresh     func(context.Context, []byte) (sdk.Refreshed, error)
	beginLogout func(sdk.LogoutRequest) (sdk.Step, error)
	receive     func(context.Context, sdk.LogoutMessage) (sdk.Logout, error)
	document    sdk.Document
	documentErr error
	grants      []string
}

func set[T any](i *idp, field *T, value T) {
	i.mu.Lock()
	defer i.mu.Unlock()
	*field = value
}

func get[T any](i *idp, field *T) T {
	i.mu.Lock()
	defer i.mu.Unlock()
	return *field
}

func (i *idp) onRefresh(f func(context.Context, []byte) (sdk.Refreshed, error)) {
	set(i, &i.later.refresh, f)
}

func (i *idp) refreshWith(answer sdk.Refreshed, err error) {
	i.onRefresh(func(context.Context, []byte) (sdk.Refreshed, error) { return answer, err })
}

func (i *idp) onReceive(f func(context.Context, sdk.LogoutMessage) (sdk.Logout, error)) {
	set(i, &i.later.receive, f)
}

func (i *idp) receiveWith(answer sdk.Logout, err error) {
	i.onReceive(func(context.Context, sdk.LogoutMessage) (sdk.Logout, error) { return answer, err })
}

func (i *idp) beginLogoutWith(step sdk.Step, err error) {
	set(i, &i.later.beginLogout, func(sdk.LogoutRequest) (sdk.Step, error) { return step, err })
}

func (i *idp) describeWith(document sdk.Document, err error) {
	set(i, &i.later.document, document)
	set(i, &i.later.documentErr, err)
}

// grants returns the grants that Refresh got.
func (i *idp) grants() []string { return get(i, &i.later.grants) }

func (i *idp) Refresh(ctx context.Context, grant []byte) (sdk.Refreshed, error) {
	i.mu.Lock()
	i.later.grants = append(i.later.grants, string(grant))
	refresh := i.later.refresh
	i.mu.Unlock()
	if refresh == nil {
		return sdk.Refreshed{}, errors.New("nothing scripted")
	}
	return refresh(ctx, grant)
}

func (i *idp) BeginLogout(_ context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	if begin := get(i, &i.later.beginLogout); begin != nil {
		return begin(req)
	}
	query := "state=" + req.State + "&subject=" + url.QueryEscape(req.Subject) + "&grant=" + url.QueryEscape(string(req.Grant))
	return sdk.Redirect{URL: "https://idp.test/logout?" + query, Memory: []byte("logout memory")}, nil
}

func (i *idp) ReceiveLogout(ctx context.Context, message sdk.LogoutMessage) (sdk.Logout, error) {
	if receive := get(i, &i.later.receive); receive != nil {
		return receive(ctx, message)
	}
	return sdk.Logout{}, sdk.InvalidResponse("none", "nothing scripted")
}

func (i *idp) Metadata(context.Context) (sdk.Document, error) {
	return get(i, &i.later.document), get(i, &i.later.documentErr)
}
