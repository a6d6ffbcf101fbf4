package web_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const cookieTokens = "200 data(access_token expires) +refresh"

// refreshes posts to /auth/refresh as a program that holds a refresh token; {} in the body
// stands for it.
func refreshes(body string, header ...string) func(r *replay) string {
	return func(r *replay) string {
		_, token := r.tokens()
		return r.told(r.raw("/auth/refresh", jsonType, strings.ReplaceAll(body, "{}", token), header...))
	}
}

// withCookie posts as a browser that is signed in in that mode.
func withCookie(mode, path, body string, header ...string) func(r *replay) string {
	return func(r *replay) string {
		return r.told(r.signedIn(mode).raw(path, jsonType, body, header...))
	}
}

func expires(mode string) func(r *replay) string {
	return func(r *replay) string {
		a := r.signedIn(mode).raw("/auth/refresh", jsonType, `{"mode":"`+mode+`"}`)
		var body struct {
			Data struct{ Expires json.Number }
		}
		if err := json.Unmarshal([]byte(a.body), &body); err != nil {
			r.t.Fatal(err)
		}
		return body.Data.Expires.String()
	}
}

// after signs in, has something happen, and refreshes.
func after(mode string, happens func(r *replay)) func(r *replay) string {
	return func(r *replay) string {
		r = r.alone()
		r.signedIn(mode)
		happens(r)
		return r.told(r.raw("/auth/refresh", jsonType, `{"mode":"`+mode+`"}`))
	}
}

func passes(d time.Duration) func(r *replay) { return func(r *replay) { r.site.clock.advance(d) } }

func becomes(status string) func(r *replay) { return func(r *replay) { r.become(status) } }

