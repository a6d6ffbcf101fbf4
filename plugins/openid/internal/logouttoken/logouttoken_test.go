package logouttoken

import (
	"errors"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/contract"
)

// FuzzClaims: the result is an error of a kind with a reason, or a demand that the host
// accepts, from a token with the event, an ID and no nonce.
func FuzzClaims(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	const good = `"iss":"https://op.example","aud":"door","iat":1800000000,"exp":1800000120,"jti":"1","events":{"http://schemas.openid.net/event/backchannel-logout":{}}`
	f.Add(`{` + good + `,"sid":"s"}`)
	f.Add(`{` + good + `,"sub":"alice","sid":"s"}`)
	f.Add(`{` + good + `,"sub":"\u0085","nonce":null}`)
	f.Add(`{` + good + `,"sid":"\ud800"}`)
	f.Add(`{"iss":"https://op.example","aud":"door","iat":1e9,"exp":-1,"sub":"a"}`)
	f.Fuzz(func(t *testing.T, payload string) {
		object, err := claims.Decode([]byte(payload))
		if err != nil {
			return
		}
		demand, err := Check(jose.Token{Claims: object}, Expectation{Issuer: "https://op.example", ClientID: "door", Now: now})
		if err != nil {
			if refusal, ok := errors.AsType[*sdk.Error](err); !ok || refusal.Reason == "" {
				t.Fatalf("no kind or reason: %v", err)
			}
			return
		}
		logout := sdk.Logout{Subject: demand.Subject, OnceID: demand.OnceID, OnceUntil: demand.OnceUntil}
		if demand.SessionID != "" {
			logout.SessionIDs = []string{demand.SessionID}
		}
		if err := contract.CheckLogout(logout, false, now); err != nil {
			t.Fatalf("the host does not take %+v of %s: %v", logout, payload, err)
		}
		events, _ := object.Object("events")
		if events[event] == nil || object.Has("nonce") || object["jti"] == nil || demand.OnceID == "" {
			t.Fatalf("accepted %s", payload)
		}
	})
}
