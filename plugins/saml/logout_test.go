package main

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/bindings"
	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
)

// logoutRig has a key of Doorward, and alice is signed in.
func logoutRig(t *testing.T, values map[string]any) (*rig, sdk.Identity) {
	t.Helper()
	r := encryptionRig(t, values)
	identity, err := r.login(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, identity
}

func (r *rig) receive(query string, form url.Values) (sdk.Logout, error) {
	r.t.Helper()
	return r.receiveWith(query, form, "", nil)
}

func (r *rig) receiveWith(query string, form url.Values, state string, memory []byte) (sdk.Logout, error) {
	r.t.Helper()
	req := sdk.InboundRequest{Method: "POST", Form: form}
	if form == nil {
		values, _ := url.ParseQuery(query)
		req = sdk.InboundRequest{Method: "GET", RawQuery: query, Query: values}
	}
	return r.ReceiveLogout(r.t.Context(), sdk.LogoutMessage{Request: req, State: state, Memory: memory})
}

// TestLogout begins a logout, and reads each answer by both bindings.
func TestLogout(t *testing.T) {
	r, identity := logoutRig(t, nil)
	for _, test := range []struct {
		status []string
		want   sdk.LogoutOutcome
	}{
		{[]string{samltest.Success}, sdk.LogoutDone},
		{[]string{samltest.Success, saml2.StatusPartialLogout}, sdk.LogoutPartial},
		{[]string{saml2.StatusResponder, saml2.StatusPartialLogout}, sdk.LogoutPartial},
		{[]string{saml2.StatusRequester}, sdk.LogoutPartial},
	} {
		step, err := r.BeginLogout(t.Context(), sdk.LogoutRequest{State: state, Subject: identity.Subject, Grant: identity.Grant})
		if err != nil {
			t.Fatal(err)
		}
		redirect := step.(sdk.Redirect)
		asked, err := samltest.ReadLogout(query(t, redirect.URL), true)
		if err != nil || asked.NameID != "alice-0001" || asked.SessionIndex != identity.SessionID || !asked.Signed || asked.RelayState != state || asked.Issuer != usURL {
			t.Errorf("%+v %v", asked, err)
		}
		answer := r.idp.LogoutResponse(sloURL, asked.ID, test.status...)
		got, err := r.receiveWith(answer.Query(state), nil, state, redirect.Memory)
		if err != nil || got.Outcome != test.want {
			t.Errorf("%q: %+v %v", test.status, got, err)
		}
		got, err = r.receiveWith("", answer.Form(state), state, redirect.Memory)
		if err != nil || got.Outcome != test.want {
			t.Errorf("%q: %+v %v", test.status, got, err)
		}
		_, err = r.receive(answer.Query(state), nil)
		refused(t, err, reasonUnsolicited)
		answer.InResponseTo = "_other"
		_, err = r.receiveWith(answer.Query(state), nil, state, redirect.Memory)
		refused(t, err, validation.ReasonInResponseTo)
	}
}

func TestLogoutNothingToDo(t *testing.T) {
	r, identity := logoutRig(t, nil)
	if step, err := r.BeginLogout(t.Context(), sdk.LogoutRequest{State: state}); step != nil || err != nil {
		t.Errorf("without a grant: %v %v", step, err)
	}
	keyless := openRig(t, samltest.Config{}, nil)
	if step, err := keyless.BeginLogout(t.Context(), sdk.LogoutRequest{State: state, Grant: identity.Grant}); step != nil || err != nil {
		t.Errorf("without a key: %v %v", step, err)
	}
	metadata := r.idp.Metadata()
	metadata.SLO = nil
	without, _ := logoutRig(t, map[string]any{"idp_metadata": string(metadata.XML())})
	if step, err := without.BeginLogout(t.Context(), sdk.LogoutRequest{State: state, Grant: identity.Grant}); step != nil || err != nil {
		t.Errorf("without an endpoint: %v %v", step, err)
	}
}

// TestLogoutByPost logs out at an identity provider with one binding only, and a separate
// location for answers.
func TestLogoutByPost(t *testing.T) {
	metadata := samltest.New(samltest.Config{URL: idpURL}).Metadata()
	metadata.SLO = [][2]string{{samltest.Post, idpURL + "/slo"}}
	text := strings.Replace(string(metadata.XML()), `Location="`+idpURL+`/slo"`, `Location="`+idpURL+`/slo" ResponseLocation="`+idpURL+`/answers"`, 1)
	r, identity := logoutRig(t, map[string]any{"idp_metadata": text})
	step, err := r.BeginLogout(t.Context(), sdk.LogoutRequest{State: state, Subject: identity.Subject, Grant: identity.Grant})
	if err != nil {
		t.Fatal(err)
	}
	post := step.(sdk.FormPost)
	asked, err := samltest.ReadLogout(form(post), false)
	if err != nil || post.URL != idpURL+"/slo" || asked.NameID != "alice-0001" || !asked.Signed || asked.RelayState != state || len(post.Memory) == 0 {
		t.Errorf("%s %+v %v", post.URL, asked, err)
	}
	got, err := r.receive(r.idp.LogoutRequest(sloURL, alice).Query(""), nil) // by redirect
	if err != nil {
		t.Fatal(err)
	}
	if answer := got.Reply.(sdk.FormPost); answer.URL != idpURL+"/answers" {
		t.Errorf("the answer goes to %s", answer.URL)
	}
}

// TestLogoutRequest: a request of the identity provider ends the sessions that it names, by
// the names that the login gave them.
func TestLogoutRequest(t *testing.T) {
	for _, values := range []map[string]any{{}, {"identifier_key": "uid"}} {
		r, identity := logoutRig(t, values)
		subject := firstOf(identity.LogoutSubject, identity.Subject)
		for _, indexes := range [][]string{nil, {identity.SessionID}, {"a", "b", "c"}} {
			request := r.idp.LogoutRequest(sloURL, alice, indexes...)
			byQuery, err := r.receive(request.Query("their state"), nil)
			if err != nil {
				t.Fatal(err)
			}
			byForm, err := r.receive("", request.Form("their state"))
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range []sdk.Logout{byQuery, byForm} {
				if got.Subject != subject || !slices.Equal(got.SessionIDs, indexes) || got.Outcome != "" || got.OnceID == "" || !got.OnceUntil.After(r.clock.Now()) {
					t.Errorf("%+v", got)
				}
			}
			answer, err := samltest.ReadLogout(query(t, byQuery.Reply.(sdk.Redirect).URL), true)
			if err != nil || answer.InResponseTo != request.ID || answer.Status != samltest.Success || !answer.Signed || answer.RelayState != "their state" || answer.Destination != idpURL+"/slo" {
				t.Errorf("%+v %v", answer, err)
			}
			answer, err = samltest.ReadLogout(form(byForm.Reply.(sdk.FormPost)), false)
			if err != nil || answer.InResponseTo != request.ID || !answer.Signed {
				t.Errorf("%+v %v", answer, err)
			}
		}
	}
	r, identity := logoutRig(t, nil)
	request := r.idp.LogoutRequest(sloURL, alice)
	request.EncryptNameID = to(samltest.OtherKey())
	if got, err := r.receive(request.Query(""), nil); err != nil || got.Subject != identity.Subject {
		t.Errorf("encrypted: %+v %v", got, err)
	}
	other, err := r.receive(r.idp.LogoutRequest(sloURL, samltest.User{NameID: "bob"}).Query(""), nil)
	if err != nil || other.Subject == identity.Subject {
		t.Errorf("another user: %+v %v", other, err)
	}
}

// TestH32_Logout refuses messages with any fault, by both bindings.
func TestH32_Logout(t *testing.T) {
	r, _ := logoutRig(t, nil)
	at := func(d time.Duration) string { return samltest.Time(r.clock.Now().Add(d)) }
	for _, test := range []struct {
		name   string
		reason sdk.Reason
		change func(*samltest.LogoutDraft)
	}{
		{"unsigned", reasonUnsigned, func(d *samltest.LogoutDraft) { d.Signing.Key = samltest.Key{} }},
		{"a key of nobody", idp.ReasonSignature, func(d *samltest.LogoutDraft) { d.Signing.Key = samltest.OtherKey() }},
		{"SHA-1", idp.ReasonAlgorithm, func(d *samltest.LogoutDraft) { d.Signing.Method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1" }},
		{"another issuer", validation.ReasonIssuer, func(d *samltest.LogoutDraft) { d.Issuer = "https://evil.example" }},
		{"no issuer", validation.ReasonIssuer, func(d *samltest.LogoutDraft) { d.Issuer = "" }},
		{"another destination", validation.ReasonDestination, func(d *samltest.LogoutDraft) { d.Destination = acsURL }},
		{"no destination", validation.ReasonDestination, func(d *samltest.LogoutDraft) { d.Destination = "" }},
		{"version", validation.ReasonVersion, func(d *samltest.LogoutDraft) { d.Version = "1.1" }},
		{"issued long ago", validation.ReasonIssueInstant, func(d *samltest.LogoutDraft) { d.IssueInstant = at(-7 * time.Minute) }},
		{"over", validation.ReasonExpired, func(d *samltest.LogoutDraft) { d.NotOnOrAfter = at(-time.Minute) }},
		{"nobody", reasonLogoutRequest, func(d *samltest.LogoutDraft) { d.NameID = "" }},
		{"an empty session index", reasonLogoutRequest, func(d *samltest.LogoutDraft) { d.SessionIndexes = []string{""} }},
		{"too many sessions", reasonLogoutRequest, func(d *samltest.LogoutDraft) {
			d.SessionIndexes = slices.Repeat([]string{"x"}, sdk.MaxLogoutSessions+1)
		}},
	} {
		request := r.idp.LogoutRequest(sloURL, alice)
		test.change(request)
		_, err := r.receive(request.Query("x"), nil)
		t.Run(test.name+", redirect", func(t *testing.T) { refused(t, err, test.reason) })
		_, err = r.receive("", request.Form("x"))
		t.Run(test.name+", post", func(t *testing.T) { refused(t, err, test.reason) })
	}
}

// TestH32_RawQuery: the signature covers the bytes of the query, and nothing may be read
// differently from what was verified.
func TestH32_RawQuery(t *testing.T) {
	r, _ := logoutRig(t, nil)
	good := r.idp.LogoutRequest(sloURL, alice).Query("their state")
	other := r.idp.LogoutRequest(sloURL, samltest.User{NameID: "bob"}).Query("their state")
	bare := r.idp.LogoutRequest(sloURL, alice).Query("")
	if _, err := r.receive(good+"&lang=en", nil); err != nil {
		t.Fatalf("another parameter: %v", err)
	}
	part := func(query, name string) string {
		for p := range strings.SplitSeq(query, "&") {
			if strings.HasPrefix(p, name+"=") {
				return p
			}
		}
		t.Fatalf("no %s", name)
		return ""
	}
	join := func(parts ...string) string { return strings.Join(parts, "&") }
	message, relay, alg, signature := part(good, "SAMLRequest"), part(good, "RelayState"), part(good, "SigAlg"), part(good, "Signature")
	for _, query := range []string{
		join(message, alg, relay, signature), join(relay, alg, signature, message), join(signature, alg, relay, message), join("x=y", alg, message, "z", signature, relay),
	} {
		if got, err := r.receive(query, nil); err != nil || got.Subject != alice.NameID {
			t.Errorf("in another order: %+v %v", got, err)
		}
	}
	for _, test := range []struct {
		name, query string
		reason      sdk.Reason
	}{
		{"another message", join(part(other, "SAMLRequest"), relay, alg, signature), idp.ReasonSignature},
		{"another RelayState", join(message, "RelayState=x", alg, signature), idp.ReasonSignature},
		{"no RelayState", join(message, alg, signature), idp.ReasonSignature},
		{"escaped in another way", join(message, "RelayState=their%20state", alg, signature), idp.ReasonSignature},
		{"another message, last", join(relay, alg, signature, part(other, "SAMLRequest")), idp.ReasonSignature},
		{"the message first and last", join(message, relay, alg, signature, message), bindings.ReasonMessageDuplicate},
		{"the signature first and last", join(signature, message, relay, alg, part(other, "Signature")), bindings.ReasonMessageDuplicate},
		{"a RelayState that is not signed, in front", join("RelayState=x", part(bare, "SAMLRequest"), alg, part(bare, "Signature")), idp.ReasonSignature},
		{"a RelayState that is not signed, empty", join(part(bare, "SAMLRequest"), alg, part(bare, "Signature"), "RelayState="), idp.ReasonSignature},
		{"a response first", join("SAMLResponse=x", message, relay, alg, signature), bindings.ReasonMessageDuplicate},
		{"a response last", join(message, relay, alg, signature, "SAMLResponse=x"), bindings.ReasonMessageDuplicate},
		{"signed in the order of the URL", signedAsWritten(t, r, good, "RelayState", "SAMLRequest", "SigAlg"), idp.ReasonSignature},
		{"the message twice", join(message, message, relay, alg, signature), bindings.ReasonMessageDuplicate},
		{"a second message, escaped", join(message, relay, alg, signature, strings.Replace(part(other, "SAMLRequest"), "SAMLRequest", "%53AMLRequest", 1)), bindings.ReasonMessageDuplicate},
		{"a response, too", join(message, "SAMLResponse=x", relay, alg, signature), bindings.ReasonMessageDuplicate},
		{"other letters", join(message, relay, alg, signature, "samlrequest=x"), bindings.ReasonMessageDuplicate},
		{"a RelayState, escaped, that is not signed", join(part(bare, "SAMLRequest"), "%52elayState=x", alg, part(bare, "Signature")), bindings.ReasonMessageDuplicate},
		{"no SigAlg", join(message, relay, signature), reasonUnsigned},
		{"no Signature", join(message, relay, alg), idp.ReasonSignature},
		{"SigAlg SHA-1", join(message, relay, "SigAlg="+url.QueryEscape("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), signature), idp.ReasonAlgorithm},
		{"nothing", "", bindings.ReasonMessageMissing},
		{"H33 white space, deflated", "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(samltest.Deflate([]byte("   \n")))), reasonXML},
		{"H33 empty", "SAMLRequest=", bindings.ReasonMessageEncoding},
		{"I10 no deflate", "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("<x/>"))), bindings.ReasonMessageEncoding},
		{"I10 a zlib header", "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(append([]byte{0x78, 0x9c}, samltest.Deflate([]byte("<x/>"))...))), bindings.ReasonMessageEncoding},
		{"I10 something behind", "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(append(samltest.Deflate([]byte("<x/>")), 1, 2, 3))), bindings.ReasonMessageEncoding},
		{"I10 cut off", "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(samltest.Deflate([]byte(strings.Repeat("<x/>", 99)))[:9])), bindings.ReasonMessageEncoding},
		{"I10 a bomb", "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(samltest.Deflate(make([]byte, 20<<20)))), bindings.ReasonMessageEncoding},
	} {
		_, err := r.receive(test.query, nil)
		t.Run(test.name, func(t *testing.T) { refused(t, err, test.reason) })
	}
	_, err := r.receive("", url.Values{"SAMLResponse": {""}}) // H33
	refused(t, err, reasonXML)
	_, err = r.receive("", url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf(`<p:Response xmlns:p=%q/>`, saml2.Protocol)))}})
	refused(t, err, validation.ReasonStructure)
}

// signedAsWritten signs the parameters of a query in another order than the specified one.
func signedAsWritten(t *testing.T, r *rig, query string, order ...string) string {
	t.Helper()
	var parts []string
	for _, name := range order {
		for p := range strings.SplitSeq(query, "&") {
			if strings.HasPrefix(p, name+"=") {
				parts = append(parts, p)
			}
		}
	}
	text := strings.Join(parts, "&")
	value := samltest.SignBytes([]byte(text), samltest.RSASHA256, r.idp.Key())
	return text + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(value))
}
