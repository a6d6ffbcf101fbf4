package preset

// Source: Gitea 1.26.0 and 1.27.3, routers/web/auth/oauth2_provider.go and
// routers/api/v1; a server of 1.26.0 was signed in at.
var gitea = Preset{
	Name: "gitea", Title: "Gitea", Icon: "branches", Dated: facts,
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
	// With unauthorized_client, as a wrong secret has it, too.
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
			"Copy client ID and client secret at once: the secret is shown only this time.",
		},
		Extra:      []string{"AUTH_{X}_BASE_URL=https://gitea.example.com"},
		Callback:   "Must be one of the registered URLs exactly.",
		Restricted: "whoever has an account on your server can sign in. `allowed_organizations` and `allowed_teams` (`ORG/TEAM`, or `id:` and the number) let in some, and ask for the scope `read:organization`.",
		Email:      "the primary address, and only if the server has verified it.",
		Session:    "a token lasts an hour, its refresh token 730 hours by default. There is no revocation.",
		Unconfirmed: []string{
			"which versions before 1.23 know the scopes: one that does not grants all",
		},
	},
}

var forgejo = func() Preset {
	p := gitea
	p.Name, p.Title = "forgejo", "Forgejo"
	p.Manual.Extra = []string{"AUTH_{X}_BASE_URL=https://forgejo.example.com"}
	p.Manual.Unconfirmed = []string{"the row is that of Gitea, which Forgejo was once the same as; it was not tried against a Forgejo"}
	return p
}()
