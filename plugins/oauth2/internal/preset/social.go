package preset

// Source: Discord's developer documentation, topics "OAuth2" and "User resource".
var discord = Preset{
	Name: "discord", Title: "Discord", Icon: "chat", Dated: factsDate,
	Base: "https://discord.com", API: "https://discord.com/api",
	AuthorizeURL: "{base}/oauth2/authorize",
	AccessURL:    "{api}/oauth2/token",
	ProfileURL:   "{api}/users/@me",
	Scopes:       []string{"identify", "email"},
	GroupScopes:  []string{"guilds"},
	GroupCalls:   []Call{{Name: "guilds", URL: "{api}/users/@me/guilds", List: true}},
	Identifiers:  []Identifier{{"id", Text}},
	Username:     "username",
	FullName:     "global_name|username",
	Email:        "email",
	Verified:     Verified{Path: "verified"},
	// Names of guilds are not unique: anybody can name theirs "staff".
	Groups: []Groups{{Kind: Organization, Path: "guilds[]", Name: "{id}", ID: "{id}"}},
	Manual: Manual{
		Console: []string{
			"discord.com/developers/applications → New Application → OAuth2.",
			"Redirects: the URL below.",
			"Copy the client ID, and the client secret under Reset Secret.",
		},
		Callback:   "Must be one of the registered URLs exactly.",
		Restricted: "`allowed_organizations` lists servers by their ID (Developer Mode → Copy Server ID), and requests the scope `guilds`. Names of servers are not unique and are never compared. Doorward does not read roles.",
		Email:      "verified if `verified` is true.",
		Session:    "a token lasts a week and comes with a refresh token. A logout does not revoke the token, because Discord would revoke all tokens of the user for this application, including those of other sessions. If you want that, set `revoke_url=https://discord.com/api/oauth2/token/revoke`.",
		Unconfirmed: []string{
			"whether Discord verifies the code verifier",
		},
	},
}

// Sources: Meta's "Manually build a login flow" and "Secure Graph API calls", and
// the providers of next-auth, kratos and supabase, which differ only in the separator of
// scopes.
var facebook = Preset{
	Name: "facebook", Title: "Facebook", Icon: "people", Dated: factsDate,
	Base: "https://www.facebook.com", API: "https://graph.facebook.com",
	AuthorizeURL: "{base}/dialog/oauth",
	AccessURL:    "{api}/oauth/access_token",
	ProfileURL:   "{api}/me?fields=id,name,first_name,last_name,email",
	Scopes:       []string{"public_profile", "email"},
	Comma:        true,
	Auth:         "client_secret_post",
	ProfileTypes: []string{"text/javascript"},
	Proof:        true,
	Identifiers:  []Identifier{{"id", Text}},
	FullName:     "name",
	FirstName:    "first_name",
	LastName:     "last_name",
	Email:        "email",
	Manual: Manual{
		Console: []string{
			"developers.facebook.com → My Apps → Create App, with the use case \"Authenticate and request data from users with Facebook Login\".",
			"Facebook Login → Settings → Valid OAuth Redirect URIs: the URL below. Leave \"Enforce HTTPS\" and \"Use Strict Mode for Redirect URIs\" on.",
			"App settings → Basic: the app ID is the client ID, and the app secret is the client secret. Under Advanced, turn on \"Require App Secret\".",
		},
		Callback:   "Must be one of the registered URLs exactly, in strict mode.",
		Restricted: "everybody with an account can sign in. `allowed_email_domains` admits nobody, because no address counts as verified: leave `allow_public_registration` off and link users yourself.",
		Email:      "never verified, because Facebook does not say whether it is. There is no address for accounts with only a phone number, and for people who decline to share it.",
		Session:    "a token lasts some hours or 60 days, and there is no refresh token. When the token has expired, a refresh can no longer ask Facebook.",
		Unconfirmed: []string{
			"which version of the Graph API to use: without a version, requests use the oldest version that is available to the app. To choose a version, set `base_url=https://www.facebook.com/vN.0` and `api_url=https://graph.facebook.com/vN.0`",
			"whether Facebook verifies the code verifier",
		},
	},
}

