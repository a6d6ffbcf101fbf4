package sso_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/plugin"
)

// The host checks a plugin by the same rules as the plugin's own SDK: a plugin may have
// another SDK, or none.
func TestContractInTheHost(t *testing.T) {
	for _, c := range contract.Cases(start) {
		t.Run(c.Name, func(t *testing.T) {
			h := newHouse(t)
			err := h.callFor(c.Value)
			switch {
			case c.Rule == "":
				wantErr(t, "a good value", err, nil)
			case err == nil:
				t.Errorf("accepted; it breaks the rule %s", c.Rule)
			case errors.Is(err, plugin.ErrFault) && !carriable(c): // no message can carry it
			case !strings.Contains(err.Error(), "breaks the rule "+string(c.Rule)):
				t.Errorf("got %v, want the rule %s", err, c.Rule)
			case !errors.Is(err, sso.ErrPluginFault) && !errors.Is(err, plugin.ErrFault) && !errors.Is(err, sdk.ErrInvalidResponse):
				t.Errorf("got %v, want a refusal", err)
			}
		})
	}
}

func (h *house) callFor(value any) error {
	h.t.Helper()
	switch v := value.(type) {
	case []sdk.Finding:
		h.t.Skip("findings do not come here")
	case sdk.Document:
		h.idp.describeWith(v, nil)
		_, err := h.Metadata(h.t.Context(), "p")
		return err
	case sdk.Logout:
		ended, err := h.Logout(h.t.Context(), h.signInAs("ada", "name", "i1").Token)
		wantErr(h.t, "logout", err, nil)
		pending, _, err := h.BeginLogout(h.t.Context(), ended, "", "/after")
		wantErr(h.t, "beginning a logout", err, nil)
		h.idp.receiveWith(v, nil)
		_, err = h.ReceiveLogout(h.t.Context(), sso.LogoutMessage{Provider: "p", State: pending.Attempt.State, Sealed: pending.Sealed})
		return err
	}
	step, _ := value.(sdk.Step)
	h.idp.answer(func(context.Context, sdk.ContinueRequest) (sdk.Step, error) { return step, nil })
	_, err := h.Continue(h.t.Context(), answerTo(h.begin(sso.Start{})))
	return err
}

// carriable reports whether a message can carry the value: it is not nil, and its texts
// are UTF-8.
func carriable(c contract.Case) bool {
	var texts []string
	switch v := c.Value.(type) {
	case nil:
		return false
	case sdk.FormPost:
		texts = append(texts, v.Fields[0].Name, v.Fields[0].Value)
	case sdk.Prompt:
		texts = append(texts, v.Fields[0].Label)
	case sdk.Authenticated:
		texts = append(texts, v.Identity.Subject)
	}
	return utf8.ValidString(strings.Join(texts, ""))
}
