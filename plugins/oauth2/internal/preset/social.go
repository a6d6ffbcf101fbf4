package preset

// Source: Discord's developer documentation, topics "OAuth2" and "User resource".
var discord = Preset{
	Name: "discord", Title: "Discord", Icon: "chat", Dated: facts,
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
	// Names of guilds are not unique: anybody can call theirs "staff".
	Groups: []Groups{{Kind: Organization, Path: "guilds[]", Name: "{id}", ID: "{id}"}},
	Manual: Manual{
		Console: []string{
			"discord.com/developers/applications → New Application → OAuth2.",
			"Redirects: the URL below.",
			"Copy the client ID, and the client secret under Reset Secret.",
		},
		Callback:   "Must be one of the registered URLs exactly.",
		Restricted: "`allowed_organizations` names servers by their ID (Developer Mode → Copy Server ID), and asks for the scope `guilds`. Names of servers are not unique and are never compared. Roles are not read.",
		Email:      "verified if `verified` is true.",
		Session:    "a token lasts a week and comes with a refresh token. A logout revokes nothing: Discord would revoke all tokens of that user and application, those of other sessions included. Set `revoke_url=https://discord.com/api/oauth2/token/revoke` if that is what you want.",
		Unconfirmed: []string{
			"whether Discord compares the code verifier that it is sent",
		},
	},
}

// Sources: Meta's "Manually build a login flow" and "Secure Graph API calls", and
// the providers of next-auth, kratos and supabase, which agree but for the scope's
// separator.
var facebook = Preset{
	Name: "facebook", Title: "Facebook", Icon: "people", Dated: facts,
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
			"App settings → Basic: the app ID is the client ID, the app secret the client secret. Under Advanced, turn on \"Require App Secret\".",
		},
		Callback:   "Must be one of the registered URLs exactly, in strict mode.",
		Restricted: "anybody with an account can sign in. `allowed_email_domains` lets in nobody, because no address counts as verified: leave `allow_public_registration` off and link users yourself.",
		Email:      "never as verified: Facebook does not say whether it is. It is absent for accounts with a phone number only, and for those who declined it.",
		Session:    "a token lasts hours, or 60 days; there is no refresh token. When it ends, a refresh can no longer ask.",
		Unconfirmed: []string{
			"which version of the Graph API is the right one in a year: without one, calls use the oldest that the app may use. To choose one, set `base_url=https://www.facebook.com/vN.0` and `api_url=https://graph.facebook.com/vN.0`",
			"whether Facebook compares the code verifier that it is sent",
		},
	},
}

// Source: X's "OAuth 2.0 Authorization Code Flow with PKCE" and "User lookup".
var x = Preset{
	Name: "x", Title: "X", Icon: "people", Dated: facts,
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
			"Callback URI: the URL below. Copy client ID and client secret of OAuth 2.0; the API key is another pair.",
		},
		Callback:   "Must be one of the registered URLs exactly.",
		Restricted: "anybody with an account can sign in. `allowed_email_domains` lets in those with a confirmed address in your domain.",
		Email:      "verified where it is there: X releases `confirmed_email` only. Directus's documentation names `data.username` as the identifier; it can change hands, and is refused.",
		Session:    "a token lasts 2 hours. Add `offline.access` to `scope` for a refresh token; without it, a refresh can no longer ask when the token ends.",
		Unconfirmed: []string{
			"whether refresh tokens are good for one use only",
		},
	},
}

// Source: the providers of next-auth, allauth, better-auth and authentik.
var reddit = Preset{
	Name: "reddit", Title: "Reddit", Icon: "chat", Dated: facts,
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
			"The client ID stands under the name of the app.",
		},
		Callback:   "Must be the registered URL exactly.",
		Restricted: "anybody with an account can sign in, and there is no e-mail address: leave `allow_public_registration` off unless that is meant.",
		Email:      "none.",
		Session:    "a token lasts an hour. Set `params__duration=permanent` for a refresh token.",
		Unconfirmed: []string{
			"what Reddit does with a code challenge, so that none is sent: set `pkce=S256` to try",
			"how long a token lasts",
		},
	},
}

// Source: Mastodon's documentation, "OAuth" and "OAuth scopes".
var mastodon = Preset{
	Name: "mastodon", Title: "Mastodon", Icon: "chat", Dated: facts,
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
		Restricted: "whoever has an account on that instance can sign in. A provider is one instance: account 1 of another one is somebody else.",
		Email:      "none.",
		Session:    "a token does not expire. A refresh reads the profile again; a logout revokes the token.",
	},
}
