// Package config reads the environment, the file .env and one more file into one
// checked [Config].
//
// [Load] is the only way in. Where several sources name a setting, the
// environment wins over .env, and .env over the other file. Everything that is
// wrong is reported at once in an [Error]: by the name that the operator wrote, what
// is wrong with it, and what to write instead. No value of a secret is in it.
//
// # Environment
//
// Names and meaning are those of Directus, so that its environments work here
// unchanged, cast prefixes such as "string:" included. An empty variable counts as
// not given. NAME_FILE names a file that holds the value of NAME, for every setting
// and every option of a provider; one newline at its end is left out.
//
// # Providers
//
// AUTH_PROVIDERS lists them. AUTH_<PROVIDER>_<OPTION> sets an option: the name in
// capitals, with _ for -. The options of [ProviderSchema] are the host's own and are
// read here. Everything else is for the mechanism and passes through unread; only
// its schema says what is a number or a list.
//
// # Files
//
// The file that CONFIG_PATH names has one of three forms: that of .env, that of Directus
// (JSON or YAML with the names of variables at the top), or our own YAML. In that, keys are the names of settings in lower case, and providers:, a mapping by name.
// In place of any value may stand {file: path}, read like NAME_FILE, or {env: NAME}.
// Relative paths in the file count from its folder; those in the environment and in
// .env from the working directory, where .env is.
//
//	public_url: https://login.example.org
//	secret: {file: /run/secrets/doorward}
//	providers:
//	  keycloak:
//	    driver: openid
//	    issuer_url: https://id.example.org/realms/main
//	    client_id: doorward
//	    client_secret: {env: KEYCLOAK_SECRET}
package config
