package contract

import (
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
)

// A Case is a value that crosses the boundary, and the rule that it breaks. The tests
// of both ends and of the conformance suite use the same cases.
type Case struct {
	Rule  Rule // empty: the value is valid
	Name  string
	Value any // an sdk.Step, sdk.Logout, sdk.Document or []sdk.Finding
}

// Cases returns the table of valid and invalid values: for each rule, values that just
// keep it and values that just break it.
func Cases(now time.Time) []Case {
	return slices.Concat(redirectCases(), formCases(), promptCases(), identityCases(now), answerCases(now))
}

// Check checks the value of a case with the check for its call, as if a logout that the
// host began were under way.
func (c Case) Check(now time.Time) error {
	switch v := c.Value.(type) {
	case sdk.Logout:
		return CheckLogout(v, true, now)
	case sdk.Document:
		return CheckDocument(v)
	case []sdk.Finding:
		return CheckFindings(v)
	case sdk.Step:
		return CheckContinue(v, now)
	default:
		return CheckContinue(nil, now)
	}
}

const caseURL = "https://idp.example/"

func redirectCases() []Case {
	to := func(url string) sdk.Redirect { return sdk.Redirect{URL: url} }
	return []Case{
		{"", "a redirect", to(caseURL + "?a=b%20c#d")},
		{"", "a redirect to localhost", to("http://localhost:9/")},
		{"", "a redirect to LOCALHOST", to("http://LOCALHOST:9/")},
		{"", "a redirect to loopback", to("http://[::1]:9/")},
		{"", "as much memory", sdk.Redirect{URL: caseURL, Memory: make([]byte, sdk.MaxMemory)}},
		{"", "as long a URL", to(caseURL + strings.Repeat("a", sdk.MaxURL-len(caseURL)))},
		{RuleStep, "no step", nil},
		{RuleMemory, "more memory", sdk.Redirect{URL: caseURL, Memory: make([]byte, sdk.MaxMemory+1)}},
		{RuleRedirectURL, "a blank", to(caseURL + "a b")},
		{RuleRedirectURL, "a letter beyond ASCII", to(caseURL + "ä")},
		{RuleRedirectURL, "a backslash in the host", to(`https://idp.example\@evil.example/`)},
		{RuleRedirectURL, "a backslash in the path", to(caseURL + `\evil.example`)},
		{RuleRedirectURL, "a line break", to(caseURL + "\r\nSet-Cookie: a=b")},
		{RuleRedirectURL, "no host", to("https://:443/")},
		{RuleRedirectURL, "relative", to("/login")},
		{RuleRedirectURL, "a user name", to("https://user@idp.example/")},
		{RuleRedirectURL, "a script", to("javascript:alert(1)")},
		{RuleRedirectURL, "plain http", to("http://idp.example/")},
		{RuleRedirectURL, "a name below localhost", to("http://a.localhost/")},
		{RuleRedirectURL, "too long", to(caseURL + strings.Repeat("a", sdk.MaxURL))},
	}
}

func formCases() []Case {
	post := func(name, value string) sdk.FormPost {
		return sdk.FormPost{URL: caseURL, Fields: []sdk.FormField{{Name: name, Value: value}}}
	}
	fields := func(n int) sdk.FormPost {
		return sdk.FormPost{URL: caseURL, Fields: slices.Repeat([]sdk.FormField{{Name: "a", Value: "b"}}, n)}
	}
	return []Case{
		{"", "a form", post("SAMLRequest", "PHg+\n")},
		{"", "a form without fields", sdk.FormPost{URL: caseURL}},
		{"", "as many fields", fields(sdk.MaxFormFields)},
		{"", "as large a form", post("a", strings.Repeat("x", sdk.MaxFormBytes-1))},
		{RuleMemory, "a form with more memory", sdk.FormPost{URL: caseURL, Memory: make([]byte, sdk.MaxMemory+1)}},
		{RuleFormURL, "a form to a script", sdk.FormPost{URL: "javascript:alert(1)"}},
		{RuleFormURL, "a form to nowhere", sdk.FormPost{}},
		{RuleFormFields, "too many fields", fields(sdk.MaxFormFields + 1)},
		{RuleFormFields, "too large a value", post("a", strings.Repeat("x", sdk.MaxFormBytes))},
		{RuleFormFields, "too large a name", post(strings.Repeat("x", sdk.MaxFormBytes), "a")},
		{RuleFormText, "a name that is not UTF-8", post("\xff", "a")},
		{RuleFormText, "a value that is not UTF-8", post("a", "\xff")},
	}
}

