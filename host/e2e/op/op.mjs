// An OpenID provider (the certified npm oidc-provider) on loopback, for the
// end-to-end tests. Anybody signs in with any password; the login name is the
// subject. It ends when its standard input does, so that none outlives a test.
//
// Environment:
//   OP_PORT            port, 0 or unset for a free one
//   OP_REDIRECT_URIS   redirect URIs of all clients, separated by spaces
//   OP_CLIENT_SECRET   secret of all clients
//   OP_SETUP           JSON, all of it optional: {
//     clients:         more clients, as their whole metadata
//     features:        of oidc-provider, on top of those below
//     nonce:           DPoP proofs must carry a nonce
//     tls:             {key, cert}: PEM of an https server that asks for certificates
//   }
//
// What a test has an operator do:
//   POST /test/rotate          new keys sign; those before stay published
//   POST /test/revoke/LOGIN    all that this end user allowed is void
//
// Prints "ready ISSUER" once it listens.
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import Provider from 'oidc-provider';

const { OP_PORT = '0', OP_REDIRECT_URIS = '', OP_CLIENT_SECRET, OP_SETUP = '{}' } = process.env;
const setup = JSON.parse(OP_SETUP);

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
  ...(setup.clients ?? []),
];

// The key goes through PEM: Node.js 20 can hang while it exports a key object that was
// generated as one. (A loop of such exports hung once in 72,000; providers of the tests did
// at their start.)
const pem = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } };
const signingKey = (alg, type, options) => ({
  ...createPrivateKey(generateKeyPairSync(type, { ...options, ...pem }).privateKey).export({ format: 'jwk' }), use: 'sig', alg, kid: alg,
});

const newKeys = (generation) => [
  signingKey('RS256', 'rsa', { modulusLength: 2048 }),
  signingKey('PS256', 'rsa', { modulusLength: 2048 }),
  signingKey('ES256', 'ec', { namedCurve: 'P-256' }),
  signingKey('EdDSA', 'ed25519'),
].map((key) => ({ ...key, kid: `${key.alg}-${generation}` }));

let keys = newKeys(1);

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

// Stored keeps what providers store in the memory of the process, so that one that
// takes the place of another goes on with it.
const stored = new Map();

class Stored {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload, expiresIn) {
    stored.set(this.key(id), { payload, expires: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
  }
  async find(id) {
    const found = stored.get(this.key(id));
    return found && found.expires > Date.now() ? found.payload : undefined;
  }
  async findBy(test) {
    for (const [key, { payload }] of stored) if (key.startsWith(`${this.model}:`) && test(payload)) return payload;
    return undefined;
  }
  findByUid(uid) { return this.findBy((payload) => payload.uid === uid); }
  findByUserCode(code) { return this.findBy((payload) => payload.userCode === code); }
  async consume(id) { stored.get(this.key(id)).payload.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { stored.delete(this.key(id)); }
  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of stored) if (payload.grantId === grantId) stored.delete(key);
  }
}

// askLogout signs out at once when its form is posted.
function askLogout(ctx, form) {
  ctx.body = page('Sign out?', form.replace('</form>', '<input type="hidden" name="logout" value="yes"></form>'));
}

// mutualTLS takes the certificate of the connection. Nobody vouches for it: the name of a
// client is enough where its method is tls_client_auth.
const mutualTLS = {
  enabled: true,
  certificateBoundAccessTokens: true,
  selfSignedTlsClientAuth: true,
  tlsClientAuth: true,
  getCertificate: (ctx) => {
    const { raw } = ctx.socket.getPeerCertificate();
    return raw && new X509Certificate(raw);
  },
  certificateAuthorized: () => true,
  certificateSubjectMatches: (ctx, property, expected) => ctx.socket.getPeerCertificate().subject?.CN === expected.replace(/^CN=/, ''),
};

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
  adapter: Stored,
  // Its own fetch refuses loopback addresses, where the hosts of the tests are.
  fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  clientAuthMethods: [
    'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none',
    ...(setup.tls ? ['tls_client_auth', 'self_signed_tls_client_auth'] : []),
  ],
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true, logoutSource: askLogout },
    ...setup.features,
    ...(setup.nonce ? { dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true } } : {}),
    ...(setup.tls ? { mTLS: mutualTLS } : {}),
  },
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

// start makes a provider. What was stored by another one before it is there, too.
function start(issuer, granted) {
  const provider = newProvider(issuer);
  provider.on('server_error', (ctx, err) => console.error(err));
  provider.on('backchannel.error', (ctx, err) => console.error('back-channel logout:', err.message));
  provider.on('grant.success', (ctx) => {
    const { Account, Grant, AuthorizationCode, RefreshToken } = ctx.oidc.entities;
    const login = Account?.accountId;
    const grantId = Grant?.jti ?? AuthorizationCode?.grantId ?? RefreshToken?.grantId;
    if (login && grantId) granted.set(login, [...(granted.get(login) ?? []), grantId]);
  });
  return provider;
}

async function revoke(provider, grants) {
  for (const grantId of grants) {
    await provider.RefreshToken.revokeByGrantId(grantId);
    await provider.AccessToken.revokeByGrantId(grantId);
    await (await provider.Grant.find(grantId))?.destroy();
  }
}

const server = setup.tls ? createSecureServer({ ...setup.tls, requestCert: true, rejectUnauthorized: false }) : createServer();
server.listen(Number(OP_PORT), '127.0.0.1', () => {
  const issuer = `${setup.tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  const granted = new Map();
  let provider = start(issuer, granted);
  let protocol = provider.callback();
  server.on('request', (req, res) => {
    const failed = (err) => {
      console.error(err);
      res.writeHead(500).end();
    };
    const asked = req.url.match(/^(\/interaction\/[\w-]+)(?:\/(login|consent|refuse))?$/);
    const locked = req.url.match(/^\/test\/revoke\/(\w+)$/);
    if (req.url === '/api/owner') return tellOwner(provider, req, res).catch(failed);
    if (req.url === '/test/rotate') {
      keys = [...newKeys(2), ...keys];
      provider = start(issuer, granted);
      protocol = provider.callback();
      return res.writeHead(204).end();
    }
    if (locked) return revoke(provider, granted.get(locked[1]) ?? []).then(() => res.writeHead(204).end(), failed);
    if (!asked) return protocol(req, res);
    return interact(provider, req, res, asked[1], asked[2]).catch(failed);
  });
  console.log(`ready ${issuer}`);
});

const stop = () => { server.close(); server.closeAllConnections(); process.stdin.destroy(); };
process.stdin.resume().on('end', stop);
process.on('SIGTERM', stop);
