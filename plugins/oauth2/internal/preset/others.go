package preset

// Sources: the providers of next-auth, supabase, dex and pocketbase.
var bitbucket = Preset{
	Name: "bitbucket", Title: "Bitbucket", Icon: "branches", Dated: facts,
	Base: "https://bitbucket.org", API: "https://api.bitbucket.org/2.0",
	AuthorizeURL: "{base}/site/oauth2/authorize",
	AccessURL:    "{base}/site/oauth2/access_token",
	ProfileURL:   "{api}/user",
	Scopes:       []string{"account", "email"},
	Calls:        []Call{{Name: "emails", URL: "{api}/user/emails", Pages: PagesNext + "next", Items: "values"}},
	Identifiers:  []Identifier{{"account_id", Text}, {"uuid", Text}},
	Username:     "username|nickname",
	FullName:     "display_name",
	Email:        "emails[is_primary && is_confirmed].email",
	Verified:     Verified{Path: "emails[is_primary && is_confirmed].is_confirmed"},
	Manual: Manual{
		Console: []string{
			"Workspace settings → OAuth consumers → Add consumer.",
			"Callback URL: the URL below. Permissions: Account – Read and Email. They are fixed here; `scope` only repeats them.",
			"Key is the client ID, Secret the client secret.",
		},
		Callback:   "Every path below the registered URL may be accepted: register the whole path.",
		Restricted: "anybody with an account can sign in. `allowed_email_domains` lets in those with a confirmed address in your domain. Workspaces are not read.",
		Email:      "the primary address, and only if it is confirmed.",
		Session:    "a token lasts 2 hours and comes with a refresh token.",
		Unconfirmed: []string{
			"whether a code challenge is compared: next-auth sends one, pocketbase does not",
			"how exactly the callback URL is compared",
		},
	},
}

// Source: Spotify's "Authorization Code with PKCE Flow", and the providers of
// next-auth, better-auth and kratos.
var spotify = Preset{
	Name: "spotify", Title: "Spotify", Icon: "music", Dated: facts,
	Base: "https://accounts.spotify.com", API: "https://api.spotify.com/v1",
	AuthorizeURL: "{base}/authorize",
	AccessURL:    "{base}/api/token",
	ProfileURL:   "{api}/me",
	Scopes:       []string{"user-read-email"},
	Identifiers:  []Identifier{{"id", Text}},
	FullName:     "display_name",
	Email:        "email",
	Manual: Manual{
		Console: []string{
			"developer.spotify.com/dashboard → Create app, with the Web API.",
			"Redirect URIs: the URL below. For a test on this machine, write `127.0.0.1`: `localhost` is refused.",
			"Settings → Basic Information shows client ID and client secret. While the app is in development mode, add everybody who may sign in under User Management.",
		},
		Callback:   "Must be one of the registered URLs exactly.",
		Restricted: "anybody with an account can sign in, or those whom you added in development mode.",
		Email:      "never as verified: Spotify does not verify it.",
		Session:    "a token lasts an hour and comes with a refresh token. There is no revocation.",
		Unconfirmed: []string{
			"whether a code challenge is compared for a client with a secret",
			"that a user who was not added in development mode is refused with status 403 at the profile",
		},
	},
}

// Sources: the providers of next-auth, kratos, goth and allauth.
var yandex = Preset{
	Name: "yandex", Title: "Yandex", Icon: "people", Dated: facts,
	Base: "https://oauth.yandex.com", API: "https://login.yandex.ru",
	AuthorizeURL:  "{base}/authorize",
	AccessURL:     "{base}/token",
	ProfileURL:    "{api}/info?format=json",
	Scopes:        []string{"login:info", "login:email"},
	ProfileScheme: "OAuth",
	Identifiers:   []Identifier{{"id", Text}},
	Username:      "login",
	FullName:      "display_name|real_name|login",
	FirstName:     "first_name",
	LastName:      "last_name",
	Email:         "default_email|emails.0",
	Manual: Manual{
		Console: []string{
			"oauth.yandex.com → Create app → For user authorization, platform Web services.",
			"Redirect URI: the URL below. Permissions: access to the login, first name and last name, and to the e-mail address; every scope that is asked for must be among them.",
			"Copy ClientID and Client secret.",
		},
		Callback:    "Must be one of the registered URLs exactly.",
		Restricted:  "anybody with an account can sign in.",
		Email:       "never as verified: Yandex does not say whether it is.",
		Session:     "depends on the app; a refresh token is used if there is one.",
		Unconfirmed: []string{"whether a code challenge is compared", "how long tokens last"},
	},
}