func promptCases() []Case {
	ask := func(alter func(*sdk.Prompt)) sdk.Prompt {
		p := sdk.Prompt{Fields: []sdk.PromptField{{Name: "identifier", Kind: sdk.FieldUsername}}}
		alter(&p)
		return p
	}
	named := func(name string) sdk.Prompt { return ask(func(p *sdk.Prompt) { p.Fields[0].Name = name }) }
	labelled := func(label string) sdk.Prompt { return ask(func(p *sdk.Prompt) { p.Fields[0].Label = label }) }
	because := func(reason sdk.Reason) sdk.Prompt { return ask(func(p *sdk.Prompt) { p.Reason = reason }) }
	several := func(n int) (p sdk.Prompt) {
		for i := range n {
			p.Fields = append(p.Fields, sdk.PromptField{Name: "f" + string(rune('a'+i)), Kind: sdk.FieldText})
		}
		return p
	}
	return []Case{
		{"", "a prompt", named("name_1")},
		{"", "every kind of field", sdk.Prompt{Fields: []sdk.PromptField{
			{Name: "a", Kind: sdk.FieldText}, {Name: "b", Kind: sdk.FieldUsername}, {Name: "c", Kind: sdk.FieldPassword},
			{Name: "d", Kind: sdk.FieldNewPassword}, {Name: "e", Kind: sdk.FieldOneTimeCode, Optional: true},
		}}},
		{"", "as many prompt fields", several(sdk.MaxPromptFields)},
		{"", "as long a field name", named(strings.Repeat("x", sdk.MaxFieldName))},
		{"", "a label with markup", labelled("Kennwort für <b>Ü</b>")},
		{"", "as long a label", labelled(strings.Repeat("x", sdk.MaxLabel))},
		{"", "a reason", because(sdk.ReasonBadCredentials)},
		{"", "a reason of the author's own", because("weird_1")},
		{RuleMemory, "a prompt with more memory", ask(func(p *sdk.Prompt) { p.Memory = make([]byte, sdk.MaxMemory+1) })},
		{RulePromptFields, "no prompt fields", sdk.Prompt{}},
		{RulePromptFields, "too many prompt fields", several(sdk.MaxPromptFields + 1)},
		{RulePromptFieldName, "a field name with a capital", named("Password")},
		{RulePromptFieldName, "a field name with a line break", named("a\n")},
		{RulePromptFieldName, "no field name", named("")},
		{RulePromptFieldName, "the host's field", named("state")},
		{RulePromptFieldName, "too long a field name", named(strings.Repeat("x", sdk.MaxFieldName+1))},
		{RulePromptFieldName, "a field twice", ask(func(p *sdk.Prompt) { p.Fields = append(p.Fields, p.Fields[0]) })},
		{RulePromptFieldKind, "a field of no kind", ask(func(p *sdk.Prompt) { p.Fields[0].Kind = "" })},
		{RulePromptFieldKind, "a field of an unknown kind", ask(func(p *sdk.Prompt) { p.Fields[0].Kind = "html\n" })},
		{RulePromptLabel, "a label of two lines", labelled("a\nb")},
		{RulePromptLabel, "a label that is not UTF-8", labelled("\xff")},
		{RulePromptLabel, "too long a label", labelled(strings.Repeat("x", sdk.MaxLabel+1))},
		{RulePromptReason, "a reason with a capital and a hyphen", because("Bad-Code")},
		{RulePromptReason, "too long a reason", because(sdk.Reason(strings.Repeat("x", sdk.MaxReason+1)))},
	}
}

