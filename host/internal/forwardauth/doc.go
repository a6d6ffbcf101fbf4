// Package forwardauth answers reverse proxies that ask, for each request of a browser or
// program to an application, whether it may pass: nginx (auth_request), Traefik
// (ForwardAuth), Caddy (forward_auth), HAProxy (a Lua action) and Envoy (ext_authz over
// HTTP).
//
// # Contracts
//
// Each family of proxies has its own endpoint, on a separate listener, with one fixed
// source for each value. An endpoint that guesses which proxy asks, or falls back from one
// header to another, can be deceived: nginx passes all headers of the client along, so a
// client's X-Forwarded-Uri arrives together with the X-Original-URL of nginx.
//
//	/forward-auth          Traefik, Caddy, HAProxy: X-Forwarded-Method, -Proto, -Host, -Uri
//	/forward-auth/nginx    X-Original-Method, X-Original-URL
//	/forward-auth/envoy/*  method, Host and the target behind the prefix; X-Forwarded-Proto
//
// Only 200 means that the request may pass. No answer sets a cookie. The user's identity
// is sent with 200 only.
//
// # Rules
//
// An [App] is an origin, or an origin and a path prefix. Rules have no order:
//
//   - The app of a request is the one at its origin with the longest prefix of its path,
//     by whole segments: /team/ includes /team and /team/x, but not /teams. Without an
//     app, the request is denied.
//   - A public path of that app lets everybody pass: a path that ends in / includes
//     everything below it, any other is exact. Public paths of other apps do not count.
//     GET includes HEAD; other methods pass only if they are named.
//   - A preflight passes if the app allows preflights.
//   - All other requests need a signed-in user who matches the [Subject] of the app: each
//     of its lists that is not empty must have a matching entry. If the app has
//     alternatives (Allow), one of these must match as well.
//
// Public paths and subjects do not mix: a path is either for everybody or for the users
// that the app admits. To make an exception for a part of an app, make it an app with a
// longer prefix.
//
// # Paths
//
// A proxy and an application may read a path differently. If no rule depends on the path,
// that does no harm, and the path is not checked. Otherwise an ambiguous path is refused
// ([ErrAmbiguous]): with dot segments, empty segments, backslashes, encoded slashes, dots,
// percent signs and the like. If apps share an origin, a path is also refused if it would
// belong to another app when capitals, path parameters, or dots and spaces at the end of a
// segment were ignored.
package forwardauth
