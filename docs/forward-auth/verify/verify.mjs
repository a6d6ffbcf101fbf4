// Verifies that a request came through Doorward, and from which user: Node, with jose 5 or later.
import { text } from "node:stream/consumers"
import { createRemoteJWKSet, jwtVerify } from "jose"

const issuer = "https://sso.example.org" // PUBLIC_URL, without a slash at the end
const origin = "https://wiki.example.org" // of this application
const keys = createRemoteJWKSet(new URL(issuer + "/.well-known/jwks.json")) // caches the keys for ten minutes

// Returns the claims in a value of X-Doorward-Assertion; throws if it is not valid.
async function verify(assertion) {
  const { payload } = await jwtVerify(assertion, keys, {
    issuer, audience: origin, typ: "doorward-assertion+jwt", clockTolerance: 5,
    algorithms: ["EdDSA", "ES256", "RS256"], requiredClaims: ["exp", "iat", "sub"],
  })
  return payload
}

console.log((await verify(await text(process.stdin))).sub)
