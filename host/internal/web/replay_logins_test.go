package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
	adaRight = `{"identifier":"ada","password":"right"}`

	allTokens = "200 data(access_token expires refresh_token)"
	badBody   = "400 INVALID_PAYLOAD(reason)"
	refused   = "401 INVALID_CREDENTIALS"
	noRoute   = "404 ROUTE_NOT_FOUND(path)"
)

func listed(path string) func(r *replay) string {
	return func(r *replay) string {
		var body struct{ Data []struct{ Name string } }
		if err := json.Unmarshal([]byte(r.get(path).body), &body); err != nil {
			r.t.Fatal(err)
		}
		var list []string
		for _, p := range body.Data {
			if !strings.HasPrefix(p.Name, "down") && p.Name != "closed" {
				list = append(list, p.Name)
			}
		}
		return strings.Join(list, " ")
	}
}

var replayOfProviders = []exchange{
	{"the list, with labels", gets("/auth"), "200 data(driver label name)", "", ""},
	{"the list, without LABEL", gets("/auth"), "200 data(driver name)", "200 data(driver label name)", "providers"},
	{"all providers", listed("/auth"), "openid oauth2 saml ldap cookie ldapcookie", "", ""},
	{"sessionOnly", listed("/auth?sessionOnly"), "openid oauth2 saml ldap ldapcookie", "", ""},
	{"sessionOnly, empty", listed("/auth?sessionOnly="), "openid oauth2 saml ldap ldapcookie", "", ""},
	{"sessionOnly, false", listed("/auth?sessionOnly=false"), "openid oauth2 saml ldap ldapcookie", "", ""},
	{"disableDefault is beside data", func(r *replay) string {
		var body map[string]any
		if err := json.Unmarshal([]byte(r.get("/auth").body), &body); err != nil {
			r.t.Fatal(err)
		}
		return names(body)
	}, "(data disableDefault)", "", ""},
	{"the list, with a slash", gets("/auth/"), "200 data(driver label name)", "", ""},
	{"the list, in capitals", gets("/AUTH"), "200 data(driver label name)", noRoute, "paths"},
	{"the list, with a bearer token that is unknown", gets("/auth", "Authorization", "Bearer abc"), refused, "200 data(driver label name)", "credentials-in-a-request"},
	{"the list, with a cookie that is over", gets("/auth", "Cookie", "directus_session_token=abc"), refused + " =session", "200 data(driver label name)", "credentials-in-a-request"},
	{"the list, with a token in the URL that is unknown", gets("/auth?access_token=abc"), refused, "200 data(driver label name)", "credentials-in-a-request"},
}

