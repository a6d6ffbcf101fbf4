// Package upstream provides what all mechanisms need that talk to a provider over HTTP,
// so that they behave the same.
//
// [HTTPOptions] are the options of requests to the provider. A mechanism embeds them,
// and has client_http_timeout and the others under the names that operators know,
// checked when they are decoded:
//
//	type Options struct {
//		MetadataURL string `option:"metadata_url,required" doc:"where the provider describes itself"`
//		upstream.HTTPOptions
//	}
//
//	func (o Options) Validate() error {
//		var problems options.Problems
//		if _, err := upstream.ParseEndpoint(o.MetadataURL); err != nil {
//			problems.Addf("metadata_url", "%v", err)
//		}
//		return problems.Err()
//	}
//
// [ParseEndpoint] is the rule for URLs of a provider. Package contract defines which
// hosts are loopback.
//
// [HTTPOptions.Client] makes the client, and [Get] reads a document with it. A
// [Document] keeps the result: it loads when needed, shares one load between all
// waiting callers, and serves the last valid value while the provider is down. It asks
// a provider that is down only now and then, and not at every login.
//
// [Shown], [Quoted] and [ShownList] make texts of a provider fit for an error.
// [Clock], [Certificate] and similar functions make findings of a check.
//
// The subpackage codeflow is the authorization code flow of OAuth 2.0.
package upstream
