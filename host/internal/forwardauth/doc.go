// Package forwardauth tells reverse proxies whether a request to an application may pass.
// A proxy asks for each request of a browser or a program: nginx (auth_request), Traefik
// (ForwardAuth), Caddy (forward_auth), HAProxy (a Lua action) and Envoy (ext_authz over
// HTTP).
//
// # Contracts
//
// The endpoints are on a separate listener. Each family of proxies has its own endpoint,
// which reads each value from one fixed source. An endpoint that guesses the proxy, or falls
// back from one header to another, can be deceived: nginx forwards all headers of the client,
// so a client's X-Forwarded-Uri arrives together with the X-Original-URL of nginx.
//
//	/forward-auth          Traefik, Caddy, HAProxy: X-Forwarded-Method, -Proto, -Host, -Uri
//	/forward-auth/nginx    X-Original-Method, X-Original-URL
//	/forward-auth/envoy/*  method, Host and the target after the prefix; X-Forwarded-Proto
//
// Only status 200 means that the request may pass. Responses never set a cookie, and only a
// response with status 200 contains an identity.
//
// # Rules
//
// An [App] is an origin, or an origin and a path prefix. Rules have no order:
//
//   - The app of a request is the app at its origin with the longest prefix of its path,
//     by whole segments: /team/ contains /team and /team/x, but not /teams. A request
//     without an app is denied.
//   - Everybody can access a public path of that app. A path that ends in / includes all
//     paths below it; any other path is exact. Public paths of other apps do not count. GET
//     includes HEAD; other methods must be listed.
//   - A preflight passes if the app allows preflights.
//   - All other requests need a user who is signed in and meets the [Subject] of the app:
//     one entry of each non-empty list must match. If the app has alternatives (Allow), the
//     user must also meet one of them.
//
// A path is either public or restricted to the app's subject. To make an exception for a part
// of an app, define another app with a longer prefix.
//
// # Paths
//
// A proxy and an application can interpret a path differently. If no rule depends on the
// path, it is not checked. If a rule does, an ambiguous path is refused ([ErrAmbiguous]): a
// path with dot segments, empty segments, backslashes, encoded slashes, dots, percent signs
// and the like. If several apps share an origin, a path is also refused if it would belong to
// another app when case, path parameters, or dots and spaces at the end of a segment are
// ignored.
package forwardauth