var replayOfPasswords = []exchange{
	{"local passwords", posts("/auth/login", `{"email":"ada@example.org","password":"x"}`), noRoute, "404 ROUTE_NOT_FOUND(path reason)", "paths"},
	{"local passwords, nothing sent", posts("/auth/login", ""), noRoute, "404 ROUTE_NOT_FOUND(path reason)", "paths"},
	{"local passwords, with a slash", posts("/auth/login/", ""), noRoute, "404 ROUTE_NOT_FOUND(path reason)", "paths"},

	{"ldap", posts("/auth/login/ldap", adaRight), allTokens, "", ""},
	{"ldap, with a slash", posts("/auth/login/ldap/", adaRight), allTokens, "", ""},
	{"ldap, json", posts("/auth/login/ldap", `{"identifier":"ada","password":"right","mode":"json"}`), allTokens, "", ""},
	{"ldap, cookie", posts("/auth/login/ldap", `{"identifier":"ada","password":"right","mode":"cookie"}`), "200 data(access_token expires) +refresh", "", ""},
	{"ldap, session", posts("/auth/login/ldap", `{"identifier":"ada","password":"right","mode":"session"}`), "200 data(access_token expires) +session", "200 data(expires) +session", "login-by-a-program"},
	{"ldap, unknown mode", posts("/auth/login/ldap", `{"identifier":"ada","password":"right","mode":"xyz"}`), badBody, "", ""},
	{"ldap, a mode that is a number", posts("/auth/login/ldap", `{"identifier":"ada","password":"right","mode":5}`), badBody, "", ""},
	{"ldap, mode null", posts("/auth/login/ldap", `{"identifier":"ada","password":"right","mode":null}`), badBody, allTokens, "request-bodies"},
	{"ldap, mode empty", posts("/auth/login/ldap", `{"identifier":"ada","password":"right","mode":""}`), badBody, allTokens, "request-bodies"},
	{"ldap, MODE", posts("/auth/login/ldap", `{"identifier":"ada","password":"right","MODE":"cookie"}`), allTokens, "200 data(access_token expires) +refresh", "request-bodies"},
	{"ldap, unknown members", posts("/auth/login/ldap", `{"identifier":"ada","password":"right","extra":{"a":[1]}}`), allTokens, "", ""},
	{"ldap, otp", posts("/auth/login/ldap", `{"identifier":"ada","password":"right","otp":"123456"}`), allTokens, "", ""},
	{"ldap, no identifier", posts("/auth/login/ldap", `{"password":"right"}`), badBody, "", ""},
	{"ldap, no password", posts("/auth/login/ldap", `{"identifier":"ada"}`), badBody, "", ""},
	{"ldap, an empty password", posts("/auth/login/ldap", `{"identifier":"ada","password":""}`), badBody, "", ""},
	{"ldap, a password that is a number", posts("/auth/login/ldap", `{"identifier":"ada","password":5}`), badBody, "", ""},
	{"ldap, a password that is an array", posts("/auth/login/ldap", `{"identifier":"ada","password":["right"]}`), badBody, "", ""},
	{"ldap, null", posts("/auth/login/ldap", `{"identifier":null,"password":null}`), badBody, "", ""},
	{"ldap, an array", posts("/auth/login/ldap", `[]`), badBody, "", ""},
	{"ldap, no JSON", posts("/auth/login/ldap", `{"identifier":`), badBody, "", ""},
	{"ldap, nothing sent", posts("/auth/login/ldap", ""), badBody, "", ""},
	{"ldap, as text", func(r *replay) string { return r.told(r.raw("/auth/login/ldap", "text/plain", adaRight)) }, badBody, "415 UNSUPPORTED_MEDIA_TYPE(reason)", "request-bodies"},
	{"ldap, without a content type", func(r *replay) string { return r.told(r.raw("/auth/login/ldap", "", adaRight)) }, badBody, "415 UNSUPPORTED_MEDIA_TYPE(reason)", "request-bodies"},
	{"ldap, as a form", func(r *replay) string {
		return r.told(r.raw("/auth/login/ldap", formType, "identifier=ada&password=right"))
	}, badBody, allTokens, "request-bodies"},
	{"ldap, JSON by its charset", func(r *replay) string {
		return r.told(r.raw("/auth/login/ldap", "application/json; charset=UTF-8", adaRight))
	}, allTokens, "", ""},
	{"ldap, JSON after a byte order mark", func(r *replay) string {
		return r.told(r.raw("/auth/login/ldap", jsonType, "\xef\xbb\xbf"+adaRight))
	}, allTokens, "", ""},
	{"ldap, in Latin 1", func(r *replay) string {
		return r.told(r.raw("/auth/login/ldap", "application/json; charset=ISO-8859-1", adaRight))
	}, badBody, "415 UNSUPPORTED_MEDIA_TYPE(reason)", "request-bodies"},
	{"ldap, in UTF-16", func(r *replay) string {
		return r.told(r.raw("/auth/login/ldap", "application/json; charset=utf-16", adaRight))
	}, allTokens, "415 UNSUPPORTED_MEDIA_TYPE(reason)", "request-bodies"},
	{"ldap, compressed", posts("/auth/login/ldap", adaRight, "Content-Encoding", "gzip"), allTokens, "415 UNSUPPORTED_MEDIA_TYPE(reason)", "request-bodies"},
	{"ldap, 20 KB", posts("/auth/login/ldap", `{"identifier":"ada","password":"`+strings.Repeat("x", 20<<10)+`"}`), refused, "413 CONTENT_TOO_LARGE", "request-bodies"},
	{"ldap, an otp that is a number", posts("/auth/login/ldap", `{"identifier":"ada","password":"right","otp":5}`), badBody, allTokens, "login-by-a-program"},
	{"ldap, wrong password", posts("/auth/login/ldap", `{"identifier":"ada","password":"wrong"}`), refused, "401 INVALID_CREDENTIALS(attempt fields reason)", "login-by-a-program"},
	{"ldap, an expired password", posts("/auth/login/ldap", `{"identifier":"ada","password":"expired"}`), refused, "401 INVALID_CREDENTIALS(attempt fields reason)", "login-by-a-program"},
	{"ldap, out of reach", posts("/auth/login/downldap", adaRight), "503 SERVICE_UNAVAILABLE(reason service)", "", ""},
	{"ldap, the service that is out of reach", func(r *replay) string {
		service, _ := extensionsOf(r.t, r.raw("/auth/login/downldap", jsonType, adaRight))["service"].(string)
		return service
	}, "ldap", "", ""},
	{"ldap, a wrong setting", posts("/auth/login/ldap", `{"identifier":"ada","password":"misconfigured"}`), "503 INVALID_PROVIDER_CONFIG(provider)", "", ""},
	{"ldap, a name of no provider", posts("/auth/login/nobody", adaRight), noRoute, "", ""},
	{"ldap, in capitals", posts("/auth/login/LDAP", adaRight), allTokens, noRoute, "paths"},
	{"ldap, GET", gets("/auth/login/ldap"), noRoute, "200 page", "login-by-a-program"},
	{"openid, POST", posts("/auth/login/openid", adaRight), noRoute, badBody, "login-by-a-program"},
	{"ldap, with a bearer token that is unknown", posts("/auth/login/ldap", adaRight, "Authorization", "Bearer abc"), refused, allTokens, "credentials-in-a-request"},

	{"ldap, suspended", statusAtLogin("suspended"), refused, "401 USER_SUSPENDED", "failed-logins"},
	{"ldap, draft", statusAtLogin("draft"), refused, "401 INVALID_CREDENTIALS(reason)", "failed-logins"},
	{"ldap, invited", statusAtLogin("invited"), refused, "401 INVALID_CREDENTIALS(reason)", "failed-logins"},
	{"ldap, unverified", statusAtLogin("unverified"), refused, "401 INVALID_CREDENTIALS(reason)", "failed-logins"},
	{"ldap, archived", statusAtLogin("archived"), refused, "401 INVALID_CREDENTIALS(reason)", "failed-logins"},
}