// Sources: Atlassian's "OAuth 2.0 (3LO) apps", and the providers of next-auth,
// allauth and better-auth. allauth reads email_verified of the body; better-auth
// does not. It counts only as the JSON value true.
var atlassian = Preset{
	Name: "atlassian", Title: "Atlassian", Icon: "business", Dated: facts,
	Base: "https://auth.atlassian.com", API: "https://api.atlassian.com",
	AuthorizeURL: "{base}/authorize",
	AccessURL:    "{base}/oauth/token",
	ProfileURL:   "{api}/me",
	Scopes:       []string{"read:me"},
	Params:       map[string]string{"audience": "api.atlassian.com", "prompt": "consent"},
	Identifiers:  []Identifier{{"account_id", Text}},
	RefuseWhen:   []string{"account_status=inactive", "account_status=closed"},
	Username:     "nickname",
	FullName:     "name",
	Email:        "email",
	Verified:     Verified{Path: "email_verified"},
	Manual: Manual{
		Console: []string{
			"developer.atlassian.com/console → Create → OAuth 2.0 integration.",
			"Authorization → OAuth 2.0 (3LO) → Callback URL: the URL below.",
			"Permissions → User identity API: `read:me`. Settings shows client ID and secret.",
			"Distribution: turn sharing on, or only you can sign in.",
		},
		Callback:   "Must be the registered URL exactly.",
		Restricted: "anybody with an account can sign in. `allowed_email_domains` lets in those with a verified address in your domain. Sites are not read.",
		Email:      "verified if `email_verified` is true; sources disagree whether it is always there.",
		Session:    "a token lasts an hour. Add `offline_access` to `scope` for a refresh token, which is good for one use.",
		Unconfirmed: []string{
			"when a managed account hides its address",
			"whether a code challenge is compared",
		},
	},
}

// Source: Nextcloud's apps/oauth2/lib/Controller/OauthApiController.php, and the
// providers of goth, next-auth and allauth.
var nextcloud = Preset{
	Name: "nextcloud", Title: "Nextcloud", Icon: "cloud", Dated: facts,
	API:            "{base}/ocs/v2.php",
	AuthorizeURL:   "{base}/apps/oauth2/authorize",
	AccessURL:      "{base}/apps/oauth2/api/v1/token",
	ProfileURL:     "{api}/cloud/user?format=json",
	ProfileHeaders: map[string]string{"OCS-APIRequest": "true"}, // else the answer is XML
	ErrorWhen:      []string{"error", "ocs.meta.statuscode!=200"},
	RefuseWhen:     []string{"ocs.data.enabled=false"},
	// The name of the account, which the administrator gives out and never again.
	Identifiers: []Identifier{{"ocs.data.id", Text}},
	TokenUser:   "user_id",
	Username:    "ocs.data.id",
	FullName:    "ocs.data.displayname|ocs.data.display-name",
	Email:       "ocs.data.email",
	Groups:      []Groups{{Kind: Group, Path: "ocs.data.groups"}},
	Manual: Manual{
		Console: []string{
			"Administration settings → Security → OAuth 2.0 clients → Add client.",
			"Redirection URI: the URL below.",
			"Copy client identifier and secret.",
		},
		Extra:      []string{"AUTH_{X}_BASE_URL=https://cloud.example.com"},
		Callback:   "Must be the registered URL exactly.",
		Restricted: "whoever has an account on your server can sign in. `allowed_groups` lets in members of some groups.",
		Email:      "never as verified: users enter it themselves.",
		Session:    "a token lasts an hour; its refresh token is good for one use, and ends the token before it. A token has all rights of the user: there are no scopes.",
		Unconfirmed: []string{
			"that versions which do not know PKCE ignore it: if yours does not, set `pkce=off`",
			"how long your server makes this host wait after wrong attempts: it throttles by address",
		},
	},
}
