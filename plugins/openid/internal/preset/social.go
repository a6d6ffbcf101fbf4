package preset

// Sources: Twitch's "Using OIDC to get OAuth Access Tokens" and "Validating Tokens", and
// the providers of next-auth, better-auth and authentik.
var twitch = Preset{
	Name: "twitch", Title: "Twitch", Icon: "chat", Dated: gathered,
	Issuer: "https://id.twitch.tv/oauth2",
	Scope:  "openid user:read:email",
	// Without it, ID token and user info contain only sub.
	Params:       map[string]string{"claims": `{"id_token":{"email":null,"email_verified":null,"picture":null,"preferred_username":null}}`},
	Auth:         "client_secret_post",
	UnlistedPKCE: true,
	Manual: Manual{
		Console: []string{
			"dev.twitch.tv/console → Applications → Register Your Application.",
			"OAuth Redirect URLs: the URL below. Client type: Confidential.",
			"Manage → copy the client ID, and create a new secret.",
		},
		Callback:   exactCallback,
		Restricted: anybody,
		Email:      byEmailVerified,
		Groups:     "Twitch sends none.",
		Session:    "Twitch requires applications to end sessions whose token is no longer valid: each refresh of a session checks this. Twitch has no logout for applications.",
		Unconfirmed: []string{
			"whether a code challenge is compared: the nonce protects the login",
			"whether Twitch requires its hourly check also of an application that uses none of its APIs: set `ACCESS_TOKEN_TTL` to at most an hour, so that refreshes check as often",
		},
	},
}

// Sources: Slack's "Sign in with Slack" and the method openid.connect.token, and the
// providers of next-auth, better-auth and allauth.
var slack = Preset{
	Name: "slack", Title: "Slack", Icon: "chat", Dated: gathered,
	Issuer:       "https://slack.com",
	Scope:        standardScope,
	UnlistedPKCE: true,
	Groups:       "https://slack.com/team_id",
	CodeRefused:  []string{"invalid_code"}, ClientRefused: []string{"bad_client_secret", "invalid_client_id"},
	Manual: Manual{
		Console: []string{
			"api.slack.com/apps → Create New App → From scratch.",
			"OAuth & Permissions → Redirect URLs: the URL below. User Token Scopes: `openid`, `profile`, `email`.",
			"Basic Information → App Credentials: copy client ID and client secret.",
		},
		Callback:   "Slack might accept every path below a registered URL: register the full path.",
		Restricted: "anybody in any Slack workspace: people choose it at Slack. `AUTH_SLACK_PARAMS__TEAM=T…` preselects one, but is only a hint: anyone who changes the request can sign in from another one.",
		Email:      byEmailVerified,
		Groups:     "the ID of the workspace (`https://slack.com/team_id`) is the only group, so that `ROLE_MAPPING` can distinguish workspaces. Slack sends no others.",
		Session:    "Slack's tokens do not expire unless token rotation is on. Slack has no logout for applications.",
		Unconfirmed: []string{
			"whether a code challenge is compared: the documentation mentions `code_verifier`, but the discovery document lists no method; the nonce protects the login",
			"how exactly the callback URL is compared",
		},
	},
}

// Sources: LinkedIn's "Sign In with LinkedIn using OpenID Connect"; next-auth's issues
// 8831 and 10671, directus's 23645, authlib's 763, Keycloak's
// LinkedInOIDCIdentityProviderFactory, which leaves the nonce out for the same reason; the
// providers of better-auth and kratos.
var linkedIn = Preset{
	Name: "linkedin", Title: "LinkedIn", Icon: "business", Dated: gathered,
	Issuer: "https://www.linkedin.com/oauth",
	Scope:  standardScope,
	Auth:   "client_secret_post",
	// Its token endpoint refuses the client that sends a code verifier, and its ID
	// tokens have no nonce.
	PKCE:         "off",
	MissingNonce: true,
	Manual: Manual{
		Console: []string{
			"linkedin.com/developers/apps → Create app, with the page of a company.",
			"Products → request Sign In with LinkedIn using OpenID Connect.",
			"Auth → Authorized redirect URLs: the URL below. Client ID and primary client secret are above it.",
		},
		Callback:   exactCallback,
		Restricted: anybody + " LinkedIn states that it does not verify who people are.",
		Email:      byEmailVerified,
		Groups:     "LinkedIn sends none.",
		Session:    "only selected partners get refresh tokens. LinkedIn has no logout for applications.",
		Unconfirmed: []string{
			"how long a token lasts",
			"that LinkedIn refuses a code that is used twice",
		},
	},
}

// Sources: LINE's "Integrating LINE Login with your web app" and "Managing access
// tokens", and the providers of next-auth, better-auth and kratos.
var line = Preset{
	Name: "line", Title: "LINE", Icon: "chat", Dated: gathered,
	Issuer: "https://access.line.me",
	Scope:  standardScope,
	Auth:   "client_secret_post",
	// Without it, LINE signs with the client secret.
	TokenParams:   map[string]string{"id_token_key_type": "JWK"},
	UnlistedPKCE:  true,
	NeverVerified: true,
	Manual: Manual{
		Console: []string{
			"developers.line.biz/console → your provider → Create a new channel → LINE Login, app type Web app.",
			"LINE Login → Callback URL: the URL below.",
			"Basic settings: the channel ID is the client ID, the channel secret the client secret. For addresses, apply for the e-mail address permission under OpenID Connect.",
			"Publish the channel: until then only its members can sign in.",
		},
		Callback:   exactCallback,
		Restricted: anybody,
		Email:      "never verified: LINE does not say. LINE sends it only if the channel has the permission for it.",
		Groups:     "LINE sends none.",
		Session:    "a token lasts 30 days, and its refresh token at most 90 days from its issue. LINE has no logout for applications.",
		Unconfirmed: []string{
			"what a channel without the e-mail permission gets for the scope `email`: if it is refused, set `AUTH_LINE_SCOPE=\"openid profile\"`",
			"whether one person has the same `sub` in all channels of a provider",
		},
	},
}

// Sources: GitLab's "GitLab as OpenID Connect identity provider" and "OAuth 2.0 identity
// provider API", and the connector of dex.
var gitLab = Preset{
	Name: "gitlab", Title: "GitLab", Icon: "branches", Dated: gathered,
	Issuer:            "https://gitlab.com",
	Scope:             standardScope,
	UnlistedPKCE:      true,
	RefreshAtCallback: true,
	Manual: Manual{
		Console: []string{
			"Preferences → Applications → Add new application (or Admin → Applications on your own server, or a group's settings).",
			"Redirect URI: the URL below. Leave Confidential on. Scopes: `openid`, `profile`, `email`.",
			"Copy application ID and secret at once.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://gitlab.example.com   # leave it out for gitlab.com",
			"AUTH_{X}_CLIENT_ID=<application ID>", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback:   exactCallback,
		Restricted: "at gitlab.com, " + anybody + " On your own server, anyone who has an account there.",
		Email:      byEmailVerified + " It is the public address if the application lacks the scope `email`.",
		Groups:     "the full paths of all groups, including inherited ones. Anybody can create groups, and take a path that was given up: map roles only to full paths.",
		Session:    "a token lasts two hours; a refresh issues a new pair and invalidates the old one.",
	},
}
