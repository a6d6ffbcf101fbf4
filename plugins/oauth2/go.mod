module github.com/doorward/doorward/plugins/oauth2

go 1.26.0

require (
	github.com/doorward/doorward/sdk v0.0.0
	github.com/google/go-cmp v0.7.0
)

replace github.com/doorward/doorward/sdk => ../../sdk
