package preset

// Source: Gitea 1.26.0 and 1.27.3, routers/web/auth/oauth2_provider.go and
// routers/api/v1; tested with a server of version 1.26.0.
var gitea = Preset{
	Name: "gitea", Title: "Gitea", Icon: "branches", Dated: factsDate,
	API:          "{base}/api/v1",
	AuthorizeURL: "{base}/login/oauth/authorize",
	AccessURL:    "{base}/login/oauth/access_token",
	ProfileURL:   "{api}/user",
	Scopes:       []string{"read:user"},
	GroupScopes:  []string{"read:organization"},
	Calls:        []Call{{Name: "emails", URL: "{api}/user/emails", List: true, Optional: true}},
	GroupCalls: []Call{
		{Name: "orgs", URL: "{api}/user/orgs?limit=50", List: true, Pages: PagesLink},
		{Name: "teams", URL: "{api}/user/teams?limit=50", List: true, Pages: PagesLink},
	},
	Identifiers: []Identifier{{"id", Integer}},
	RefuseWhen:  []string{"prohibit_login"},
	// Gitea sends these with unauthorized_client, which it also sends for a wrong secret.
	CodeRefused: []string{"client is not authorized", "failed PKCE code challenge", "unable to parse refresh token", "token was already used"},
	Username:    "login",
	FullName:    "full_name|login",
	Email:       "emails[primary && verified].email",
	Verified:    Verified{Path: "emails[primary && verified].verified"},
	Groups: []Groups{
		{Kind: Organization, Path: "orgs[]", Name: "{name|username}", ID: "{id}"},
		{Kind: Team, Path: "teams[]", Name: "{organization.name|organization.username}/{name}", ID: "{id}"},
	},
	Manual: Manual{
		Console: []string{
			"Settings → Applications → Manage OAuth2 Applications (or Site Administration → Integrations → Applications, for all users).",
			"Redirect URI: the URL below. Leave \"Confidential Client\" on.",
			"Copy the client ID and the client secret now: the secret is shown only once.",
		},
		Extra:      []string{"AUTH_{X}_BASE_URL=https://gitea.example.com"},
		Callback:   "Must be one of the registered URLs exactly.",
		Restricted: "everybody with an account on your server can sign in. `allowed_organizations` and `allowed_teams` (`ORG/TEAM`, or `id:` and the number) restrict who can, and request the scope `read:organization`.",
		Email:      "the primary address, and only if the server has verified it.",
		Session:    "by default, a token lasts an hour and its refresh token 730 hours. The server cannot revoke tokens.",
		Unconfirmed: []string{
			"which versions before 1.23 support the scopes: a version that does not grants all scopes",
		},
	},
}

var forgejo = func() Preset {
	p := gitea
	p.Name, p.Title = "forgejo", "Forgejo"
	p.Manual.Extra = []string{"AUTH_{X}_BASE_URL=https://forgejo.example.com"}
	p.Manual.Unconfirmed = []string{"this preset is the one for Gitea, from which Forgejo was forked; it was not tested with Forgejo"}
	return p
}()
