// Verifies access tokens as an application would: it knows the issuer, finds the rest
// through its metadata (RFC 8414), and reads tokens from its input, one a line. For each
// it prints "good" with the algorithm and the user, or "refused" with the reason. The
// argument is the issuer. jose comes with oidc-provider.
import { createInterface } from 'node:readline';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const issuer = process.argv[2];
const url = new URL(issuer);
const metadata = await (await fetch(`${url.origin}/.well-known/oauth-authorization-server${url.pathname === '/' ? '' : url.pathname}`)).json();
if (metadata.issuer !== issuer) throw new Error(`the metadata is of ${metadata.issuer}`);
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));

console.log(`ready ${metadata.jwks_uri}`);
for await (const token of createInterface({ input: process.stdin })) {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer, audience: issuer, typ: 'at+jwt', requiredClaims: ['exp', 'sub'] });
    console.log(`good ${protectedHeader.alg} ${payload.sub}`);
  } catch (error) {
    console.log(`refused ${error.code}`);
  }
}
