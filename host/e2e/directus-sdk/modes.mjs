// Signing in, reading, refreshing and signing out in each of the three modes.
import assert from 'node:assert/strict';
import { CookieJar } from 'tough-cookie';
import { authentication, createDirectus, login, logout, readMe, refresh, rest, staticToken } from '@directus/sdk';
import { browsing, host, password, refused, scenario } from './scenario.mjs';

const alice = () => ({ identifier: 'alice', password });
const atCorp = { provider: 'corp' };
const quarterOfAnHour = 15 * 60 * 1000;

scenario('json mode', async () => {
  const client = createDirectus(host).with(authentication('json')).with(rest());
  const first = await client.login(alice(), atCorp);
  assert.equal(first.expires, quarterOfAnHour);
  assert.ok(first.expires_at > Date.now());
  assert.equal(await client.getToken(), first.access_token);
  assert.equal((await client.request(readMe())).email, 'alice@example.org');

  const second = await client.refresh();
  assert.ok(second.access_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal((await client.request(readMe())).first_name, 'Alice');

  assert.equal(await client.logout(), undefined);
  assert.equal(await client.getToken(), null);
  await refused(client.request(readMe()), 401, 'INVALID_CREDENTIALS');
  await refused(client.refresh(), 400, 'INVALID_PAYLOAD'); // it has none to send
  const anybody = createDirectus(host).with(rest());
  await refused(anybody.request(refresh({ mode: 'json', refresh_token: second.refresh_token })), 401, 'INVALID_CREDENTIALS');
});

scenario('a storage of one\'s own', async () => {
  const kept = new Map(); // as localStorage
  const storage = {
    get: () => JSON.parse(kept.get('directus-data') ?? 'null'),
    set: (data) => { kept.set('directus-data', JSON.stringify(data)); },
  };
  const open = () => createDirectus(host).with(authentication('json', { storage })).with(rest());
  await open().login(alice(), atCorp);
  const later = open(); // the program is started again
  assert.equal((await later.request(readMe())).email, 'alice@example.org');
  await later.refresh();
  await later.logout();
  assert.deepEqual(storage.get(), { access_token: null, refresh_token: null, expires: null, expires_at: null });
});

scenario('cookie mode', async () => {
  const jar = new CookieJar();
  const open = () => createDirectus(host, { globals: { fetch: browsing(jar) } })
    .with(authentication('cookie', { credentials: 'include' })).with(rest({ credentials: 'include' }));
  const client = open();
  const first = await client.login(alice(), atCorp);
  assert.ok(first.access_token);
  assert.equal(first.refresh_token, undefined);
  assert.equal(first.expires, quarterOfAnHour);
  assert.equal((await client.request(readMe())).email, 'alice@example.org');

  const later = open(); // the page is loaded again: it has only the cookie
  assert.equal(await later.getToken(), null);
  const second = await later.refresh();
  assert.ok(second.access_token);
  assert.equal((await later.request(readMe())).email, 'alice@example.org');

  await later.logout();
  assert.equal(await later.getToken(), null);
  assert.deepEqual(await jar.getCookies(host).then((all) => all.filter((c) => c.value && /refresh|session/.test(c.key))), []);
  await refused(later.refresh(), 400, 'INVALID_PAYLOAD');
});

scenario('session mode', async () => {
  const jar = new CookieJar();
  const client = createDirectus(host, { globals: { fetch: browsing(jar) } })
    .with(authentication('session', { credentials: 'include' })).with(rest({ credentials: 'include' }));
  const first = await client.login(alice(), atCorp);
  assert.ok(first.expires > 0);
  assert.equal(first.refresh_token, undefined);
  assert.equal((await client.request(readMe())).email, 'alice@example.org');
  await client.refresh();
  assert.equal((await client.request(readMe())).email, 'alice@example.org');
  await client.logout();
  await refused(client.request(readMe()), 401, 'INVALID_CREDENTIALS');
  await refused(client.refresh(), 400, 'INVALID_PAYLOAD');
});

scenario('commands instead of the composable', async () => {
  const client = createDirectus(host).with(rest());
  const first = await client.request(login(alice(), { provider: 'corp', mode: 'json' }));
  const second = await client.request(refresh({ mode: 'json', refresh_token: first.refresh_token }));
  const reader = createDirectus(host).with(staticToken(second.access_token)).with(rest());
  assert.equal((await reader.request(readMe())).email, 'alice@example.org');
  assert.equal(await client.request(logout({ mode: 'json', refresh_token: second.refresh_token })), null);
  await refused(reader.request(readMe()), 401, 'INVALID_CREDENTIALS');
});
