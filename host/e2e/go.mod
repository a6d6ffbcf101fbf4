module github.com/doorward/doorward/host/e2e

go 1.26.0

require (
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.23.0
	github.com/doorward/doorward/plugins/openid v0.0.0
	golang.org/x/net v0.60.0
)

require (
	github.com/go-jose/go-jose/v4 v4.1.9 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
)

replace (
	github.com/doorward/doorward/plugins/openid => ../../plugins/openid
	github.com/doorward/doorward/sdk => ../../sdk
)
