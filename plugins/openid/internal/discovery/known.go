package discovery

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Cloud is one of the clouds that Microsoft runs its identity platform in
// (learn.microsoft.com/entra/identity-platform/authentication-national-cloud).
type Cloud struct {
	hosts []string // of the issuers, and of the documents
	sts   string   // of the issuers of version 1 tokens
	Graph string   // where Microsoft Graph is
}

var clouds = []Cloud{
	{[]string{"login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"}, "sts.windows.net", "https://graph.microsoft.com"},
	{[]string{"login.microsoftonline.us"}, "sts.windows.net", "https://graph.microsoft.us"},
	{[]string{"login.partner.microsoftonline.cn", "login.chinacloudapi.cn", "sts.chinacloudapi.cn"}, "sts.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"},
}

// CloudOf finds the cloud of an issuer, or of the URL of a document.
func CloudOf(raw string) (Cloud, bool) {
	host := hostOf(raw)
	for _, c := range clouds {
		if slices.Contains(c.hosts, host) {
			return c, true
		}
	}
	return Cloud{}, false
}

// twins are issuers of one provider. Apple's discovery document said one and its
// tokens the other, from June 2025 on (developer.apple.com/forums/thread/787645);
// Google's tokens may leave the scheme out
// (developers.google.com/identity/openid-connect/openid-connect, "An ID token's payload");
// LinkedIn changed from the second to the first (nextauthjs/next-auth 10671).
var twins = [][]string{
	{"https://appleid.apple.com", "https://account.apple.com"},
	{"https://accounts.google.com", "accounts.google.com"},
	{"https://www.linkedin.com/oauth", "https://www.linkedin.com"},
}

// alike are an issuer and its twins.
func alike(issuer string) []string {
	for _, pair := range twins {
		if slices.Contains(pair, issuer) {
			return pair
		}
	}
	return []string{issuer}
}

// unlistedPKCE reports whether a provider that lists no PKCE method is known to do
// well: Microsoft documents S256 for Entra ID, for customers, and for B2C
// (learn.microsoft.com/azure/active-directory-b2c/authorization-code-flow), and Amazon
// for Cognito (docs.aws.amazon.com/cognito/latest/developerguide/using-pkce-in-authorization-code.html),
// and leave it out of their documents; Apple binds the code to the nonce.
func unlistedPKCE(issuer string) bool {
	_, microsoft := CloudOf(issuer)
	return microsoft || forCustomers.MatchString(hostOf(issuer)) || cognito.MatchString(hostOf(issuer)) || slices.Contains(twins[0], issuer)
}

// forCustomers are the hosts of Microsoft's tenants whose users are customers.
var forCustomers = regexp.MustCompile(`^[a-z0-9-]+\.(b2clogin|ciamlogin)\.com$`)

// cognito are the hosts of Amazon's user pools.
var cognito = regexp.MustCompile(`^cognito-idp(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)

// hostOf is empty for what is no URL on https.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Port() != "" {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
