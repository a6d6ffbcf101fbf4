// Logins that lead through the browser: which there are, and what follows them.
import assert from 'node:assert/strict';
import { CookieJar } from 'tough-cookie';
import { authentication, createDirectus, readMe, readProviders, rest } from '@directus/sdk';
import { browsing, host, password, refused, scenario } from './scenario.mjs';

scenario('readProviders', async () => {
  const client = createDirectus(host).with(rest());
  const known = Object.fromEntries((await client.request(readProviders())).map((p) => [p.name, p]));
  assert.equal(known.corp.driver, 'ldap');
  assert.equal(known.fake.driver, 'openid');
  assert.equal(known.fake.label, 'Fake Provider');
  assert.equal(known.fake.icon, 'key');
  const names = (await client.request(readProviders(true))).map((p) => p.name);
  assert.deepEqual(names.sort(), ['corp', 'fakesession']);
});

// There is no call for it: the page goes to the provider, which needs no word of this
// person, comes back with a cookie, and the SDK asks for a token by it.
for (const [mode, provider] of [['cookie', 'fake'], ['session', 'fakesession']]) {
  scenario(`a login by redirect in ${mode} mode`, async () => {
    const jar = new CookieJar();
    const navigate = browsing(jar);
    const arrived = await navigate(`${host}/auth/login/${provider}?redirect=${encodeURIComponent(`${host}/server/ping`)}`);
    assert.equal(arrived.url, `${host}/server/ping`);

    const client = createDirectus(host, { globals: { fetch: browsing(jar) } })
      .with(authentication(mode, { credentials: 'include' })).with(rest({ credentials: 'include' }));
    await client.refresh();
    assert.equal((await client.request(readMe())).email, 'alice@example.com');
    await client.logout();
    await refused(client.refresh(), 400, 'INVALID_PAYLOAD');
  });
}

scenario('a provider that is no directory', async () => {
  const client = createDirectus(host).with(authentication('json')).with(rest());
  await refused(client.login({ identifier: 'alice', password }, { provider: 'fake' }), 400, 'INVALID_PAYLOAD');
});