func statusAtLogin(status string) func(r *replay) string {
	return func(r *replay) string {
		r = r.alone()
		r.become(status)
		return r.told(r.site.browser(r.t).tryPassword("ldap", "ada", "right"))
	}
}

const toProvider = "302 provider"

var replayOfStarts = []exchange{
	{"start", gets("/auth/login/openid"), toProvider, "", ""},
	{"start, with a slash", gets("/auth/login/openid/"), toProvider, "", ""},
	{"start, in capitals", gets("/auth/login/OPENID"), toProvider, noRoute, "paths"},
	{"start, oauth2", gets("/auth/login/oauth2"), toProvider, "", ""},
	{"start, saml", gets("/auth/login/saml"), toProvider, "", ""},
	{"start, a path", gets("/auth/login/openid?redirect=/app"), toProvider, "", ""},
	{"start, redirect empty", gets("/auth/login/openid?redirect="), toProvider, "", ""},
	{"start, a URL of the list", gets("/auth/login/openid?redirect=https%3A%2F%2Fapp.example%2Fwelcome%3Fa%23b"), toProvider, "", ""},
	{"start, a URL that is not of the list", gets("/auth/login/openid?redirect=https%3A%2F%2Fapp.example%2Fother"), badBody, "", ""},
	{"start, another host", gets("/auth/login/openid?redirect=//evil.example"), badBody, "", ""},
	{"start, a script", gets("/auth/login/openid?redirect=javascript:alert(1)"), badBody, "", ""},
	{"start, a scheme of an app", gets("/auth/login/openid?redirect=myapp%3A%2F%2Fcb"), badBody, "", ""},
	{"start, two redirects", gets("/auth/login/openid?redirect=/a&redirect=/b"), badBody, "", ""},
	{"start, a list of redirects", gets("/auth/login/openid?redirect[]=/a"), badBody, "", ""},
	{"start, an object of redirects", gets("/auth/login/openid?redirect%5Ba%5D=/b"), badBody, "", ""},
	{"start, a path that becomes a host", gets("/auth/login/openid?redirect=/..//evil.example"), toProvider, badBody, "start-of-a-login"},
	{"start, a name in a URL of the list", gets("/auth/login/openid?redirect=https%3A%2F%2Fada%40app.example%2Fwelcome"), toProvider, badBody, "start-of-a-login"},
	{"start, 3 KB of redirect", gets("/auth/login/openid?redirect=/" + strings.Repeat("x", 3<<10)), toProvider, badBody, "start-of-a-login"},
	{"start, a redirect to our own pages", logsIn("/auth/login/openid?redirect=/auth/login/openid", "ada"), "302 /auth/login/openid +session", "302 / +session", "start-of-a-login"},
	{"start, prompt", gets("/auth/login/openid?prompt=consent"), toProvider, "", ""},
	{"start, prompt empty", gets("/auth/login/openid?prompt="), toProvider, "", ""},
	{"start, otp", gets("/auth/login/openid?otp=123456"), toProvider, "", ""},
	{"start, unknown parameters", gets("/auth/login/openid?continue=/x&utm=1"), toProvider, "", ""},
	{"start, a parameter twice", gets("/auth/login/openid?utm=1&utm=2"), toProvider, badBody, "start-of-a-login"},
	{"start, a parameter that cannot be decoded", gets("/auth/login/openid?utm=%zz"), toProvider, badBody, "start-of-a-login"},
	{"start, a mode", gets("/auth/login/openid?mode=json"), toProvider, "", ""},
	{"start, an unknown mode", gets("/auth/login/openid?mode=xyz"), toProvider, badBody, "start-of-a-login"},
	{"start, out of reach", gets("/auth/login/down"), "302 /admin/login?reason=SERVICE_UNAVAILABLE", "503 SERVICE_UNAVAILABLE(reason service)", "start-of-a-login"},
	{"start, out of reach, with a redirect", gets("/auth/login/down?redirect=/app"), "302 /admin/login?reason=SERVICE_UNAVAILABLE", "302 /app?reason=SERVICE_UNAVAILABLE", "start-of-a-login"},
	{"start, HEAD", func(r *replay) string { return r.told(r.do(http.MethodHead, "/auth/login/openid", nil)) }, toProvider, "200", "start-of-a-login"},
	{"start, no such provider", gets("/auth/login/nobody"), noRoute, "", ""},
	{"start, with a cookie that is over", gets("/auth/login/openid", "Cookie", "directus_session_token=abc"), refused + " =session", toProvider, "credentials-in-a-request"},
	{"the cookie of a login", func(r *replay) string { return attributes(r.get("/auth/login/openid"), "doorward_attempt") }, "HttpOnly Path=/ SameSite=Lax", "HttpOnly Max-Age=86700 Path=/ SameSite=Lax", "cookie-of-a-login"},
	{"the cookie of a login, over https", func(r *replay) string {
		return attributes(replayAt(r.t, "https://login.example.org").get("/auth/login/openid"), "__Host-doorward_attempt")
	}, "HttpOnly Path=/ SameSite=Lax", "HttpOnly Max-Age=86700 Path=/ SameSite=Lax Secure", "cookie-of-a-login"},
	{"two logins at once", func(r *replay) string {
		first := r.begin("/auth/login/openid?redirect=/one")
		r.begin("/auth/login/openid?redirect=/two")
		return r.told(r.get("/auth/login/openid/callback?code=ada&state=" + first))
	}, "302 /two?reason=INVALID_CREDENTIALS", "302 /one +session", "cookie-of-a-login"},
}