// Source: X's "OAuth 2.0 Authorization Code Flow with PKCE" and "User lookup".
var x = Preset{
	Name: "x", Title: "X", Icon: "people", Dated: factsDate,
	Base: "https://x.com", API: "https://api.x.com",
	AuthorizeURL: "{base}/i/oauth2/authorize",
	AccessURL:    "{api}/2/oauth2/token",
	ProfileURL:   "{api}/2/users/me?user.fields=id,name,username,confirmed_email",
	Scopes:       []string{"users.read", "tweet.read", "users.email"},
	Identifiers:  []Identifier{{"data.id", Text}},
	Username:     "data.username",
	FullName:     "data.name",
	Email:        "data.confirmed_email",
	Verified:     Verified{Always: true},
	Manual: Manual{
		Console: []string{
			"developer.x.com → Projects & Apps → your app → User authentication settings.",
			"App permissions: Read. Turn on \"Request email from users\". Type of App: Web App (confidential client).",
			"Callback URI: the URL below. Copy the client ID and the client secret of OAuth 2.0; the API key and its secret are different.",
		},
		Callback:   "Must be one of the registered URLs exactly.",
		Restricted: "everybody with an account can sign in. `allowed_email_domains` restricts this to people with a confirmed address in your domain.",
		Email:      "always verified if present: X releases only `confirmed_email`. The documentation of Directus uses `data.username` as the identifier. Doorward refuses it, because a user name can pass to another person.",
		Session:    "a token lasts 2 hours. Add `offline.access` to `scope` to get a refresh token; without it, a refresh can no longer ask X after the token has expired.",
		Unconfirmed: []string{
			"whether a refresh token can be used only once",
		},
	},
}

// Source: the providers of next-auth, allauth, better-auth and authentik.
var reddit = Preset{
	Name: "reddit", Title: "Reddit", Icon: "chat", Dated: factsDate,
	Base: "https://www.reddit.com", API: "https://oauth.reddit.com",
	AuthorizeURL: "{base}/api/v1/authorize",
	AccessURL:    "{base}/api/v1/access_token",
	ProfileURL:   "{api}/api/v1/me",
	Scopes:       []string{"identity"},
	Params:       map[string]string{"duration": "temporary"},
	PKCE:         "off",
	Identifiers:  []Identifier{{"id", Text}},
	RefuseWhen:   []string{"is_suspended"},
	Username:     "name",
	FullName:     "name",
	Manual: Manual{
		Console: []string{
			"reddit.com/prefs/apps → create another app… → web app.",
			"redirect uri: the URL below.",
			"The client ID is shown below the name of the app.",
		},
		Callback:   "Must be the registered URL exactly.",
		Restricted: "everybody with an account can sign in, and there is no e-mail address: leave `allow_public_registration` off unless you want that.",
		Email:      "none.",
		Session:    "a token lasts an hour. Set `params__duration=permanent` to get a refresh token.",
		Unconfirmed: []string{
			"whether Reddit accepts a code challenge (Doorward sends one only if you set `pkce=S256`)",
			"how long a token lasts",
		},
	},
}

// Source: Mastodon's documentation, "OAuth" and "OAuth scopes".
var mastodon = Preset{
	Name: "mastodon", Title: "Mastodon", Icon: "chat", Dated: factsDate,
	API:          "{base}/api/v1",
	AuthorizeURL: "{base}/oauth/authorize",
	AccessURL:    "{base}/oauth/token",
	ProfileURL:   "{api}/accounts/verify_credentials",
	Revocation:   Revocation{URL: "{base}/oauth/revoke", Style: RFC7009},
	Scopes:       []string{"profile"},
	Auth:         "client_secret_post",
	Identifiers:  []Identifier{{"id", Text}},
	RefuseWhen:   []string{"suspended"},
	Username:     "username",
	FullName:     "display_name|username",
	Manual: Manual{
		Console: []string{
			"On your instance: Preferences → Development → New application.",
			"Redirect URI: the URL below. Scopes: `profile` only (before Mastodon 4.3: `read:accounts`, and set `scope=read:accounts`).",
			"The client key is the client ID.",
		},
		Extra:      []string{"AUTH_{X}_BASE_URL=https://mastodon.example"},
		Callback:   "Must be one of the registered URLs exactly.",
		Restricted: "everybody with an account on that instance can sign in. Configure one provider for each instance: account 1 of another instance is a different person.",
		Email:      "none.",
		Session:    "a token does not expire. A refresh reads the profile again; a logout revokes the token.",
	},
}