func identityCases(now time.Time) []Case {
	who := func(alter func(*sdk.Identity)) sdk.Authenticated {
		i := sdk.Identity{Subject: "u1"}
		alter(&i)
		return sdk.Authenticated{Identity: i}
	}
	subject := func(text string) sdk.Authenticated { return who(func(i *sdk.Identity) { i.Subject = text }) }
	once := func(id string, until time.Time) sdk.Authenticated {
		return who(func(i *sdk.Identity) { i.OnceID, i.OnceUntil = id, until })
	}
	long := strings.Repeat("x", sdk.MaxAttribute+1)
	group := strings.Repeat("g", sdk.MaxAttribute)
	return []Case{
		{"", "an identity", subject("u1")},
		{"", "as long a subject", subject(strings.Repeat("s", sdk.MaxSubject))},
		{"", "a subject with blanks", subject("  u1 ")},
		{"", "as many groups", who(func(i *sdk.Identity) { i.Groups = slices.Repeat([]string{"g"}, sdk.MaxGroups) })},
		{"", "as many bytes of groups", who(func(i *sdk.Identity) { i.Groups = slices.Repeat([]string{group}, sdk.MaxGroupBytes/len(group)) })},
		{"", "as many aliases", who(func(i *sdk.Identity) { i.Aliases = slices.Repeat([]string{"a"}, sdk.MaxAliases) })},
		{"", "as many amr", who(func(i *sdk.Identity) { i.AMR = slices.Repeat([]string{"a"}, sdk.MaxAMR) })},
		{"", "as large a grant", who(func(i *sdk.Identity) { i.Grant = make([]byte, sdk.MaxGrant) })},
		{"", "claims as deep", who(func(i *sdk.Identity) { i.Claims = nestedClaims(sdk.MaxClaimDepth) })},
		{"", "an expiry to come", who(func(i *sdk.Identity) { i.ExpiresAt = now.Add(time.Minute) })},
		{"", "a once-ID for as long", once("_1", now.Add(sdk.MaxOnce))},
		{"", "an end of no once-ID", who(func(i *sdk.Identity) { i.OnceUntil = now.Add(-time.Hour) })},
		{RuleSubject, "no subject", subject("")},
		{RuleSubject, "too long a subject", subject(strings.Repeat("s", sdk.MaxSubject+1))},
		{RuleSubject, "a subject of two lines", subject("u\r\nX: y")},
		{RuleSubject, "a subject with NUL", subject("u\x00")},
		{RuleSubject, "a subject with C1", subject("u\u0085")},
		{RuleSubject, "a subject that is not UTF-8", subject("u\xff")},
		{RuleSessionID, "a session ID with a control character", who(func(i *sdk.Identity) { i.SessionID = "s\x01" })},
		{RuleSessionID, "too long a session ID", who(func(i *sdk.Identity) { i.SessionID = long })},
		{RuleLogoutSubject, "a logout subject with a control character", who(func(i *sdk.Identity) { i.LogoutSubject = "s\x01" })},
		{RuleLogoutSubject, "too long a logout subject", who(func(i *sdk.Identity) { i.LogoutSubject = long })},
		{RuleGroups, "too many groups", who(func(i *sdk.Identity) { i.Groups = slices.Repeat([]string{"g"}, sdk.MaxGroups+1) })},
		{RuleGroups, "too many bytes of groups", who(func(i *sdk.Identity) { i.Groups = slices.Repeat([]string{group}, sdk.MaxGroupBytes/len(group)+1) })},
		{RuleAliases, "too many aliases", who(func(i *sdk.Identity) { i.Aliases = slices.Repeat([]string{"a"}, sdk.MaxAliases+1) })},
		{RuleAMR, "too many amr", who(func(i *sdk.Identity) { i.AMR = slices.Repeat([]string{"a"}, sdk.MaxAMR+1) })},
		{RuleClaims, "claims too deep", who(func(i *sdk.Identity) { i.Claims = nestedClaims(sdk.MaxClaimDepth + 1) })},
		{RuleGrant, "too large a grant", who(func(i *sdk.Identity) { i.Grant = make([]byte, sdk.MaxGrant+1) })},
		{RuleExpiry, "an identity that expires now", who(func(i *sdk.Identity) { i.ExpiresAt = now })},
		{RuleExpiry, "an identity that expired long ago", who(func(i *sdk.Identity) { i.ExpiresAt = time.Unix(-1, 0) })},
		{RuleOnceID, "a once-ID with NUL", once("\x00", now.Add(time.Minute))},
		{RuleOnceID, "too long a once-ID", once(long, now.Add(time.Minute))},
		{RuleOnceUntil, "a once-ID without an end", once("_1", time.Time{})},
		{RuleOnceUntil, "a once-ID until now", once("_1", now)},
		{RuleOnceUntil, "a once-ID for a month", once("_1", now.AddDate(0, 0, 30))},
	}
}

