package main

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestJ16_ActiveDirectoryCodes: each sub-code has its own refusal, except that an unknown
// user and a wrong password have the same.
func TestJ16_ActiveDirectoryCodes(t *testing.T) {
	for code, reason := range map[string]sdk.Reason{
		"525": sdk.ReasonBadCredentials, "52e": sdk.ReasonBadCredentials, "57": sdk.ReasonBadCredentials,
		"530": sdk.ReasonLogonNotPermitted, "531": sdk.ReasonLogonNotPermitted,
		"532": sdk.ReasonPasswordExpired, "533": sdk.ReasonAccountDisabled, "701": sdk.ReasonAccountExpired,
		"773": sdk.ReasonPasswordMustChange, "775": sdk.ReasonAccountLocked, "52f": sdk.ReasonNotAllowed,
	} {
		t.Run(code, func(t *testing.T) {
			carol := person("carol", "secret", nil)
			carol.Any = ldaptest.ActiveDirectory(code)
			dir := start(t, ldaptest.Config{Entries: entries(carol)})
			step, err := openRig(t, nil, dir).enter("carol", "secret")
			switch reason {
			case sdk.ReasonBadCredentials, sdk.ReasonPasswordExpired, sdk.ReasonPasswordMustChange:
				wantPrompt(t, step, err, reason)
			default:
				plugintest.Refused(t, err, sdk.ErrDenied, reason)
			}
			_, err = openRig(t, map[string]any{"password_change": "off"}, dir).enter("carol", "secret")
			if reason != sdk.ReasonBadCredentials {
				plugintest.Refused(t, err, sdk.ErrDenied, reason)
			}
		})
	}
}

func filetimeOf(at time.Time) string {
	return strconv.FormatInt((at.Unix()+11644473600)*1e7, 10)
}

func daysOf(at time.Time) string { return strconv.FormatInt(at.Unix()/86400, 10) }