var replayOfCallbacks = []exchange{
	{"callback", logsIn("/auth/login/openid", "ada"), "302 / +session", "", ""},
	{"callback, with a slash", func(r *replay) string {
		return r.told(r.get("/auth/login/openid/callback/?code=ada&state=" + r.begin("/auth/login/openid")))
	}, "302 / +session", "", ""},
	{"callback, a path", logsIn("/auth/login/openid?redirect=/app%3Fa%3Db", "ada"), "302 /app?a=b +session", "", ""},
	{"callback, another site", logsIn("/auth/login/openid?redirect=https%3A%2F%2Fapp.example%2Fwelcome", "ada"), "302 https://app.example/welcome +session", "", ""},
	{"callback, MODE cookie", logsIn("/auth/login/cookie?redirect=/app", "ada"), "302 /app +refresh", "", ""},
	{"callback, mode json without redirect", logsIn("/auth/login/openid?mode=json", "ada"), "302 / +session", allTokens, "start-of-a-login"},
	{"callback, oauth2", logsIn("/auth/login/oauth2?redirect=/app", "ada"), "302 /app +session", "", ""},
	{"callback, the user cancelled", func(r *replay) string {
		return r.told(r.get("/auth/login/openid/callback?error=access_denied&state=" + r.begin("/auth/login/openid?redirect=/app")))
	}, "302 /app?reason=INVALID_CREDENTIALS", "", ""},
	{"callback, the user cancelled, no redirect", func(r *replay) string {
		return r.told(r.get("/auth/login/openid/callback?error=access_denied&state=" + r.begin("/auth/login/openid")))
	}, "302 /?reason=INVALID_CREDENTIALS", "401 INVALID_CREDENTIALS(reason)", "failed-logins"},
	{"callback, the query of the redirect goes", logsIn("/auth/login/openid?redirect=/app%3Fa%3Db", "forged"), "302 /app?reason=INVALID_CREDENTIALS", "", ""},
	{"callback, out of reach", logsIn("/auth/login/openid?redirect=/app", "down"), "302 /app?reason=SERVICE_UNAVAILABLE", "", ""},
	{"callback, the client is refused", logsIn("/auth/login/openid?redirect=/app", "misconfigured"), "302 /app?reason=SERVICE_UNAVAILABLE", "302 /app?reason=INVALID_PROVIDER_CONFIG", "failed-logins"},
	{"callback, something unexpected", logsIn("/auth/login/openid?redirect=/app", "evil"), "302 /app?reason=UNKNOWN_EXCEPTION", "302 /app?reason=INTERNAL_SERVER_ERROR", "failed-logins"},
	{"callback, no account and no registration", logsIn("/auth/login/closed?redirect=/app", "ada"), "302 /app?reason=INVALID_CREDENTIALS", "", ""},
	{"callback, suspended", statusAtCallback("suspended"), "302 /app?reason=INVALID_CREDENTIALS", "302 /app?reason=USER_SUSPENDED", "failed-logins"},
	{"callback, draft", statusAtCallback("draft"), "302 /app?reason=INVALID_CREDENTIALS", "", ""},
	{"callback, archived", statusAtCallback("archived"), "302 /app?reason=INVALID_CREDENTIALS", "", ""},
	{"callback without the cookie", gets("/auth/login/openid/callback?code=ada&state=abc"), "302 /admin/login?reason=INVALID_CREDENTIALS", refused, "callbacks"},
	{"callback without the cookie, oauth2", gets("/auth/login/oauth2/callback?code=ada&state=abc"), refused, "", ""},
	{"callback, the cookie was altered", func(r *replay) string {
		c := r.get("/auth/login/oauth2").Cookies()[0]
		return r.told(r.site.browser(r.t).get("/auth/login/oauth2/callback?code=ada&state=abc", "Cookie", c.Name+"=x"+c.Value))
	}, refused, "", ""},
	{"callback, another state", func(r *replay) string {
		r.begin("/auth/login/openid?redirect=/app")
		return r.told(r.get("/auth/login/openid/callback?code=ada&state=abc"))
	}, "302 /app?reason=INVALID_CREDENTIALS", refused, "callbacks"},
	{"callback without a state", gets("/auth/login/oauth2/callback?code=ada"), refused, badBody, "callbacks"},
	{"callback, no such provider", gets("/auth/login/nobody/callback?code=ada&state=abc"), noRoute, "", ""},
	{"callback, a second time", func(r *replay) string {
		path := "/auth/login/openid/callback?code=ada&state=" + r.begin("/auth/login/openid?redirect=/app")
		r.get(path)
		return r.told(r.get(path))
	}, "302 /admin/login?reason=INVALID_CREDENTIALS", "302 /app", "callbacks"},
	{"callback by form_post", func(r *replay) string {
		state := r.begin("/auth/login/openid")
		return r.told(r.site.browser(r.t).postForm("/auth/login/openid/callback", url.Values{"code": {"ada"}, "state": {state}}))
	}, "303 ./callback?code=ada&state=…", "200 page", "callbacks"},

	{"acs", samlResponse("/auth/login/saml?redirect=/app"), "302 /app +session", "303 /app +session", "callbacks"},
	{"acs without redirect", samlResponse("/auth/login/saml"), allTokens, "303 / +session", "saml-endpoints"},
	{"acs without redirect, mode json", samlResponse("/auth/login/saml?mode=json"), allTokens, "", ""},
	{"acs, JSON", func(r *replay) string {
		state := r.begin("/auth/login/saml?redirect=/app")
		return r.told(r.raw("/auth/login/saml/acs", jsonType, `{"code":"ada","RelayState":"`+state+`"}`))
	}, "302 /app +session", "415 UNSUPPORTED_MEDIA_TYPE(reason)", "saml-endpoints"},
	{"acs, a RelayState that is a URL", func(r *replay) string {
		return r.told(r.postForm("/auth/login/saml/acs", url.Values{"SAMLResponse": {"x"}, "RelayState": {"/app"}, "doorward_reposted": {"1"}}))
	}, "302 /app +session", refused, "saml-endpoints"},
	{"acs, from the provider's site", func(r *replay) string {
		state := r.begin("/auth/login/saml?redirect=/app")
		return r.told(r.site.browser(r.t).postForm("/auth/login/saml/acs", url.Values{"code": {"ada"}, "RelayState": {state}}))
	}, "302 /app +session", "200 page", "saml-endpoints"},
	{"acs, GET", gets("/auth/login/saml/acs"), noRoute, badBody, "saml-endpoints"},
	{"callback, ldap", gets("/auth/login/ldap/callback?code=ada&state=abc"), noRoute, refused, "callbacks"},
	{"callback, saml", gets("/auth/login/saml/callback?code=ada&state=abc"), noRoute, refused, "callbacks"},
	{"acs, no such provider", posts("/auth/login/nobody/acs", "{}"), noRoute, "", ""},
}

func statusAtCallback(status string) func(r *replay) string {
	return func(r *replay) string {
		r = r.alone()
		r.login("/auth/login/openid", "ada")
		r.change(status)
		other := &replay{r.site.browser(r.t)}
		return r.told(other.login("/auth/login/openid?redirect=/app", "ada"))
	}
}

// samlResponse is what the provider posts, from our own origin: from its own, our cookie
// does not come along, and the browser is asked to post it again.
func samlResponse(start string) func(r *replay) string {
	return func(r *replay) string {
		return r.told(r.postForm("/auth/login/saml/acs", url.Values{"code": {"ada"}, "RelayState": {r.begin(start)}}))
	}
}
