package main

import (
	"fmt"
	"strings"
)

func signedInfo(m members) string {
	in := b64([]byte(`{"alg":"RS256","kid":"r"}`)) + "." + b64([]byte(m.String()))
	return in + "." + b64(signRS256(rawKeys().rsa, in))
}

func answerForgeries() (f forgeries) {
	for name, body := range map[string]func(members) string{
		"html":                    func(members) string { return "<html>" },
		"form":                    func(m members) string { return "access_token=x&token_type=bearer&id_token=x" },
		"empty":                   func(members) string { return "" },
		"null":                    func(members) string { return "null" },
		"list":                    func(m members) string { return "[" + m.String() + "]" },
		"trailing":                func(m members) string { return m.String() + m.String() },
		"huge":                    func(m members) string { return m.with("x", quoted(strings.Repeat("x", 600<<10))).String() },
		"id_token twice":          func(m members) string { return m.and(`"id_token"`, `"a.b.c"`).String() },
		"ID_TOKEN":                func(m members) string { return m.and(`"ID_TOKEN"`, `"a.b.c"`).String() },
		"id_token list":           func(m members) string { return m.with("id_token", `["`+"a.b.c"+`"]`).String() },
		"error beside":            func(m members) string { return m.with("error", `"invalid_grant"`).String() },
		"error object":            func(m members) string { return m.with("error", `{}`).String() },
		"token_type mac":          func(m members) string { return m.with("token_type", `"mac"`).String() },
		"token_type DPoP unasked": func(m members) string { return m.with("token_type", `"DPoP"`).String() },
		"token_type N_A":          func(m members) string { return m.with("token_type", `"N_A"`).String() },
		"access token crlf":       func(m members) string { return m.with("access_token", `"a\r\nX: y"`).String() },
		"access token list":       func(m members) string { return m.with("access_token", `["a"]`).String() },
		"no id_token":             func(m members) string { return m.without("id_token").String() },
		"deep": func(m members) string {
			return m.with("x", strings.Repeat("[", 3000)+strings.Repeat("]", 3000)).String()
		},
		"nul in name": func(m members) string { return m.and(`"id_token\u0000"`, `1`).String() },
	} {
		f.refused("answer "+name, rawProvider{answer: body})
	}
	return f
}

func userInfoForgeries() (f forgeries) {
	for name, body := range map[string]func(members) string{
		"other sub":            func(m members) string { return m.with("sub", `"bob"`).String() },
		"no sub":               func(m members) string { return m.without("sub").String() },
		"sub null":             func(m members) string { return m.with("sub", `null`).String() },
		"sub list":             func(m members) string { return m.with("sub", `["alice"]`).String() },
		"sub upper":            func(m members) string { return m.with("sub", `"Alice"`).String() },
		"sub space":            func(m members) string { return m.with("sub", `"alice "`).String() },
		"sub twice":            func(m members) string { return m.and(`"sub"`, `"alice"`).String() },
		"SUB":                  func(m members) string { return m.and(`"SUB"`, `"root"`).String() },
		"html":                 func(members) string { return "<html>" },
		"empty":                func(members) string { return "" },
		"null":                 func(members) string { return "null" },
		"list":                 func(m members) string { return "[" + m.String() + "]" },
		"email_verified twice": func(m members) string { return m.and(`"email_verified"`, `true`).String() },
		"EMAIL_VERIFIED":       func(m members) string { return m.and(`"EMAIL_VERIFIED"`, `true`).String() },
		"groups twice":         func(m members) string { return m.and(`"groups"`, `["a"]`).and(`"Groups"`, `["b"]`).String() },
		"a.b.c":                func(members) string { return "a.b.c" },
		"jwt none":             func(m members) string { return b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(m.String())) + "." },
		"jwt stranger": func(m members) string {
			in := b64([]byte(`{"alg":"RS256","kid":"r"}`)) + "." + b64([]byte(m.String()))
			return in + "." + b64(stranger(in))
		},
		"jwt HS256": func(m members) string {
			in := b64([]byte(`{"alg":"HS256"}`)) + "." + b64([]byte(m.String()))
			return in + "." + b64(hs256([]byte(clientSecret))(in))
		},
		"jwt other iss": func(m members) string { return signedInfo(m.with("iss", `"https://evil.example"`).with("aud", us())) },
	} {
		f.refused("user info "+name, rawProvider{userInfo: body})
	}
	signed := map[string]any{"client_userinfo_signed_response_alg": "RS256"}
	f.refusedWith("user info unsigned, signed demanded", signed, rawProvider{})
	f.refusedWith("user info ES256, RS256 demanded", map[string]any{"client_userinfo_signed_response_alg": "ES256"}, rawProvider{userInfo: func(m members) string { return signedInfo(m.with("aud", us())) }})
	f.refusedWith("user info signed without iss and aud, signed demanded", signed, rawProvider{userInfo: func(m members) string { return signedInfo(m) }})
	f.refusedWith("user info signed for other aud", signed, rawProvider{userInfo: func(m members) string { return signedInfo(m.with("aud", `"other"`)) }})
	return f
}