// TestJ16_AccountState: the entry is evaluated only after the password was right, in a login
// and at each refresh.
func TestJ16_AccountState(t *testing.T) {
	now := time.Now()
	soon, past, later := now.Add(48*time.Hour), now.Add(-48*time.Hour), now.Add(100*24*time.Hour)
	for name, test := range map[string]struct {
		attributes map[string][]string
		values     map[string]any
		reason     sdk.Reason // empty: signed in
		prompt     bool
	}{
		"nothing":                 {nil, nil, "", false},
		"AD normal":               {map[string][]string{"userAccountControl": {"512"}, "pwdLastSet": {filetimeOf(past)}, "accountExpires": {"9223372036854775807"}}, nil, "", false},
		"AD never set to expire":  {map[string][]string{"userAccountControl": {"512"}, "accountExpires": {"0"}}, nil, "", false},
		"AD disabled":             {map[string][]string{"userAccountControl": {"514"}}, nil, sdk.ReasonAccountDisabled, false},
		"AD locked":               {map[string][]string{"userAccountControl": {"512"}, "msDS-User-Account-Control-Computed": {"16"}}, nil, sdk.ReasonAccountLocked, false},
		"AD expired password":     {map[string][]string{"userAccountControl": {"512"}, "msDS-User-Account-Control-Computed": {"8388608"}, "pwdLastSet": {filetimeOf(past)}}, nil, sdk.ReasonPasswordExpired, true},
		"AD must change":          {map[string][]string{"userAccountControl": {"512"}, "msDS-User-Account-Control-Computed": {"8388608"}, "pwdLastSet": {"0"}}, nil, sdk.ReasonPasswordMustChange, true},
		"AD must change, no flag": {map[string][]string{"userAccountControl": {"512"}, "pwdLastSet": {"0"}}, nil, sdk.ReasonPasswordMustChange, true},
		"AD never expires":        {map[string][]string{"userAccountControl": {"66048"}, "pwdLastSet": {"0"}}, nil, "", false},
		"AD account expired":      {map[string][]string{"userAccountControl": {"512"}, "accountExpires": {filetimeOf(past)}}, nil, sdk.ReasonAccountExpired, false},
		"AD account expires":      {map[string][]string{"userAccountControl": {"512"}, "accountExpires": {filetimeOf(soon)}}, nil, "", false},
		"disabled beats expired":  {map[string][]string{"userAccountControl": {"8389122"}}, nil, sdk.ReasonAccountDisabled, false},
		"locked for ever":         {map[string][]string{"pwdAccountLockedTime": {"000001010000Z"}}, nil, sdk.ReasonAccountLocked, false},
		"policy reset":            {map[string][]string{"pwdReset": {"TRUE"}}, nil, sdk.ReasonPasswordMustChange, true},
		"policy ended":            {map[string][]string{"pwdEndTime": {past.UTC().Format("20060102150405Z")}}, nil, sdk.ReasonAccountExpired, false},
		"policy not begun":        {map[string][]string{"pwdStartTime": {soon.UTC().Format("20060102150405Z")}}, nil, sdk.ReasonNotAllowed, false},
		"389 inactivated":         {map[string][]string{"nsAccountLock": {"true"}}, nil, sdk.ReasonAccountDisabled, false},
		"389 password expired":    {map[string][]string{"passwordExpirationTime": {past.UTC().Format("20060102150405Z")}}, nil, sdk.ReasonPasswordExpired, true},
		"IPA password expired":    {map[string][]string{"krbPasswordExpiration": {past.UTC().Format("20060102150405Z")}}, nil, sdk.ReasonPasswordExpired, true},
		"IPA principal expired":   {map[string][]string{"krbPrincipalExpiration": {past.UTC().Format("20060102150405Z")}}, nil, sdk.ReasonAccountExpired, false},
		"AD locked and disabled":  {map[string][]string{"userAccountControl": {"514"}, "msDS-User-Account-Control-Computed": {"16"}}, nil, sdk.ReasonAccountDisabled, false},
		"AD LDS disabled":         {map[string][]string{"msDS-UserAccountDisabled": {"TRUE"}}, nil, sdk.ReasonAccountDisabled, false},
		"AD LDS enabled":          {map[string][]string{"msDS-UserAccountDisabled": {"FALSE"}}, nil, "", false},
		"eDirectory disabled":     {map[string][]string{"loginDisabled": {"TRUE"}}, nil, sdk.ReasonAccountDisabled, false},
		"PingDirectory disabled":  {map[string][]string{"ds-pwp-account-disabled": {"true"}}, nil, sdk.ReasonAccountDisabled, false},
		"authentik inactive":      {map[string][]string{"ak-active": {"false"}}, nil, sdk.ReasonAccountDisabled, false},
		"shadow expired":          {map[string][]string{"shadowExpire": {daysOf(past)}}, nil, sdk.ReasonAccountExpired, false},
		"shadow expires":          {map[string][]string{"shadowExpire": {daysOf(soon)}}, nil, "", false},
		"shadow never":            {map[string][]string{"shadowExpire": {"-1"}, "shadowLastChange": {"10"}, "shadowMax": {"99999"}}, nil, "", false},
		"shadow must change":      {map[string][]string{"shadowLastChange": {"0"}}, nil, sdk.ReasonPasswordMustChange, true},
		"shadow too old":          {map[string][]string{"shadowLastChange": {daysOf(past)}, "shadowMax": {"1"}}, nil, sdk.ReasonPasswordExpired, true},
		"shadow inactive":         {map[string][]string{"shadowLastChange": {"100"}, "shadowMax": {"1"}, "shadowInactive": {"5"}}, nil, sdk.ReasonAccountDisabled, false},
		"shadow ignored":          {map[string][]string{"shadowExpire": {daysOf(past)}, "shadowLastChange": {"0"}}, map[string]any{"ignore_shadow_account": true}, "", false},
		"shadow of nonsense":      {map[string][]string{"shadowExpire": {"soon"}, "shadowLastChange": {"99999999999999999999"}}, nil, "", false},
		"far away":                {map[string][]string{"passwordExpirationTime": {later.UTC().Format("20060102150405Z")}}, nil, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // refusals are delayed
			dir := start(t, ldaptest.Config{Entries: entries(person("carol", "secret", nil))})
			r := openRig(t, test.values, dir)
			grant := r.signIn("carol", "secret").Grant
			dir.Change(func(list []ldaptest.Entry) []ldaptest.Entry {
				list[len(list)-1] = person("carol", "secret", test.attributes)
				return list
			})
			step, err := r.enter("carol", "wrong")
			wantPrompt(t, step, err, sdk.ReasonBadCredentials)
			step, err = r.enter("carol", "secret")
			_, refreshErr := r.provider.Refresh(t.Context(), grant)
			if test.reason == "" {
				identityOf(t, step, err)
				if refreshErr != nil {
					t.Errorf("refresh: %v", refreshErr)
				}
				return
			}
			if name != "AD locked" { // see TestLockOfAStranger
				plugintest.Refused(t, refreshErr, sdk.ErrDenied, test.reason)
			}
			if test.prompt {
				wantPrompt(t, step, err, test.reason)
			} else {
				plugintest.Refused(t, err, sdk.ErrDenied, test.reason)
			}
		})
	}
}

