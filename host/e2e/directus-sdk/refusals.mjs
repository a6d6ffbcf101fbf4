// What the SDK throws where something is refused.
import assert from 'node:assert/strict';
import { authentication, createDirectus, passwordRequest, readItems, readMe, rest, staticToken } from '@directus/sdk';
import { host, password, refused, scenario } from './scenario.mjs';

const open = () => createDirectus(host).with(authentication('json')).with(rest());

scenario('a wrong password', async () => {
  const client = open();
  await refused(client.login({ identifier: 'bob', password: 'not the password' }, { provider: 'corp' }), 401, 'INVALID_CREDENTIALS');
  assert.equal(await client.getToken(), null);
});

// Who is signed in stays so.
scenario('a wrong password on top of a session', async () => {
  const client = open();
  await client.login({ identifier: 'alice', password }, { provider: 'corp' });
  await refused(client.login({ identifier: 'bob', password: 'not the password' }, { provider: 'corp' }), 401, 'INVALID_CREDENTIALS');
  assert.equal((await client.request(readMe())).email, 'alice@example.org');
});

scenario('no password', async () => {
  await refused(open().login({ identifier: 'bob', password: '' }, { provider: 'corp' }), 400, 'INVALID_PAYLOAD');
});

scenario('an unknown provider', async () => {
  await refused(open().login({ identifier: 'bob', password }, { provider: 'nowhere' }), 404, 'ROUTE_NOT_FOUND');
});

scenario('no passwords of our own', async () => {
  await refused(open().login({ email: 'bob@example.org', password }), 404, 'ROUTE_NOT_FOUND');
  await refused(open().request(passwordRequest('bob@example.org')), 404, 'ROUTE_NOT_FOUND');
});

scenario('what is no access token', async () => {
  const client = createDirectus(host).with(staticToken('not-a-token')).with(rest());
  await refused(client.request(readMe()), 401, 'INVALID_CREDENTIALS');
});

scenario('content, which this host has none of', async () => {
  await refused(open().request(readItems('articles')), 404, 'ROUTE_NOT_FOUND');
});
