package preset

// Sources: Keycloak's Server Administration Guide, and opensearch-project/security 3877
// for the claim with the roles.
var keycloak = Preset{
	Name: "keycloak", Title: "Keycloak", Icon: "key", Dated: gathered,
	Example: "https://keycloak.example.com/realms/example",
	Scope:   standardScope,
	Groups:  "realm_access.roles",
	Manual: Manual{
		Console: []string{
			"Your realm → Clients → Create client: OpenID Connect. Client authentication on, Standard flow on, everything else off.",
			"Valid redirect URIs: the URL below, without a star. Valid post logout redirect URIs: the same with `logout` in place of `callback`.",
			"Copy the client secret from Credentials.",
			"For roles: Client scopes → roles → Mappers → realm roles → Add to ID token (or to userinfo). Without it, they are only in the access token, which Doorward does not read.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://keycloak.example.com/realms/<realm>", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback:   "Must be exactly one of the registered URLs, unless one ends in a star.",
		Restricted: "anyone who has an account in the realm.",
		Email:      byEmailVerified,
		Groups:     "the roles of the realm (`realm_access.roles`). For groups, add a Group Membership mapper called `groups`, and set `AUTH_KEYCLOAK_GROUP_CLAIM_NAME=groups`; for roles of a client, `resource_access.<client>.roles`.",
		Session:    "Keycloak always issues a refresh token, which lasts as long as the session there. " + signsOutThere + " For logouts that begin there, set Backchannel logout URL to what `doorward check` prints. Before Keycloak 17, the issuer URL has `/auth` before `/realms`.",
	},
}

// Sources: Zitadel's "Claims in ZITADEL", "Scopes in ZITADEL" and "Retrieve User Roles",
// and BookStackApp/BookStack 4147 for the form of the roles.
var zitadel = Preset{
	Name: "zitadel", Title: "Zitadel", Icon: "key", Dated: gathered,
	Example: "https://example.zitadel.cloud",
	Scope:   standardScope,
	Groups:  "urn:zitadel:iam:org:project:roles",
	Manual: Manual{
		Console: []string{
			"Your project → Applications → New → Web, authentication method Code or Basic.",
			"Redirect URIs: the URL below. Post logout URIs: the same with `logout` in place of `callback`.",
			"For roles: the project's settings → Assert Roles on Authentication. Copy the project ID, too.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://<instance>", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
			"AUTH_{X}_TRUSTED_AUDIENCES=<project ID>",
		},
		Callback:   exactCallback,
		Restricted: "anyone who has an account on the instance; with the project's setting Check authorization on Authentication, only those with a role in the project.",
		Email:      byEmailVerified,
		Groups:     "the roles of the project: the keys of the object `urn:zitadel:iam:org:project:roles`.",
		Session:    "a refresh token needs the grant type Refresh Token and the scope `offline_access` (`AUTH_ZITADEL_OFFLINE_ACCESS=true`). " + signsOutThere,
	},
}

// Sources: authentik's "OAuth2 provider" and "Create an OAuth2 provider", and the provider of next-auth.
var authentik = Preset{
	Name: "authentik", Title: "authentik", Icon: "key", Dated: gathered,
	Example: "https://authentik.example.com/application/o/doorward/",
	Scope:   standardScope,
	Manual: Manual{
		Console: []string{
			"Applications → Providers → Create → OAuth2/OpenID Provider, client type Confidential.",
			"Redirect URIs: the URL below, Strict.",
			"Signing Key: choose one. Without it, authentik signs with the client secret, which is refused.",
			"Subject mode: keep the hashed user ID. User names and addresses can pass to somebody else.",
			"Create an application with this provider; its slug is part of the issuer.",
		},
		Settings: []string{
			"AUTH_{X}_DRIVER=openid   # the ldap plugin also has a preset of this name",
			"AUTH_{X}_ISSUER_URL=https://authentik.example.com/application/o/<slug>/   # with the slash", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback:   "Must be exactly one of the registered URLs, if they are Strict.",
		Restricted: yourOwn,
		Email:      byEmailVerified,
		Groups:     "the names of the groups, with the scope `profile`.",
		Session:    "a refresh token needs the scope `offline_access` (`AUTH_AUTHENTIK_OFFLINE_ACCESS=true`, and the scope mapping of that name in the provider). " + signsOutThere,
		Unconfirmed: []string{
			"that older versions call every address verified",
		},
	},
}