// TestLockOfAStranger: people who type wrong passwords block new logins of a user, but do not
// end sessions. All other states do.
func TestLockOfAStranger(t *testing.T) {
	past := time.Now().Add(-48 * time.Hour)
	dir := start(t, ldaptest.Config{Entries: entries(person("carol", "secret", nil))})
	r := openRig(t, nil, dir)
	grant := r.signIn("carol", "secret").Grant
	for name, test := range map[string]struct {
		attributes map[string][]string
		reason     sdk.Reason // that ends the session
	}{
		"locked":               {nil, ""},
		"disabled, too":        {map[string][]string{"userAccountControl": {"514"}}, sdk.ReasonAccountDisabled},
		"expired, too":         {map[string][]string{"accountExpires": {filetimeOf(past)}}, sdk.ReasonAccountExpired},
		"must change, too":     {map[string][]string{"pwdLastSet": {"0"}}, sdk.ReasonPasswordMustChange},
		"shadow expired, too":  {map[string][]string{"shadowExpire": {daysOf(past)}}, sdk.ReasonAccountExpired},
		"locked for good, too": {map[string][]string{"pwdAccountLockedTime": {"000001010000Z"}}, sdk.ReasonAccountLocked},
	} {
		t.Run(name, func(t *testing.T) {
			attributes := map[string][]string{"userAccountControl": {"512"}, "msDS-User-Account-Control-Computed": {"8388624"}, "pwdLastSet": {filetimeOf(past)}}
			if test.attributes["pwdLastSet"] == nil {
				attributes["msDS-User-Account-Control-Computed"] = []string{"16"}
			}
			maps.Copy(attributes, test.attributes)
			dir.Change(func(list []ldaptest.Entry) []ldaptest.Entry {
				list[len(list)-1] = person("carol", "secret", attributes)
				return list
			})
			if _, err := r.enter("carol", "secret"); err == nil {
				t.Error("a locked account signs in")
			}
			_, err := r.provider.Refresh(t.Context(), grant)
			if test.reason != "" {
				plugintest.Refused(t, err, sdk.ErrDenied, test.reason)
			} else if err != nil {
				t.Errorf("refresh: %v", err)
			}
		})
	}
}