var replayOfTokens = []exchange{
	{"refresh, json", refreshes(`{"mode":"json","refresh_token":"{}"}`), allTokens, "", ""},
	{"refresh, json by the token", refreshes(`{"refresh_token":"{}"}`), allTokens, "", ""},
	{"refresh, with a slash", func(r *replay) string {
		_, token := r.tokens()
		return r.told(r.raw("/auth/refresh/", jsonType, `{"refresh_token":"`+token+`"}`))
	}, allTokens, "", ""},
	{"refresh, cookie", withCookie("cookie", "/auth/refresh", `{"mode":"cookie"}`), cookieTokens, "", ""},
	{"refresh, cookie by default", withCookie("cookie", "/auth/refresh", ``), cookieTokens, "", ""},
	{"refresh, cookie by default, an empty token", withCookie("cookie", "/auth/refresh", `{"refresh_token":""}`), cookieTokens, "", ""},
	{"refresh, cookie with a token in the body", withCookie("cookie", "/auth/refresh", `{"mode":"cookie","refresh_token":"x"}`), cookieTokens, "", ""},
	{"refresh, a token in the body and a cookie", withCookie("cookie", "/auth/refresh", `{"refresh_token":"x"}`), refused, "", ""},
	{"refresh, session", withCookie("session", "/auth/refresh", `{"mode":"session"}`), "200 data(expires) +session", "", ""},
	{"refresh, session by default", withCookie("session", "/auth/refresh", `{}`), badBody, "", ""},
	{"refresh, as text", func(r *replay) string { return r.told(r.signedIn("cookie").raw("/auth/refresh", "text/plain", "{}")) }, cookieTokens, "415 UNSUPPORTED_MEDIA_TYPE(reason)", "request-bodies"},
	{"refresh, json without a token", posts("/auth/refresh", `{"mode":"json"}`), badBody, "", ""},
	{"refresh, cookie without one", posts("/auth/refresh", `{"mode":"cookie"}`), badBody, "", ""},
	{"refresh, session without a cookie", posts("/auth/refresh", `{"mode":"session"}`), badBody, "", ""},
	{"refresh, nothing sent", posts("/auth/refresh", ``), badBody, "", ""},
	{"refresh, an empty cookie", posts("/auth/refresh", ``, "Cookie", "directus_refresh_token="), badBody, "", ""},
	{"refresh, unknown mode", posts("/auth/refresh", `{"mode":"xyz"}`), badBody, "", ""},
	{"refresh, no JSON", posts("/auth/refresh", `{`), badBody, "", ""},
	{"refresh, a token that is a number", posts("/auth/refresh", `{"refresh_token":5}`), refused, badBody, "request-bodies"},
	{"refresh, unknown token", posts("/auth/refresh", `{"refresh_token":"x"}`), refused, "", ""},
	{"refresh, unknown cookie", posts("/auth/refresh", `{"mode":"cookie"}`, "Cookie", "directus_refresh_token=abc"), refused, refused + " -refresh", "refresh"},
	{"refresh, unknown session cookie", posts("/auth/refresh", `{"mode":"session"}`, "Cookie", "directus_session_token=abc"), refused + " =session", refused + " -session", "session-cookies"},
	{"refresh, a refresh token as session cookie", func(r *replay) string {
		_, token := r.tokens()
		return r.told(r.raw("/auth/refresh", jsonType, `{"mode":"session"}`, "Cookie", "directus_session_token="+token))
	}, refused + " =session", refused + " -session", "session-cookies"},
	{"refresh, an access token", func(r *replay) string {
		access, _ := r.tokens()
		return r.told(r.raw("/auth/refresh", jsonType, `{"refresh_token":"`+access+`"}`))
	}, refused, "", ""},
	{"refresh, with a bearer token that is unknown", refreshes(`{"refresh_token":"{}"}`, "Authorization", "Bearer abc"), refused, allTokens, "credentials-in-a-request"},
	{"refresh, with an access token that has expired", func(r *replay) string {
		r = r.alone()
		access, token := r.tokens()
		r.site.clock.advance(time.Hour)
		return r.told(r.raw("/auth/refresh", jsonType, `{"refresh_token":"`+token+`"}`, "Authorization", "Bearer "+access))
	}, "401 TOKEN_EXPIRED", allTokens, "credentials-in-a-request"},
	{"refresh, twice with one token", func(r *replay) string {
		_, token := r.tokens()
		r.raw("/auth/refresh", jsonType, `{"refresh_token":"`+token+`"}`)
		return r.told(r.raw("/auth/refresh", jsonType, `{"refresh_token":"`+token+`"}`))
	}, refused, allTokens, "refresh"},
	{"refresh, session, twice with one token", func(r *replay) string {
		c := r.raw("/auth/login/ldap", jsonType, `{"identifier":"ada","password":"right","mode":"session"}`).cookie("directus_session_token")
		r.raw("/auth/refresh", jsonType, `{"mode":"session"}`)
		other := &replay{r.site.browser(r.t)}
		return other.told(other.raw("/auth/refresh", jsonType, `{"mode":"session"}`, "Cookie", c.Name+"="+c.Value))
	}, "200 data(expires) +session", "", ""},
	{"refresh after REFRESH_TOKEN_TTL", func(r *replay) string {
		r = r.alone()
		_, token := r.tokens()
		r.site.clock.advance(8 * 24 * time.Hour)
		return r.told(r.raw("/auth/refresh", jsonType, `{"refresh_token":"`+token+`"}`))
	}, refused, "", ""},
	{"refresh, session, after its end", after("session", passes(25*time.Hour)), "401 TOKEN_EXPIRED", refused, "refresh"},
	{"refresh, suspended", func(r *replay) string {
		r = r.alone()
		_, token := r.tokens()
		r.become("suspended")
		return r.told(r.raw("/auth/refresh", jsonType, `{"refresh_token":"`+token+`"}`))
	}, refused, "", ""},
	{"refresh, session, draft", after("session", becomes("draft")), refused + " =session", refused + " -session", "session-cookies"},
	{"refresh after logout", func(r *replay) string {
		_, token := r.tokens()
		r.raw("/auth/logout", jsonType, `{"refresh_token":"`+token+`"}`)
		return r.told(r.raw("/auth/refresh", jsonType, `{"refresh_token":"`+token+`"}`))
	}, refused, "", ""},
	{"refresh from another site", withCookie("cookie", "/auth/refresh", ``, "Origin", "https://evil.example"), cookieTokens, "403 FORBIDDEN", "other-origins"},
	{"refresh from another site with its token", refreshes(`{"refresh_token":"{}"}`, "Origin", "https://app.example"), allTokens, "", ""},
	{"expires, cookie", expires("cookie"), "900000", "", ""},
	{"expires, session", expires("session"), "86400000", "", ""},
	{"last_access moves at a refresh", func(r *replay) string {
		r = r.alone()
		before := r.signedIn("session").get("/users/me").data(r.t)["last_access"]
		r.site.clock.advance(time.Hour)
		r.raw("/auth/refresh", jsonType, `{"mode":"session"}`)
		return fmt.Sprint(r.get("/users/me").data(r.t)["last_access"] != before)
	}, "true", "", ""},
	{"last_access moves at a refresh elsewhere", func(r *replay) string {
		r = r.alone()
		other := &replay{r.site.browser(r.t)}
		_, token := other.tokens()
		before := r.signedIn("session").get("/users/me").data(r.t)["last_access"]
		r.site.clock.advance(time.Hour)
		other.raw("/auth/refresh", jsonType, `{"refresh_token":"`+token+`"}`)
		return fmt.Sprint(r.get("/users/me").data(r.t)["last_access"] != before)
	}, "true", "false", "refresh"},

	{"logout, json", func(r *replay) string {
		_, token := r.tokens()
		return r.told(r.raw("/auth/logout", jsonType, `{"refresh_token":"`+token+`"}`))
	}, "204", "", ""},
	{"logout, cookie", withCookie("cookie", "/auth/logout", `{"mode":"cookie"}`), "204 =refresh", "204 -refresh", "session-cookies"},
	{"logout, session", withCookie("session", "/auth/logout", `{"mode":"session"}`), "204 =session", "204 -session", "session-cookies"},
	{"logout, session by default", withCookie("session", "/auth/logout", `{}`), badBody, "", ""},
	{"logout, nothing sent", posts("/auth/logout", ``), badBody, "", ""},
	{"logout, session without a cookie", posts("/auth/logout", `{"mode":"session"}`), badBody, "", ""},
	{"logout, unknown mode", posts("/auth/logout", `{"mode":"xyz"}`), badBody, "", ""},
	{"logout, unknown token", posts("/auth/logout", `{"refresh_token":"x"}`), "204", "", ""},
	{"logout, unknown cookie", posts("/auth/logout", ``, "Cookie", "directus_refresh_token=abc"), "204 =refresh", "204 -refresh", "session-cookies"},
	{"logout by a form", func(r *replay) string {
		return r.told(r.signedIn("session").postForm("/auth/logout", url.Values{"mode": {"session"}}, "Accept", acceptHTML))
	}, "204 =session", "303 /login?signed_out -session", "logout"},

	{"the session cookie", func(r *replay) string {
		return attributes(r.raw("/auth/login/ldap", jsonType, `{"identifier":"ada","password":"right","mode":"session"}`), "directus_session")
	}, "Expires HttpOnly Max-Age=86400 Path=/ SameSite=Lax", "HttpOnly Max-Age=2592000 Path=/ SameSite=Lax", "session-cookies"},
	{"the refresh cookie", func(r *replay) string {
		return attributes(r.raw("/auth/login/ldap", jsonType, `{"identifier":"ada","password":"right","mode":"cookie"}`), "directus_refresh")
	}, "Expires HttpOnly Max-Age=604800 Path=/ SameSite=Lax", "HttpOnly Max-Age=7776000 Path=/ SameSite=Lax", "session-cookies"},
	{"the session that the browser had, after another login", func(r *replay) string {
		c := r.raw("/auth/login/ldap", jsonType, `{"identifier":"ada","password":"right","mode":"cookie"}`).cookie("directus_refresh_token")
		r.signedIn("session")
		return r.told(r.raw("/auth/refresh", jsonType, `{"refresh_token":"`+c.Value+`"}`))
	}, allTokens, refused, "session-cookies"},
}

