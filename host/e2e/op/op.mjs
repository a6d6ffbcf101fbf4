// An OpenID provider (the certified npm oidc-provider) on loopback, for the
// end-to-end tests. Anybody signs in with any password; the login name is the
// subject. It ends when its standard input does, so that none outlives a test.
//
// Environment:
//   OP_PORT            port, 0 or unset for a free one
//   OP_REDIRECT_URIS   redirect URIs of all clients, separated by spaces
//   OP_CLIENT_SECRET   secret of all clients
//
// Prints "ready ISSUER" once it listens.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const { OP_PORT = '0', OP_REDIRECT_URIS = '', OP_CLIENT_SECRET } = process.env;

const client = (id, more = {}) => ({
  client_id: id,
  client_secret: OP_CLIENT_SECRET,
  redirect_uris: OP_REDIRECT_URIS.split(' ').filter(Boolean),
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  ...more,
});

const clients = [
  client('rp-basic', { token_endpoint_auth_method: 'client_secret_basic' }),
  client('rp-post', { token_endpoint_auth_method: 'client_secret_post' }),
  client('rp-es256', { id_token_signed_response_alg: 'ES256' }),
  client('rp-eddsa', { id_token_signed_response_alg: 'EdDSA' }),
  client('rp-ps256', { id_token_signed_response_alg: 'PS256' }),
  client('plain'), // asks for no openid: OAuth 2.0 without an ID token
];

const signingKey = (alg, type, options) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid: alg,
});

const keys = [
  signingKey('RS256', 'rsa', { modulusLength: 2048 }),
  signingKey('PS256', 'rsa', { modulusLength: 2048 }),
  signingKey('ES256', 'ec', { namedCurve: 'P-256' }),
  signingKey('EdDSA', 'ed25519'),
];

const claimsOf = (login) => ({
  sub: login,
  email: `${login}@example.org`,
  email_verified: true,
  name: `${login} Tester`,
  given_name: login,
  family_name: 'Tester',
  preferred_username: login,
  groups: ['editors', 'staff'],
});

const newProvider = (issuer) => new Provider(issuer, {
  clients,
  jwks: { keys },
  cookies: { keys: ['only for tests'] },
  scopes: ['openid', 'offline_access', 'email', 'profile', 'groups', 'profile_api'],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'given_name', 'family_name', 'preferred_username'],
    groups: ['groups'],
  },
  findAccount: (ctx, login) => ({ accountId: login, claims: () => claimsOf(login) }),
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  renderError: (ctx, out) => { ctx.type = 'json'; ctx.body = out; },
});

const page = (title, body) => `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`;

const loginPage = (path) => page('Sign in', `
  <form id="login" method="post" action="${path}/login">
    <input name="login" required autofocus><input name="password" type="password" required>
    <button>Sign in</button>
  </form>`);

const consentPage = (path) => page('Allow access?', `
  <form id="consent" method="post" action="${path}/consent"><button>Allow</button></form>
  <form id="refuse" method="post" action="${path}/refuse"><button>Refuse</button></form>`);

async function formOf(req) {
  let body = '';
  for await (const chunk of req) {
    body += chunk;
    if (body.length > 10_000) throw new Error('form too large');
  }
  return new URLSearchParams(body);
}

async function grantAll(provider, { grantId, session, params, prompt: { details } }) {
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(' '));
  if (details.missingOIDCClaims) grant.addOIDCClaims(details.missingOIDCClaims);
  return { consent: { grantId: await grant.save() } };
}

async function outcome(provider, req, details, answer) {
  switch (answer) {
    case 'login': return { login: { accountId: (await formOf(req)).get('login') } };
    case 'consent': return grantAll(provider, details);
    default: return { error: 'access_denied', error_description: 'the end user refused' };
  }
}

// interact shows what the provider wants to ask, or takes the answer.
async function interact(provider, req, res, path, answer) {
  const details = await provider.interactionDetails(req, res);
  if (req.method === 'POST') {
    const result = await outcome(provider, req, details, answer);
    await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: !result.error });
    return;
  }
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.end(details.prompt.name === 'login' ? loginPage(path) : consentPage(path));
}

// tellOwner is an API of ours: userinfo is for tokens with the scope openid only.
async function tellOwner(provider, req, res) {
  const token = await provider.AccessToken.find((req.headers.authorization ?? '').replace(/^Bearer /, ''));
  res.writeHead(token ? 200 : 401, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify(token ? { ...claimsOf(token.accountId), client: token.clientId, scope: token.scope } : { error: 'invalid_token' }));
}

const server = createServer();
server.listen(Number(OP_PORT), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = newProvider(issuer);
  const protocol = provider.callback();
  server.on('request', (req, res) => {
    const asked = req.url.match(/^(\/interaction\/[\w-]+)(?:\/(login|consent|refuse))?$/);
    if (req.url === '/api/owner') return tellOwner(provider, req, res).catch(() => res.writeHead(500).end());
    if (!asked) return protocol(req, res);
    return interact(provider, req, res, asked[1], asked[2]).catch((err) => {
      console.error(err);
      res.writeHead(500).end();
    });
  });
  provider.on('server_error', (ctx, err) => console.error(err));
  console.log(`ready ${issuer}`);
});

const stop = () => { server.close(); server.closeAllConnections(); process.stdin.destroy(); };
process.stdin.resume().on('end', stop);
process.on('SIGTERM', stop);