// TestJ16_PasswordPolicy: the control is more precise than the result code.
func TestJ16_PasswordPolicy(t *testing.T) {
	const wrong = 49
	for name, test := range map[string]struct {
		answer ldaptest.Answer
		reason sdk.Reason // empty: signed in
		denied bool
	}{
		"expires soon":        {policy(0, 3600, -1, -1), "", false},
		"expires late":        {policy(0, 90*24*3600, -1, -1), "", false},
		"grace login":         {policy(0, -1, 2, -1), sdk.ReasonPasswordExpired, false},
		"last grace login":    {policy(0, -1, 0, -1), sdk.ReasonPasswordExpired, false},
		"must change":         {policy(0, -1, -1, 2), sdk.ReasonPasswordMustChange, false},
		"expired":             {policy(wrong, -1, -1, 0), sdk.ReasonPasswordExpired, false},
		"locked":              {policy(wrong, -1, -1, 1), sdk.ReasonAccountLocked, true},
		"wrong, no word":      {policy(wrong, -1, -1, -1), sdk.ReasonBadCredentials, false},
		"389 retry limit":     {ldaptest.Answer{Code: 19}, sdk.ReasonAccountLocked, true},
		"389 inactivated":     {ldaptest.Answer{Code: 53}, sdk.ReasonAccountDisabled, true},
		"389 must change":     {vchu(0, "2.16.840.1.113730.3.4.4", "0"), sdk.ReasonPasswordMustChange, false},
		"389 expires":         {vchu(0, "2.16.840.1.113730.3.4.5", "3600"), "", false},
		"unknown control":     {vchu(0, "1.2.3.4", "x"), "", false},
		"no password at all":  {ldaptest.Answer{Code: 48}, sdk.ReasonBadCredentials, false},
		"gone meanwhile":      {ldaptest.Answer{Code: 32}, sdk.ReasonBadCredentials, false},
		"SASL in progress":    {ldaptest.Answer{Code: 14}, "unavailable", false},
		"result of no number": {ldaptest.Answer{Code: 123}, "unavailable", false},
	} {
		t.Run(name, func(t *testing.T) {
			carol := person("carol", "secret", nil)
			carol.Any = &test.answer
			dir := start(t, ldaptest.Config{Entries: entries(carol)})
			step, err := openRig(t, nil, dir).enter("carol", "secret")
			switch {
			case test.reason == "":
				identityOf(t, step, err)
			case test.reason == "unavailable":
				plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonSearchRefused)
			case test.denied:
				plugintest.Refused(t, err, sdk.ErrDenied, test.reason)
			default:
				wantPrompt(t, step, err, test.reason)
			}
		})
	}
}

func policy(code uint16, expire, grace, failure int64) ldaptest.Answer {
	return ldaptest.Answer{Code: code, Controls: []ldaptest.Control{ldaptest.Policy(expire, grace, failure)}}
}

func vchu(code uint16, oid, value string) ldaptest.Answer {
	return ldaptest.Answer{Code: code, Controls: []ldaptest.Control{{OID: oid, Value: []byte(value)}}}
}

// TestBindCodes: the result code of a bind concerns the user, except that the next server is
// asked if a server reached its own limits.
func TestBindCodes(t *testing.T) {
	for code, want := range map[uint16]struct {
		kind   error
		reason sdk.Reason
	}{
		1:  {sdk.ErrDenied, sdk.ReasonNotAllowed}, // operationsError
		50: {sdk.ErrDenied, sdk.ReasonNotAllowed}, // insufficientAccessRights
		19: {sdk.ErrDenied, sdk.ReasonAccountLocked},
		53: {sdk.ErrDenied, sdk.ReasonAccountDisabled},
		49: {nil, sdk.ReasonBadCredentials}, 48: {nil, sdk.ReasonBadCredentials}, 32: {nil, sdk.ReasonBadCredentials},
		34: {nil, sdk.ReasonBadCredentials}, 16: {nil, sdk.ReasonBadCredentials},
		2: {sdk.ErrMisconfigured, account.ReasonBindRefused}, 7: {sdk.ErrMisconfigured, account.ReasonBindRefused},
		10: {sdk.ErrMisconfigured, account.ReasonBindRefused}, 12: {sdk.ErrMisconfigured, account.ReasonBindRefused},
		8: {sdk.ErrMisconfigured, directory.ReasonSearchRefused}, 13: {sdk.ErrMisconfigured, directory.ReasonSearchRefused},
		3: {sdk.ErrUnavailable, directory.ReasonUnreachable}, 11: {sdk.ErrUnavailable, directory.ReasonUnreachable},
		51: {sdk.ErrUnavailable, directory.ReasonUnreachable}, 52: {sdk.ErrUnavailable, directory.ReasonUnreachable}, 80: {sdk.ErrUnavailable, directory.ReasonUnreachable},
	} {
		for way, values := range map[string]map[string]any{"search": nil, "template": {"user_dn_template": "uid={username}," + people}} {
			t.Run(fmt.Sprint(way, " ", code), func(t *testing.T) {
				t.Parallel()
				carol := person("carol", "secret", nil)
				carol.Any = &ldaptest.Answer{Code: code}
				dir := start(t, ldaptest.Config{Entries: entries(carol)})
				step, err := openRig(t, values, dir).enter("carol", "secret")
				if want.kind == nil {
					wantPrompt(t, step, err, want.reason)
					return
				}
				plugintest.Refused(t, err, want.kind, want.reason)
				if want.kind != sdk.ErrUnavailable {
					return
				}
				next := start(t, ldaptest.Config{Entries: entries(person("carol", "secret", nil))})
				values := maps.Clone(values)
				if values == nil {
					values = map[string]any{}
				}
				values["tls_ca"] = dir.CA() + next.CA()
				openRig(t, values, dir, next).signIn("carol", "secret")
			})
		}
	}
}