// me asks whose token it is.
func me(header func(r *replay) string) func(r *replay) string {
	return func(r *replay) string {
		a := r.site.browser(r.t).get("/users/me", "Authorization", "Bearer "+header(r))
		if a.StatusCode == http.StatusOK {
			return "200"
		}
		return r.told(a)
	}
}

func bearer(token string) func(r *replay) string { return me(func(*replay) string { return token }) }

func jwt(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(claims)) + "." + encode([]byte("signature"))
}

func access(r *replay) string {
	token, _ := r.tokens()
	return token
}

var replayOfRequests = []exchange{
	{"who am I, nobody", gets("/users/me"), refused, "", ""},
	{"who am I, session cookie", func(r *replay) string { return fmt.Sprint(r.signedIn("session").get("/users/me").StatusCode) }, "200", "", ""},
	{"who am I, with a slash", func(r *replay) string { return fmt.Sprint(r.signedIn("session").get("/users/me/").StatusCode) }, "200", "", ""},
	{"who am I, refresh cookie", func(r *replay) string { return r.told(r.signedIn("cookie").get("/users/me")) }, refused, "", ""},
	{"who am I, an unknown cookie", gets("/users/me", "Cookie", "directus_session_token=abc"), refused + " =session", refused + " -session", "session-cookies"},
	{"who am I, bearer", me(access), "200", "", ""},
	{"who am I, the session cookie as bearer", me(func(r *replay) string {
		return r.raw("/auth/login/ldap", jsonType, `{"identifier":"ada","password":"right","mode":"session"}`).cookie("directus_session_token").Value
	}), "200", "", ""},
	{"who am I, unknown token", bearer("abc"), refused, "", ""},
	{"who am I, an empty bearer token and a session cookie", func(r *replay) string {
		return fmt.Sprint(r.signedIn("session").get("/users/me", "Authorization", "Bearer ").StatusCode)
	}, "200", "", ""},
	{"who am I, Basic and a session cookie", func(r *replay) string {
		return fmt.Sprint(r.signedIn("session").get("/users/me", "Authorization", "Basic YTpi").StatusCode)
	}, "200", "", ""},
	{"who am I, dots", bearer("a.b.c"), refused, "", ""},
	{"who am I, a JWT of ours that was altered", me(func(r *replay) string { return forged(access(r)) }), "403 INVALID_TOKEN", "", ""},
	{"who am I, a JWT with the name of Directus", bearer(jwt(`{"iss":"directus","role":null,"app_access":true,"admin_access":true}`)), "403 INVALID_TOKEN", "", ""},
	{"who am I, a JWT of somebody else", bearer(jwt(`{"iss":"https://other.example"}`)), refused, "403 INVALID_TOKEN", "credentials-in-a-request"},
	{"who am I, an access token that has expired", func(r *replay) string {
		r = r.alone()
		token := access(r)
		r.site.clock.advance(16 * time.Minute)
		return bearer(token)(r)
	}, "401 TOKEN_EXPIRED", "", ""},
	{"who am I, an access token after logout", me(func(r *replay) string {
		token, refresh := r.tokens()
		r.raw("/auth/logout", jsonType, `{"refresh_token":"`+refresh+`"}`)
		return token
	}), "200", refused, "access-tokens"},
	{"who am I, a session token after logout", func(r *replay) string {
		r = r.alone()
		c := r.raw("/auth/login/ldap", jsonType, `{"identifier":"ada","password":"right","mode":"session"}`).cookie("directus_session_token")
		r.raw("/auth/logout", jsonType, `{"mode":"session"}`)
		return bearer(c.Value)(r)
	}, refused, "", ""},
	{"who am I, suspended", func(r *replay) string { return r.told(r.alone().become("suspended").get("/users/me")) }, refused + " =session", refused + " -session", "session-cookies"},
	{"who am I, a token in the URL", func(r *replay) string {
		token := access(r)
		return r.told(r.get("/users/me?access_token=" + token))
	}, "200", refused, "credentials-in-a-request"},
	{"who am I, a token in the URL and in the header", func(r *replay) string {
		token := access(r)
		return fmt.Sprint(r.get("/users/me?access_token="+token, "Authorization", "Bearer "+token).StatusCode)
	}, "400", "200", "credentials-in-a-request"},

	{"an unknown path", func(r *replay) string { return coded(r.t, r.get("/auth/nothing")) }, "404 ROUTE_NOT_FOUND", "", ""},
	{"a method that there is not", gets("/auth/refresh"), noRoute, "405 METHOD_NOT_ALLOWED", "errors"},
	{"GET /auth/login", gets("/auth/login"), noRoute, "405 METHOD_NOT_ALLOWED", "errors"},
	{"the members of an error", func(r *replay) string { return names(extensionsOf(r.t, r.get("/auth/login/nobody"))) }, "(code path)", "(code path request_id)", "errors"},
	{"the path of an error", func(r *replay) string { return fmt.Sprint(extensionsOf(r.t, r.get("/auth/login/nobody?a=b"))["path"]) }, "/auth/login/nobody", "", ""},
	{"the message of a body", message("/auth/login/ldap", `{"identifier":"ada"}`), `Invalid payload. "password" is required.`, "", ""},
	{"the message of a type", message("/auth/login/ldap", `{"identifier":"ada","password":5}`), `Invalid payload. "password" must be a string.`, "", ""},
	{"the message of a wrong password", message("/auth/login/ldap", `{"identifier":"ada","password":"wrong"}`), "Invalid user credentials.", "The user name or password is incorrect.", "errors"},
	{"the message of a service", func(r *replay) string {
		text, _, _ := strings.Cut(message("/auth/login/downldap", adaRight)(r), ". ")
		return text
	}, `Service "ldap" is unavailable`, "", ""},
	{"the content type", func(r *replay) string { return r.get("/auth").Header.Get("Content-Type") }, "application/json; charset=utf-8", "", ""},
	{"the content type of an error", func(r *replay) string { return r.get("/users/me").Header.Get("Content-Type") }, "application/json; charset=utf-8", "", ""},
	{"Cache-Control", func(r *replay) string { return r.get("/auth").Header.Get("Cache-Control") }, "no-cache", "no-store", "headers"},
	{"X-Powered-By", func(r *replay) string { return r.get("/auth").Header.Get("X-Powered-By") + "." }, "Directus.", ".", "headers"},
	{"Cross-Origin-Opener-Policy", func(r *replay) string { return r.get("/auth").Header.Get("Cross-Origin-Opener-Policy") }, "same-origin-allow-popups", "same-origin", "headers"},
	{"home", gets("/"), "302 ./admin", refused, "paths"},
	{"asking for a password", func(r *replay) string {
		return coded(r.t, r.raw("/auth/password/request", jsonType, `{"email":"ada@example.org"}`))
	}, "204 ", "404 ROUTE_NOT_FOUND", "paths"},
	{"ping", gets("/server/ping"), "200 pong", "", ""},
	{"the content type of ping", func(r *replay) string { return r.get("/server/ping").Header.Get("Content-Type") }, "text/html; charset=utf-8", "text/plain; charset=UTF-8", "headers"},
	{"ETag", func(r *replay) string { return fmt.Sprint(r.get("/auth").Header.Get("ETag") != "") }, "true", "false", "headers"},
	{"Vary", func(r *replay) string { return r.get("/auth").Header.Get("Vary") + "." }, "Origin, Cache-Control.", ".", "headers"},
	{"OPTIONS without CORS_ENABLED", func(r *replay) string {
		a := r.do(http.MethodOptions, "/auth/refresh", nil)
		return fmt.Sprint(a.StatusCode, " ", a.Header.Get("Allow"), " ", a.body)
	}, "200 POST POST", "204 OPTIONS, POST ", "headers"},
	{"a query that cannot be decoded", gets("/auth?a=%zz"), "200 data(driver label name)", badBody, "paths"},
	{"robots.txt", func(r *replay) string { return fmt.Sprint(r.get("/robots.txt").StatusCode) }, "200", "404", "paths"},
}

func message(path, body string) func(r *replay) string {
	return func(r *replay) string {
		var told struct {
			Errors []struct{ Message string }
		}
		if err := json.Unmarshal([]byte(r.raw(path, jsonType, body).body), &told); err != nil || len(told.Errors) != 1 {
			r.t.Fatalf("no error: %v", err)
		}
		return told.Errors[0].Message
	}
}
