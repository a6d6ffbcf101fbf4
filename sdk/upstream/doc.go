// Package upstream is the workbench of mechanisms that speak with a provider over
// HTTP: what each of them needs once, in one behaviour.
//
// [HTTPOptions] are the options of requests to the provider. A mechanism embeds
// them, and has client_http_timeout and the others under the names that operators
// know, checked when they are decoded:
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
// [ParseEndpoint] is the rule for URLs of a provider; what is loopback says package
// contract.
//
// [HTTPOptions.Client] makes the client, and [Get] reads a document with it. A
// [Document] keeps what was read: it loads when there is need, shares one load
// between all who wait, serves the last good value while the provider is down, and
// asks a provider that is down once in a while and not once a login.
//
// [Shown], [Quoted] and [ShownList] make texts of a provider's fit for an error.
// [Clock], [Certificate] and their like are the findings of a check.
//
// Package codeflow, below this one, is the authorization code flow of OAuth 2.0.
package upstream