// TestRefusalOfAnybody: if the directory refuses before it looks at the account, an unknown
// name gets the same answer as a known one.
func TestRefusalOfAnybody(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	dir.Misbehave(func(r ldaptest.Request) bool {
		return r.Operation == ldaptest.Bind && r.DN != readerDN && ldaptest.Reply(ldaptest.Answer{Code: 1})(r)
	})
	r := openRig(t, nil, dir)
	_, known := r.enter("alice", "a guess")
	_, unknown := r.enter("nobody", "a guess")
	plugintest.Refused(t, known, sdk.ErrDenied, sdk.ReasonNotAllowed)
	if unknown == nil || known == nil || unknown.Error() != known.Error() {
		t.Errorf("known: %v, unknown: %v", known, unknown)
	}
	concealed := openRig(t, map[string]any{"conceal_lockout": true}, dir)
	for _, name := range []string{"alice", "nobody"} {
		step, err := concealed.enter(name, "a guess")
		wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	}
}

// TestOddBindCodes: any other result code signs nobody in, and is reported by its name or
// number.
func TestOddBindCodes(t *testing.T) {
	for code, word := range map[uint16]string{5: "Compare False", 6: "Compare True", 9: "result code 9", 14: "Sasl Bind In Progress", 33: "Alias Problem", 72: "result code 72"} {
		dir := start(t, ldaptest.Config{})
		dir.Misbehave(func(r ldaptest.Request) bool {
			return r.Operation == ldaptest.Bind && r.DN != readerDN && ldaptest.Reply(ldaptest.Answer{Code: code})(r)
		})
		r := openRig(t, nil, dir)
		for _, name := range []string{"alice", "nobody"} {
			_, err := r.enter(name, alicePassword)
			plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonSearchRefused)
			if err != nil && !strings.Contains(err.Error(), word) {
				t.Errorf("%d: %v", code, err)
			}
		}
	}
}

// TestBindCodesCountAsWrong: a refusal that any password gets does not prove the password.
func TestBindCodesCountAsWrong(t *testing.T) {
	carol := person("carol", "secret", nil)
	carol.Any = &ldaptest.Answer{Code: 50}
	dir := start(t, ldaptest.Config{Entries: entries(carol)})
	r := openRig(t, map[string]any{"max_wrong_passwords": "2"}, dir)
	for range 2 {
		_, err := r.enter("carol", "a guess")
		plugintest.Refused(t, err, sdk.ErrDenied, sdk.ReasonNotAllowed)
	}
	step, err := r.enter("carol", "a guess")
	wantPrompt(t, step, err, sdk.ReasonBadCredentials)
}

