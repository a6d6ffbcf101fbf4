// Refreshes that are made at once: by one client, and by many that hold one token.
import assert from 'node:assert/strict';
import { CookieJar } from 'tough-cookie';
import { authentication, createDirectus, readMe, rest } from '@directus/sdk';
import { browsing, host, password, scenario } from './scenario.mjs';

const alice = () => ({ identifier: 'alice', password });
const atCorp = { provider: 'corp' };
const hundred = Array.from({ length: 100 });

const keeping = (data) => {
  let kept = data;
  return { get: () => kept, set: (next) => { kept = next; } };
};

scenario('100 refreshes of one client at once', async () => {
  const client = createDirectus(host).with(authentication('json')).with(rest());
  const first = await client.login(alice(), atCorp);
  const answers = await Promise.all(hundred.map(() => client.refresh()));
  const successors = new Set(answers.map((a) => a.refresh_token));
  assert.equal(successors.size, 1);
  assert.ok(!successors.has(first.refresh_token));
  await client.refresh();
  assert.equal((await client.request(readMe())).email, 'alice@example.org');
  await client.logout();
});

scenario('100 clients with one refresh token', async () => {
  const first = await createDirectus(host).with(authentication('json')).login(alice(), atCorp);
  const clients = hundred.map(() => createDirectus(host)
    .with(authentication('json', { storage: keeping({ ...first }) })).with(rest()));
  const answers = await Promise.all(clients.map((client) => client.refresh()));
  assert.equal(new Set(answers.map((a) => a.refresh_token)).size, 1);
  const people = await Promise.all(clients.map((client) => client.request(readMe())));
  assert.ok(people.every((me) => me.email === 'alice@example.org'));
  await clients[0].logout();
});

for (const mode of ['cookie', 'session']) {
  scenario(`100 tabs refresh in ${mode} mode`, async () => {
    const jar = new CookieJar();
    const open = () => createDirectus(host, { globals: { fetch: browsing(jar) } })
      .with(authentication(mode, { credentials: 'include' })).with(rest({ credentials: 'include' }));
    await open().login(alice(), atCorp);
    const tabs = hundred.map(open);
    await Promise.all(tabs.map((tab) => tab.refresh()));
    await tabs[1].refresh();
    assert.equal((await tabs[1].request(readMe())).email, 'alice@example.org');
    await tabs[2].logout();
  });
}
