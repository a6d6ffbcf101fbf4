package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

func claimForgeries() (f forgeries) {
	for _, n := range []string{"sub", "iss", "aud", "nonce", "exp", "iat"} {
		f.refused(n+" missing", rawProvider{claims: func(m members) members { return m.without(n) }})
		f.refused(n+" null", rawProvider{claims: claim(n, "null")})
		f.refused(n+" empty", rawProvider{claims: claim(n, `""`)})
		f.refused(n+" object", rawProvider{claims: claim(n, `{}`)})
		f.refused(n+" number -1", rawProvider{claims: claim(n, `-1`)})
		f.refused(n+" 1e400", rawProvider{claims: claim(n, `1e400`)})
		f.refused(n+" true", rawProvider{claims: claim(n, `true`)})
		f.refused(n+" empty list", rawProvider{claims: claim(n, `[]`)})
		f.refused(n+" twice", rawProvider{claims: addClaim(quoted(n), `"root"`)})
		f.refused(n+" upper", rawProvider{claims: addClaim(quoted(strings.ToUpper(n)), `"root"`)})
		f.refused(n+" title first", rawProvider{claims: func(m members) members {
			return append(members{{quoted(strings.ToUpper(n[:1]) + n[1:]), `"root"`}}, m...)
		}})
		f.refused(n+" escaped", rawProvider{claims: addClaim(fmt.Sprintf(`"\u%04x%s"`, n[0], n[1:]), `"root"`)})
		f.refused(n+" with NUL", rawProvider{claims: addClaim(`"`+n+`\u0000"`, `"root"`)})
	}
	f.refused("ſub, long s", rawProvider{claims: addClaim(`"ſub"`, `"root"`)})
	f.refused("iſſ", rawProvider{claims: addClaim(`"iſſ"`, `"root"`)})
	for _, v := range []string{`"alice\u0000"`, `"alice\u000a"`, `"\ud800"`, `"` + strings.Repeat("a", 256) + `"`, `1234`, `1e3`, `["alice"]`} {
		f.refused("sub "+v[:min(len(v), 20)], rawProvider{claims: claim("sub", v), userInfo: func(m members) string { return m.with("sub", v).String() }})
	}
	for _, v := range []string{`[null]`, `[["` + clientID + `"]]`, `{"a":"` + clientID + `"}`, `"` + clientID + ` "`, `"` + strings.ToUpper(clientID) + `"`, `["` + clientID + `",null]`, `["` + clientID + `",1]`, `["` + clientID + `","other"]`, `["other"]`, `"` + clientID + `,other"`, `"other ` + clientID + `"`} {
		f.refused("aud "+v, rawProvider{claims: claim("aud", v)})
	}
	return f
}

func audienceForgeries() (f forgeries) {
	trusted := map[string]any{"trusted_audiences": "friend"}
	f.refusedWith("aud is the trusted one alone", trusted, rawProvider{claims: claim("aud", `"friend"`)})
	f.refusedWith("aud friend, azp us", trusted, rawProvider{claims: func(m members) members { return m.with("aud", `["friend"]`).with("azp", us()) }})
	f.refusedWith("aud us and friend, azp friend", trusted, rawProvider{claims: func(m members) members { return m.with("aud", `[`+us()+`,"friend"]`).with("azp", `"friend"`) }})
	f.refusedWith("aud us and Friend", trusted, rawProvider{claims: claim("aud", `[`+us()+`,"Friend"]`)})
	f.acceptedWith("aud us and friend", trusted, rawProvider{claims: claim("aud", `[`+us()+`,"friend"]`)})
	for _, v := range []string{`"other"`, `""`, `[` + us() + `]`, `1`, `{}`, `false`} {
		f.refused("azp "+v, rawProvider{claims: claim("azp", v)})
	}
	f.refused("AZP", rawProvider{claims: func(m members) members { return m.with("azp", us()).and(`"AZP"`, `"x"`) }})
	return f
}