// TestConcealLockout: people who do not know the password do not learn that the name exists.
func TestConcealLockout(t *testing.T) {
	for _, answer := range []*ldaptest.Answer{ldaptest.ActiveDirectory("775"), ptr(policy(49, -1, -1, 1)), {Code: 19}, {Code: 53}, {Code: 50}, {Code: 1}} {
		carol := person("carol", "secret", nil)
		carol.Any = answer
		dir := start(t, ldaptest.Config{Entries: entries(carol)})
		step, err := openRig(t, map[string]any{"conceal_lockout": true}, dir).enter("carol", "secret")
		wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	}
}

// TestPasswordExpiresAt: users are warned before the password expires.
func TestPasswordExpiresAt(t *testing.T) {
	now := plugintest.NewClock()
	at := func(d time.Duration) time.Time { return now.Now().Add(d) }
	day := 24 * time.Hour
	for name, test := range map[string]struct {
		attributes map[string][]string
		answer     *ldaptest.Answer
		values     map[string]any
		want       time.Time
	}{
		"never":           {nil, nil, nil, time.Time{}},
		"AD soon":         {map[string][]string{"msDS-UserPasswordExpiryTimeComputed": {filetimeOf(at(3 * day))}}, nil, nil, at(3 * day)},
		"AD late":         {map[string][]string{"msDS-UserPasswordExpiryTimeComputed": {filetimeOf(at(30 * day))}}, nil, nil, time.Time{}},
		"AD never":        {map[string][]string{"msDS-UserPasswordExpiryTimeComputed": {"9223372036854775807"}}, nil, nil, time.Time{}},
		"warned earlier":  {map[string][]string{"msDS-UserPasswordExpiryTimeComputed": {filetimeOf(at(30 * day))}}, nil, map[string]any{"password_warning": "60d"}, at(30 * day)},
		"policy":          {nil, &ldaptest.Answer{Controls: []ldaptest.Control{ldaptest.Policy(3600, -1, -1)}}, nil, at(time.Hour)},
		"shadow":          {map[string][]string{"shadowLastChange": {daysOf(at(0))}, "shadowMax": {"4"}}, nil, nil, time.Unix((now.Now().Unix()/86400+5)*86400, 0).UTC()},
		"the earlier one": {map[string][]string{"krbPasswordExpiration": {at(5 * day).Format("20060102150405Z")}}, &ldaptest.Answer{Controls: []ldaptest.Control{ldaptest.Policy(3600, -1, -1)}}, nil, at(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			carol := person("carol", "secret", test.attributes)
			carol.Right = test.answer
			dir := start(t, ldaptest.Config{Entries: entries(carol)})
			got := openRigAt(t, now.Now, test.values, dir).signIn("carol", "secret")
			if !got.PasswordExpiresAt.Equal(test.want) {
				t.Errorf("PasswordExpiresAt %v, want %v", got.PasswordExpiresAt, test.want)
			}
		})
	}
}

// change answers a prompt for a new password.
func change(r *rig, step sdk.Step, previous, chosen, again string) (sdk.Step, error) {
	r.t.Helper()
	return r.reply(step, map[string]string{fieldPassword: previous, fieldNew: chosen, fieldAgain: again})
}

