// Package forwardauth answers reverse proxies that ask, with each request of a browser
// or program to an application, whether it may pass: nginx (auth_request), Traefik
// (ForwardAuth), Caddy (forward_auth), HAProxy (a Lua action) and Envoy (ext_authz over
// HTTP).
//
// # Contracts
//
// Each family of proxies has an endpoint of its own, on a listener of its own, with one
// fixed source for each datum. An endpoint that guesses who asks, or falls back from one
// header to another, can be lied to: nginx passes all headers of the client along, so a
// client's X-Forwarded-Uri arrives beside the X-Original-URL of nginx.
//
//	/forward-auth          Traefik, Caddy, HAProxy: X-Forwarded-Method, -Proto, -Host, -Uri
//	/forward-auth/nginx    X-Original-Method, X-Original-URL
//	/forward-auth/envoy/*  method, Host and the target behind the prefix; X-Forwarded-Proto
//
// Exactly 200 means that the request may pass. No answer sets a cookie. Identity leaves
// with 200 only.
//
// # Rules
//
// An [App] is an origin, or an origin and a path prefix. Rules have no order:
//
//   - The app of a request is the one at its origin with the longest prefix of its path,
//     by whole segments: /team/ has /team and /team/x, and not /teams. No app: denied.
//   - A public path of that app lets everybody pass: one that ends in / has all below it,
//     any other is exact. Those of other apps do not count. A GET is a HEAD, too; other
//     methods only if they are named.
//   - A preflight passes if the app says so.
//   - Everybody else must be signed in and meet the [Subject] of the app: each of its
//     lists that is not empty must have an entry that fits. If the app has alternatives
//     (Allow), one of these must be met as well.
//
// Public and subject do not mix: a path is either for everybody or for whom the app
// admits. To except a part of an app, make it an app with a longer prefix.
//
// # Paths
//
// What a proxy and an application make of a path, they may make differently. Where no
// rule looks at the path it cannot do harm, and is not looked at. Where one does, a path
// that could be read in two ways is refused ([ErrAmbiguous]): with dot segments, empty
// segments, backslashes, encoded slashes, dots, percent signs and the like. Where apps
// share an origin, so is one that would belong to another app if capitals, path
// parameters, or dots and spaces at the end of a segment did not count.
package forwardauth
