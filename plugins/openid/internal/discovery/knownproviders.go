package discovery

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Cloud is one of the clouds of Microsoft's identity platform
// (learn.microsoft.com/entra/identity-platform/authentication-national-cloud).
type Cloud struct {
	hosts []string // of the issuers and the documents
	sts   string   // the host of the issuers of version 1 tokens
	Graph string   // the URL of Microsoft Graph
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

// aliases are issuers of one provider. From June 2025 on, Apple's discovery document had one
// and its tokens had the other (developer.apple.com/forums/thread/787645); Google's tokens
// can leave out the scheme
// (developers.google.com/identity/openid-connect/openid-connect, "An ID token's payload");
// LinkedIn changed from the second to the first (nextauthjs/next-auth 10671).
var aliases = [][]string{
	{"https://appleid.apple.com", "https://account.apple.com"},
	{"https://accounts.google.com", "accounts.google.com"},
	{"https://www.linkedin.com/oauth", "https://www.linkedin.com"},
}

// aliasesOf returns an issuer and its aliases, the preferred one first.
func aliasesOf(issuer string) []string {
	for _, pair := range aliases {
		if slices.Contains(pair, issuer) {
			return pair
		}
	}
	return []string{issuer}
}

// unlistedPKCE reports whether a provider is known to be safe although its discovery
// document lists no PKCE method: Microsoft documents S256 for Entra ID, for customers, and
// for B2C (learn.microsoft.com/azure/active-directory-b2c/authorization-code-flow), and
// Amazon for Cognito
// (docs.aws.amazon.com/cognito/latest/developerguide/using-pkce-in-authorization-code.html);
// Apple binds the code to the nonce.
func unlistedPKCE(issuer string) bool {
	_, microsoft := CloudOf(issuer)
	return microsoft || forCustomers.MatchString(hostOf(issuer)) || cognito.MatchString(hostOf(issuer)) || slices.Contains(aliases[0], issuer)
}

// forCustomers are the hosts of Microsoft's tenants whose users are customers.
var forCustomers = regexp.MustCompile(`^[a-z0-9-]+\.(b2clogin|ciamlogin)\.com$`)

// cognito are the hosts of Amazon's user pools.
var cognito = regexp.MustCompile(`^cognito-idp(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)

// hostOf returns the host of an https URL, or an empty text for anything else.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Port() != "" {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
