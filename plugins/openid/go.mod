module github.com/doorward/doorward/plugins/openid

go 1.26.0

require github.com/doorward/doorward/sdk v0.0.0

require (
	github.com/coreos/go-oidc/v3 v3.21.0 // indirect
	github.com/go-jose/go-jose/v4 v4.1.9 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
)

replace github.com/doorward/doorward/sdk => ../../sdk