// nestedClaims returns claims that are nested that deep.
func nestedClaims(levels int) map[string]any {
	inner := map[string]any{"a": "b"}
	for range levels - 1 {
		inner = map[string]any{"a": inner}
	}
	return inner
}

func answerCases(now time.Time) []Case {
	document := func(contentType string, size int) sdk.Document {
		return sdk.Document{ContentType: contentType, Content: make([]byte, size)}
	}
	finding := sdk.Finding{Severity: sdk.SeverityOK, Subject: "discovery", Text: "found"}
	many := slices.Repeat([]string{"s"}, sdk.MaxLogoutSessions)
	return []Case{
		{"", "a logout of somebody", sdk.Logout{Subject: "u1"}},
		{"", "a logout of sessions", sdk.Logout{SessionIDs: many, Reply: sdk.Redirect{URL: caseURL}}},
		{"", "a logout that is done", sdk.Logout{Outcome: sdk.LogoutDone}},
		{"", "a logout in a frame", sdk.Logout{SessionIDs: []string{"s"}, Framed: true}},
		{RuleLogout, "a logout of nobody", sdk.Logout{}},
		{RuleLogout, "a logout in a frame that goes on", sdk.Logout{Subject: "u1", Framed: true, Reply: sdk.Redirect{URL: caseURL}}},
		{RuleLogout, "a logout of ours in a frame", sdk.Logout{Outcome: sdk.LogoutDone, Framed: true}},
		{RuleLogout, "two logouts in one", sdk.Logout{Outcome: sdk.LogoutDone, Subject: "u1"}},
		{RuleLogoutOutcome, "an unknown outcome", sdk.Logout{Outcome: "nearly"}},
		{RuleLogoutStep, "a logout that goes on with a prompt", sdk.Logout{Subject: "u1", Reply: sdk.Prompt{}}},
		{RuleRedirectURL, "a logout that goes on at a script", sdk.Logout{Subject: "u1", Reply: sdk.Redirect{URL: "javascript:alert(1)"}}},
		{RuleLogoutSubject, "a logout of a subject with NUL", sdk.Logout{Subject: "\x00"}},
		{RuleLogoutSessions, "a logout of too many sessions", sdk.Logout{SessionIDs: append(many, "s")}},
		{RuleLogoutSessions, "a logout of a session without a name", sdk.Logout{SessionIDs: []string{""}}},
		{RuleOnceUntil, "a logout for a month", sdk.Logout{Subject: "u1", OnceID: "_1", OnceUntil: now.AddDate(0, 0, 30)}},
		{"", "metadata", document("application/samlmetadata+xml", 1)},
		{"", "as large metadata", document("application/xml", sdk.MaxMetadata)},
		{RuleMetadataType, "metadata of plain text", document("text/plain", 1)},
		{RuleMetadataType, "metadata of a type with a parameter", document("application/xml; charset=utf-8", 1)},
		{RuleMetadataSize, "too large metadata", document("application/xml", sdk.MaxMetadata+1)},
		{RuleMetadataSize, "empty metadata", document("application/xml", 0)},
		{"", "a finding", []sdk.Finding{finding}},
		{"", "no finding", []sdk.Finding{}},
		{RuleFindings, "a finding without a text", []sdk.Finding{{Severity: sdk.SeverityOK, Subject: "discovery"}}},
		{RuleFindings, "a finding of an unknown severity", []sdk.Finding{{Severity: "fatal", Subject: "discovery", Text: "x"}}},
		{"", "a step on the way to a server", []sdk.Finding{{Severity: sdk.SeverityOK, Subject: "certificate", Text: "x", Target: "idp.example:443", Step: sdk.StepTLS}}},
		{RuleFindings, "a step that is unknown", []sdk.Finding{{Severity: sdk.SeverityOK, Subject: "certificate", Text: "x", Target: "idp.example:443", Step: "teleport"}}},
		{RuleFindings, "a target of two lines", []sdk.Finding{{Severity: sdk.SeverityOK, Subject: "certificate", Text: "x", Target: "idp.example\n443"}}},
		{RuleFindings, "a target that is too long", []sdk.Finding{{Severity: sdk.SeverityOK, Subject: "certificate", Text: "x", Target: strings.Repeat("x", sdk.MaxTarget+1)}}},
		{RuleFindings, "too many findings", slices.Repeat([]sdk.Finding{finding}, sdk.MaxFindings+1)},
	}
}
