// Package idtoken checks the claims of an ID token (OpenID Connect Core sections 2 and
// 3.1.3.7). The checks use only the claims and the expectation, and send no requests.
package idtoken