func timeForgeries() (f forgeries) {
	for _, n := range []string{"exp", "iat", "nbf"} {
		for _, v := range []string{`"` + fmt.Sprint(fromNow(0)) + `"`, `1e10`, `99999999999999`, `9223372036854775808`, `-0`, `-1`, `1` + strings.Repeat("0", 70), `[1]`, `true`} {
			f.refused(n+" "+v[:min(20, len(v))], rawProvider{claims: claim(n, v)})
		}
	}
	f.refused("exp now-61", rawProvider{claims: claim("exp", fmt.Sprint(fromNow(-61)))})
	f.refused("iat +120", rawProvider{claims: claim("iat", fmt.Sprint(fromNow(120)))})
	f.refused("iat -601", rawProvider{claims: claim("iat", fmt.Sprint(fromNow(-605)))})
	f.refused("nbf +120", rawProvider{claims: claim("nbf", fmt.Sprint(fromNow(120)))})
	f.refused("iat +0.5e9", rawProvider{claims: claim("iat", `1.7E9`)})
	for _, v := range []string{`"x"`, `1`, `[]`, `["x"]`, `{}`, `""`, `true`} {
		f.refused("at_hash "+v, rawProvider{claims: claim("at_hash", v)})
	}
	sum := sha256.Sum256([]byte("at-4711-of-this-login"))
	f.accepted("at_hash right", rawProvider{claims: claim("at_hash", quoted(b64(sum[:16])))})
	f.refused("at_hash whole", rawProvider{claims: claim("at_hash", quoted(b64(sum[:])))})
	f.refused("at_hash hex", rawProvider{claims: claim("at_hash", quoted(hex.EncodeToString(sum[:16])))})
	f.refused("at_hash padded", rawProvider{claims: claim("at_hash", quoted(b64(sum[:16])+"=="))})
	f.refused("at_hash of no token, half", rawProvider{claims: claim("at_hash", quoted(b64(sum[:8])))})
	f.refused("events", rawProvider{claims: claim("events", `{"http://schemas.openid.net/event/backchannel-logout":{}}`)})
	f.refused("events false", rawProvider{claims: claim("events", `false`)})
	return f
}

func issuerForgeries() (f forgeries) {
	f.refused("iss with slash", rawProvider{claims: func(m members) members {
		return m.with("iss", strings.Replace(m[0].value, `"`, `"`, 1)[:len(m[0].value)-1]+`/"`)
	}})
	for name, change := range map[string]func(string) string{
		"localhost":    func(s string) string { return strings.Replace(s, "127.0.0.1", "localhost", 1) },
		"upper scheme": func(s string) string { return strings.Replace(s, "http", "HTTP", 1) },
		"space":        func(s string) string { return s + " " },
		"query":        func(s string) string { return s + "?" },
		"fragment":     func(s string) string { return s + "#" },
		"userinfo":     func(s string) string { return strings.Replace(s, "//", "//x@", 1) },
		"dot":          func(s string) string { return strings.Replace(s, "127.0.0.1", "127.0.0.1.", 1) },
		"document":     func(s string) string { return s + "/.well-known/openid-configuration" },
		"path":         func(s string) string { return s + "/tenant" },
	} {
		f.refused("iss "+name, rawProvider{claims: func(m members) members { return m.with("iss", quoted(change(strings.Trim(m[0].value, `"`)))) }})
	}
	f.refused("__proto__", rawProvider{claims: addClaim(`"__proto__"`, `{"sub":"root"}`)})
	f.refused("deep", rawProvider{claims: addClaim(`"x"`, strings.Repeat(`[`, 5000)+strings.Repeat(`]`, 5000))})
	f.refused("invalid UTF-8", rawProvider{claims: addClaim(`"x"`, "\"\xff\"")})
	f.refused("payload array", rawProvider{claims: func(m members) members { return members{{`"a"`, `1},{"sub":"root"`}} }})
	return f
}
