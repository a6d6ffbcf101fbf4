package preset

// Sources: GitHub's "Authorizing OAuth apps", "Generating a user access token for a
// GitHub App", "Getting started with the REST API", and the change of 2025-07-14
// that brought PKCE.
var gitHub = Preset{
	Name: "github", Title: "GitHub", Icon: "branches", Dated: factsDate,
	Base: "https://github.com", API: "https://api.github.com",
	AuthorizeURL:   "{base}/login/oauth/authorize",
	AccessURL:      "{base}/login/oauth/access_token",
	ProfileURL:     "{api}/user",
	Revocation:     Revocation{URL: "{api}/applications/{client_id}/token", Style: GitHubDelete},
	Scopes:         []string{"read:user", "user:email"},
	GroupScopes:    []string{"read:org"},
	ProfileHeaders: gitHubHeaders,
	Calls:          []Call{{Name: "emails", URL: "{api}/user/emails?per_page=100", List: true, Pages: PagesLink, Optional: true}},
	GroupCalls: []Call{
		{Name: "orgs", URL: "{api}/user/orgs?per_page=100", List: true, Pages: PagesLink},
		// Each team contains its whole organization, so a page of 100 teams can exceed the
		// size limit.
		{Name: "teams", URL: "{api}/user/teams?per_page=30", List: true, Pages: PagesLink},
	},
	Identifiers: []Identifier{{"id", Integer}, {"node_id", Text}},
	RefuseWhen:  []string{"suspended_at"},
	Username:    "login",
	FullName:    "name|login",
	Email:       "emails[primary && verified].email",
	Verified:    Verified{Path: "emails[primary && verified].verified"},
	Groups: []Groups{
		{Kind: Organization, Path: "orgs[]", Name: "{login}", ID: "{id}"},
		{Kind: Team, Path: "teams[]", Name: "{organization.login}/{slug}", ID: "{id}"},
	},
	Manual: Manual{
		Console: []string{
			"Settings → Developer settings → OAuth Apps → New OAuth App (for an organization, start in its settings instead of yours).",
			"Authorization callback URL: the URL below, with its whole path. Leave the device flow off.",
			"Generate a client secret and copy it now: it is shown only once.",
		},
		Callback: "GitHub accepts every path below the registered URL, and every subdomain of its host. Register the whole path, and one OAuth app for each provider in Doorward.",
		Restricted: "`allowed_organizations` and `allowed_teams` read the organizations and teams of the user and request the scope `read:org`. " +
			"An organization that restricts OAuth apps is missing until one of its owners approves the app, and an organization with SAML single sign-on until the user has a SAML session. In both cases Doorward refuses the login and logs the reason. " +
			"A name can change and then be taken by somebody else, so write `id:` and the number, which `https://api.github.com/orgs/NAME` shows.",
		Email:   "the primary address, if GitHub has verified it; otherwise the user signs in without an address. Doorward never reads the public address of the profile.",
		Session: "a token does not expire, and there is no refresh token. The refresh of a session reads the profile again, and ends the session if the user has revoked the app. A logout deletes the token.",
		Unconfirmed: []string{
			"how many requests a user can make in an hour, and how the secondary rate limits work",
		},
	},
}

var gitHubHeaders = map[string]string{
	"Accept":               "application/vnd.github+json",
	"X-GitHub-Api-Version": "2022-11-28",
}

var gitHubApp = func() Preset {
	p := gitHub
	p.Name, p.Title = "github-app", "GitHub"
	p.Scopes, p.GroupScopes = nil, nil // a GitHub App has permissions instead
	p.Manual = Manual{
		Console: []string{
			"Settings → Developer settings → GitHub Apps → New GitHub App (for an organization, start in its settings instead of yours). Turn the webhook off.",
			"Callback URL: the URL below. Leave \"Expire user authorization tokens\" on.",
			"Permissions → Account permissions → Email addresses: read-only. For organizations and teams: Organization permissions → Members: read-only, and install the app in the organization.",
			"Copy the client ID (it begins with `Iv`; the app ID is a different number) and generate a client secret.",
		},
		Callback:   "Must be one of the registered URLs exactly.",
		Restricted: gitHub.Manual.Restricted,
		Email:      gitHub.Manual.Email + " Without the permission, the app sees no address.",
		Session:    "a token lasts 8 hours. Its refresh token lasts 6 months and can be used once. The refresh of a session reads the profile with the token, and uses the refresh token only after the token has expired. A logout deletes the token.",
		Unconfirmed: []string{
			"that \"Members: read-only\" is enough to list teams",
		},
	}
	return p
}()

var gitHubEnterprise = func() Preset {
	p := gitHub
	p.Name, p.Title, p.Icon = "github-enterprise", "GitHub Enterprise", "branches"
	p.Base, p.API = "", "{base}/api/v3"
	// A server does not verify addresses.
	p.Email, p.Verified = "emails[primary].email", Verified{}
	p.Manual = Manual{
		Console: []string{
			"On your server: Settings → Developer settings → OAuth Apps → New OAuth App.",
			"Authorization callback URL: the URL below, with its whole path.",
			"Generate a client secret and copy it now.",
		},
		Extra:      []string{"AUTH_{X}_BASE_URL=https://github.example.com"},
		Callback:   gitHub.Manual.Callback,
		Restricted: "as for GitHub. Everybody with an account on your server can sign in, so `allow_public_registration` may be what you want. If the server's certificate is from your own certificate authority, set `client_http_ca`.",
		Email:      "the primary address, which never counts as verified, because a GitHub Enterprise Server does not verify addresses.",
		Session:    gitHub.Manual.Session,
		Unconfirmed: []string{
			"the API of a tenant on ghe.com: set `base_url=https://SUBDOMAIN.ghe.com` and `api_url=https://api.SUBDOMAIN.ghe.com`",
			"that versions without support for PKCE ignore it: if yours does not, set `pkce=off`",
		},
	}
	return p
}()