// TestChangePassword: an expired password is changed, and the login continues.
func TestChangePassword(t *testing.T) {
	guid := "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
	for name, test := range map[string]struct {
		right      *ldaptest.Answer
		attributes map[string][]string
		values     map[string]any
		by         string // the identity that requests the change
	}{
		"policy: expired":      {ptr(policy(49, -1, -1, 0)), nil, nil, readerDN},
		"policy: must change":  {ptr(policy(0, -1, -1, 2)), nil, nil, "uid=carol," + people},
		"policy: grace":        {ptr(policy(0, -1, 1, -1)), nil, nil, "uid=carol," + people},
		"shadow":               {nil, map[string][]string{"shadowLastChange": {"0"}}, nil, "uid=carol," + people},
		"AD: must change":      {ldaptest.ActiveDirectory("773"), map[string][]string{"entryUUID": nil, "objectGUID": {guid}, "userAccountControl": {"512"}, "pwdLastSet": {"0"}}, nil, readerDN},
		"AD: expired, preset":  {ldaptest.ActiveDirectory("532"), map[string][]string{"objectClass": {"user"}, "objectCategory": {"person"}, "objectGUID": {guid}}, map[string]any{"preset": "active-directory"}, readerDN},
		"extended, though AD":  {ptr(policy(49, -1, -1, 0)), map[string][]string{"objectGUID": {guid}}, map[string]any{"password_change": "extended-operation"}, readerDN},
		"template, no service": {ptr(policy(0, -1, -1, 2)), nil, map[string]any{"user_dn_template": "uid={username}," + people, "bind_dn": nil, "bind_password": nil}, "uid=carol," + people},
		"template and service": {ptr(policy(0, -1, -1, 2)), nil, map[string]any{"user_dn_template": "uid={username}," + people}, "uid=carol," + people},
		"subject is the DN":    {ptr(policy(49, -1, -1, 0)), nil, map[string]any{"id_attribute": "dn"}, readerDN},
	} {
		t.Run(name, func(t *testing.T) {
			carol := person("carol", "old secret", test.attributes)
			carol.Right = test.right
			config := ldaptest.Config{LDAPS: true, Entries: entries(carol), MinPassword: 8}
			if test.values["bind_dn"] == nil && test.values != nil && test.by != readerDN {
				config.OnlySearcher = "uid=carol," + people
			}
			if name == "template and service" {
				config.OnlySearcher = readerDN
			}
			dir := start(t, config)
			r := openRig(t, test.values, dir)
			step, err := r.enter("carol", "old secret")
			if _, ok := step.(sdk.Prompt); err != nil || !ok {
				t.Fatalf("got %T %+v, %v", step, step, err)
			}
			first := step
			step, err = change(r, first, "old secret", "new secret", "other secret")
			wantPrompt(t, step, err, sdk.ReasonPasswordsDiffer)
			step, err = change(r, step, "old secret", "old secret", "old secret")
			wantPrompt(t, step, err, sdk.ReasonPasswordRejected)
			step, err = change(r, step, "old secret", "short", "short")
			wantPrompt(t, step, err, sdk.ReasonPasswordRejected)
			step, err = change(r, step, "wrong", "new secret", "new secret")
			wantPrompt(t, step, err, sdk.ReasonBadCredentials)
			if got := dir.Counts().Changes; got != 0 {
				t.Errorf("%d changes so far", got)
			}
			step, err = change(r, step, "old secret", "new sécret", "new sécret")
			if got := identityOf(t, step, err); got.Username != "carol" || got.Subject == "" {
				t.Errorf("identity %+v", got)
			}
			if got := dir.Changers(); len(got) == 0 || got[len(got)-1] != test.by {
				t.Errorf("changed by %q, want %q", got, test.by)
			}
			r.signIn("carol", "new sécret")
			step, err = r.enter("carol", "old secret")
			wantPrompt(t, step, err, sdk.ReasonBadCredentials)
		})
	}
}

func ptr[T any](v T) *T { return &v }

// TestChangePasswordThenNothing: a server that falls silent after the change has changed the
// password. The change is not repeated on another server, and the user is not told that the
// old password is wrong.
func TestChangePasswordThenNothing(t *testing.T) {
	carol := person("carol", "old secret", nil)
	carol.Right = ptr(policy(49, -1, -1, 0))
	first, second := start(t, ldaptest.Config{Entries: entries(carol)}), start(t, ldaptest.Config{Entries: entries(carol)})
	r := openRig(t, nil, first, second)
	step, err := r.enter("carol", "old secret")
	wantPrompt(t, step, err, sdk.ReasonPasswordExpired)
	first.Misbehave(ldaptest.On(ldaptest.Bind, func(r ldaptest.Request) bool { return r.Password == "new secret" }))
	_, err = change(r, step, "old secret", "new secret", "new secret")
	plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonUnreachable)
	if got := second.Changers(); len(got) > 0 {
		t.Errorf("the second server was asked to change the password, too, by %q", got)
	}
	first.Misbehave(nil)
	openRig(t, nil, first).signIn("carol", "new secret")
}

