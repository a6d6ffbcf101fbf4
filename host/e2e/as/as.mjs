// An OAuth 2.0 authorization server (npm @node-oauth/oauth2-server) on loopback,
// for the end-to-end tests. Anybody signs in by a name; there is no ID token, and
// /me tells who the owner of a token is. It ends when its standard input does, so
// that none outlives a test.
//
// Environment:
//   AS_REDIRECT_URIS   redirect URIs of the client, separated by spaces
//   AS_CLIENT_SECRET   its secret; its ID is "door/ward"
//
// Prints "ready URL" once it listens.
import { createServer } from 'node:http';
import { createHash } from 'node:crypto';
import OAuth2Server from '@node-oauth/oauth2-server';

const { AS_REDIRECT_URIS = '', AS_CLIENT_SECRET } = process.env;

const client = {
  id: 'door/ward', grants: ['authorization_code', 'refresh_token'], redirectUris: AS_REDIRECT_URIS.split(' ').filter(Boolean),
  accessTokenLifetime: 3600,
};
const codes = new Map();
const tokens = new Map();
const refreshTokens = new Map();

const model = {
  getClient: async (id, secret) => (id === client.id && (secret === null || secret === AS_CLIENT_SECRET) ? client : false),
  saveAuthorizationCode: async (code, by, user) => {
    const saved = { ...code, client: by, user };
    codes.set(code.authorizationCode, saved);
    return saved;
  },
  getAuthorizationCode: async (code) => codes.get(code),
  revokeAuthorizationCode: async ({ authorizationCode }) => codes.delete(authorizationCode),
  saveToken: async (token, by, user) => {
    const saved = { ...token, client: by, user };
    tokens.set(token.accessToken, saved);
    if (token.refreshToken) refreshTokens.set(token.refreshToken, saved);
    return saved;
  },
  getAccessToken: async (token) => tokens.get(token),
  getRefreshToken: async (token) => refreshTokens.get(token),
  revokeToken: async ({ refreshToken }) => refreshTokens.delete(refreshToken),
  validateScope: async (user, by, scope) => scope ?? ['profile'],
};

const oauth = new OAuth2Server({ model });

async function formOf(req) {
  let body = '';
  for await (const chunk of req) {
    body += chunk;
    if (body.length > 10_000) throw new Error('form too large');
  }
  return Object.fromEntries(new URLSearchParams(body));
}

const page = (query) => `<!doctype html><html lang="en"><title>Sign in</title><h1>Sign in</h1>
  <form id="login" method="post" action="/authorize?${query.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}">
    <input name="login" required autofocus><button>Sign in</button></form></html>`;

// The identifier is an odd number beyond 2^53, made of the name: no float is one.
const idOf = (login) => ((9007199254740993n + BigInt(`0x${createHash('sha256').update(login).digest('hex').slice(0, 8)}`)) | 1n).toString();

const profile = (login) => `{"id":${idOf(login)},"login":${JSON.stringify(login)},"name":${JSON.stringify(`${login} Tester`)},` +
  `"email":${JSON.stringify(`${login}@example.org`)},"confirmed":true,"teams":[{"org":"acme","name":"devs"}]}`;

async function answer(req, res) {
  const url = new URL(req.url, 'http://127.0.0.1');
  const body = req.method === 'POST' ? await formOf(req) : {};
  const request = new OAuth2Server.Request({ method: req.method, headers: req.headers, query: Object.fromEntries(url.searchParams), body });
  const response = new OAuth2Server.Response({});
  const send = () => {
    res.writeHead(response.status, { 'Content-Type': 'application/json', ...response.headers });
    res.end(response.status === 302 ? '' : JSON.stringify(response.body));
  };
  switch (url.pathname) {
    case '/authorize':
      if (req.method === 'GET') {
        res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
        return res.end(page(url.search.slice(1)));
      }
      await oauth.authorize(request, response, { authenticateHandler: { handle: async () => ({ login: body.login }) } });
      return send();
    case '/token':
      await oauth.token(request, response, { requireClientAuthentication: {} }).catch(() => {});
      return send();
    case '/me': {
      const token = await oauth.authenticate(request, response);
      res.writeHead(200, { 'Content-Type': 'application/json' });
      return res.end(profile(token.user.login));
    }
    default:
      return res.writeHead(404).end();
  }
}

const server = createServer((req, res) => {
  answer(req, res).catch((err) => {
    res.writeHead(err.code ?? 500, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify({ error: err.name ?? 'server_error', error_description: err.message }));
  });
});
server.listen(0, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${server.address().port}`));

const stop = () => { server.close(); server.closeAllConnections(); process.stdin.destroy(); };
process.stdin.resume().on('end', stop);
process.on('SIGTERM', stop);