func demandForgeries() (f forgeries) {
	for name, c := range map[string]func(members) members{
		"none":       nil,
		"other":      claim("acr", `"silver"`),
		"list":       claim("acr", `["gold"]`),
		"upper":      claim("acr", `"GOLD"`),
		"null":       claim("acr", `null`),
		"with space": claim("acr", `"gold silver"`),
		"empty":      claim("acr", `""`),
	} {
		f.refusedWith("acr "+name, map[string]any{"params__acr_values": "gold platinum"}, rawProvider{claims: c, userInfo: func(m members) string { return m.with("acr", `"gold"`).String() }})
		f.refusedWith("essential acr "+name, map[string]any{"params": map[string]any{"claims": map[string]any{"id_token": map[string]any{"acr": map[string]any{"essential": true, "values": []any{"gold"}}}}}}, rawProvider{claims: c, userInfo: func(m members) string { return m.with("acr", `"gold"`).String() }})
	}
	for name, c := range map[string]func(members) members{
		"none":    nil,
		"other":   claim("amr", `["pwd"]`),
		"text":    claim("amr", `"mfa pwd"`),
		"upper":   claim("amr", `["MFA"]`),
		"numbers": claim("amr", `["mfa",1]`),
		"object":  claim("amr", `{"mfa":true}`),
	} {
		f.refusedWith("amr "+name, map[string]any{"required_amr": "mfa"}, rawProvider{claims: c, userInfo: func(m members) string { return m.with("amr", `["mfa"]`).String() }})
	}
	for name, c := range map[string]func(members) members{
		"none":       nil,
		"old":        claim("auth_time", fmt.Sprint(fromNow(-1000))),
		"zero":       claim("auth_time", `0`),
		"text":       claim("auth_time", fmt.Sprintf("%q", fmt.Sprint(fromNow(0)))),
		"negative":   claim("auth_time", `-5`),
		"1e99":       claim("auth_time", `1e99`),
		"far future": claim("auth_time", `253402300799`),
		"fraction":   claim("auth_time", `0.5`),
	} {
		f.refusedWith("auth_time "+name, map[string]any{"params__max_age": "300"}, rawProvider{claims: c, userInfo: func(m members) string { return m.with("auth_time", fmt.Sprint(fromNow(0))).String() }})
	}
	for name, c := range map[string]func(members) members{
		"none":  nil,
		"other": claim("hd", `"evil.example"`),
		"upper": claim("hd", `"EXAMPLE.COM"`),
		"sub":   claim("hd", `"x.example.com"`),
		"list":  claim("hd", `["example.com"]`),
		"star":  claim("hd", `"*"`),
	} {
		f.refusedWith("hd "+name, map[string]any{"params__hd": "example.com"}, rawProvider{claims: c, userInfo: func(m members) string { return m.with("hd", `"example.com"`).String() }})
	}
	for name, c := range map[string]func(members) members{
		"none":  nil,
		"other": claim("tid", `"11111111-2222-3333-4444-555555555555"`),
		"upper": claim("tid", `"AAAAAAAA-2222-3333-4444-555555555555"`),
		"list":  claim("tid", `["aaaaaaaa-2222-3333-4444-555555555555"]`),
	} {
		f.refusedWith("tid "+name, map[string]any{"allowed_tenants": "aaaaaaaa-2222-3333-4444-555555555555"}, rawProvider{claims: c, userInfo: func(m members) string { return m.with("tid", `"aaaaaaaa-2222-3333-4444-555555555555"`).String() }})
	}
	return f
}

func addressForgeries() (f forgeries) {
	mail := map[string]any{"identifier_key": "email"}
	for name, p := range map[string]rawProvider{
		"unverified": {claims: claim("email_verified", "false"), userInfo: func(m members) string { return m.with("email_verified", "false").String() }},
		"text":       {claims: claim("email_verified", `"true"`), userInfo: func(m members) string { return m.with("email_verified", `"true"`).String() }},
		"one":        {userInfo: func(m members) string { return m.with("email_verified", `1`).String() }},
		"list":       {userInfo: func(m members) string { return m.with("email_verified", `[true]`).String() }},
		"other address in user info without word": {userInfo: func(m members) string {
			return m.without("email_verified").with("email", `"root@example.com"`).String()
		}},
		"other address, word false": {userInfo: func(m members) string {
			return m.with("email_verified", "false").with("email", `"root@example.com"`).String()
		}},
		"word in user info, address in the ID token": {claims: func(m members) members { return m.without("email_verified").with("email", `"root@example.com"`) }, userInfo: func(m members) string { return m.without("email").String() }},
		"empty": {claims: claim("email", `""`), userInfo: func(m members) string { return m.with("email", `""`).String() }},
	} {
		f.refusedWith("email as identifier: "+name, mail, p)
	}
	return f
}