// TestChangePasswordGivesUp: the prompt cannot be used to guess the old password, or to
// change the password of another user.
func TestChangePasswordGivesUp(t *testing.T) {
	carol := person("carol", "old secret", nil)
	carol.Right = ptr(policy(49, -1, -1, 0))
	dir := start(t, ldaptest.Config{Entries: entries(carol)})
	r := openRig(t, nil, dir)
	step, err := r.enter("carol", "old secret")
	for range maxChangeTries - 1 {
		wantPrompt(t, step, err, step.(sdk.Prompt).Reason)
		step, err = change(r, step, "wrong", "new secret", "new secret")
	}
	_, err = change(r, step, "wrong", "new secret", "new secret")
	plugintest.Refused(t, err, sdk.ErrDenied, sdk.ReasonBadCredentials)

	step, err = r.enter("carol", "old secret")
	wantPrompt(t, step, err, sdk.ReasonPasswordExpired)
	if memory := string(step.(sdk.Prompt).Memory); len(memory) > sdk.MaxMemory || containsAny(memory, "old secret") {
		t.Errorf("memory %q", memory)
	}
	step, err = change(r, step, "", "new secret", "new secret")
	wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	dir.Change(func(list []ldaptest.Entry) []ldaptest.Entry { return list[:len(list)-1] })
	_, err = change(r, step, "old secret", "new secret", "new secret")
	plugintest.Refused(t, err, sdk.ErrDenied, reasonRemoved)
}

// TestChangePasswordRefused: problems that only the operator can solve are reported to the
// operator.
func TestChangePasswordRefused(t *testing.T) {
	for _, code := range []uint16{2, 50, 53} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			carol := person("carol", "old secret", nil)
			carol.Right = ptr(policy(49, -1, -1, 0))
			dir := start(t, ldaptest.Config{Entries: entries(carol)})
			dir.Misbehave(ldaptest.On(ldaptest.PasswordModify, ldaptest.Reply(ldaptest.Answer{Code: code, Text: "no: new secret"})))
			r := openRig(t, nil, dir)
			step, err := r.enter("carol", "old secret")
			wantPrompt(t, step, err, sdk.ReasonPasswordExpired)
			_, err = change(r, step, "old secret", "new secret", "new secret")
			plugintest.Refused(t, err, sdk.ErrMisconfigured, account.ReasonChangeRefused)
			if containsAny(err.Error(), "secret") {
				t.Errorf("a password in %v", err)
			}
		})
	}
}

// TestChangePasswordOnce: a change whose answer was lost is not repeated on another server.
func TestChangePasswordOnce(t *testing.T) {
	carol := person("carol", "old secret", nil)
	carol.Right = ptr(policy(49, -1, -1, 0))
	first, second := start(t, ldaptest.Config{Entries: entries(carol)}), start(t, ldaptest.Config{Entries: entries(carol)})
	r := openRig(t, map[string]any{"operation_timeout": "300ms"}, first, second)
	step, err := r.enter("carol", "old secret")
	wantPrompt(t, step, err, sdk.ReasonPasswordExpired)
	first.Misbehave(ldaptest.On(ldaptest.PasswordModify, ldaptest.Silent))
	_, err = change(r, step, "old secret", "new secret", "new secret")
	plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonUnreachable)
	if got := second.Counts().Changes; got != 0 {
		t.Errorf("%d changes at the second server", got)
	}
}

// TestShadowLastChange: the day of the change is written, so that the next login does not ask
// again.
func TestShadowLastChange(t *testing.T) {
	carol := person("carol", "old secret", map[string][]string{"shadowLastChange": {"100"}, "shadowMax": {"90"}})
	dir := start(t, ldaptest.Config{Entries: entries(carol)})
	r := openRig(t, nil, dir)
	step, err := r.enter("carol", "old secret")
	wantPrompt(t, step, err, sdk.ReasonPasswordExpired)
	step, err = change(r, step, "old secret", "new secret", "new secret")
	identityOf(t, step, err)
	r.signIn("carol", "new secret")
}
